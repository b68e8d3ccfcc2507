"""Where services differ in how they say that members break constraints: data, each line with its source.

The rule itself is in `constraints`; what is not here follows it. Recordings: reference/lambda.md 14 unless named.
"""

from collections.abc import Mapping
from typing import Final

import msgspec


class Wording(msgspec.Struct, frozen=True):
    """One service's ways."""

    error_code: str | None = None
    """The code of the error; None: ValidationException, and ValidationError in query services."""

    echoes: bool = True
    """Whether the sentence shows the value: `Value 'x' at 'name'` or `Value at 'name'`."""

    elements_not_null: bool = True
    """Whether constraints of list members and map values end in "Member must not be null"."""

    nullable_elements: frozenset[str] = frozenset()
    """Lists and maps without that ending in a service that otherwise has it."""

    enums: Mapping[str, tuple[str, ...]] = {}
    """Orders of enum values that no HashSet has; of which values, the model says (`java.recorded_order`)."""

    told_first: Mapping[str, frozenset[str]] = {}
    """Lists of enum values that the service tells before other members and without brackets, and values unnamed."""

    checked_by_the_operation: frozenset[str] = frozenset()
    """Members (`Shape.Member`) whose values the service checks itself, with sentences of its own."""

    lengths_checked_by_the_service: frozenset[str] = frozenset()
    """Shapes whose longest length is in no sentence, because the service checks it itself; a list's members are not meant."""

    patterns: Mapping[str, str] = {}
    """Patterns that the service shows otherwise than its model has them."""


_LAYER_VERSION_ARN: Final = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)

# As ListLayers told them in November 2025: a list of AWS's own, with names that no model ever had.
_RUNTIMES_IN_ORDER: Final = (
    *("ruby3.5", "ruby2.6", "dotnetcore1.0", "python3.7", "nodejs8.10", "nasa", "ruby2.7", "python2.7-greengrass"),
    *("dotnetcore2.0", "python3.8", "java21", "dotnet6", "dotnetcore2.1", "python3.9", "java11", "nodejs6.10"),
    *("provided", "dotnetcore3.1", "dotnet8", "java25", "java17", "nodejs", "nodejs4.3", "java8.al2", "go1.x"),
    *("dotnet10", "nodejs20.x", "go1.9", "byol", "nodejs10.x", "provided.al2023", "nodejs22.x", "python3.10"),
    *("java8", "nodejs12.x", "python3.11", "nodejs24.x", "nodejs8.x", "python3.12", "nodejs14.x", "nodejs8.9"),
    *("nodejs26.x", "python3.13", "python3.14", "nodejs16.x", "python3.15", "provided.al2", "nodejs4.3-edge"),
    *("nodejs18.x", "ruby3.2", "python3.4", "ruby3.3", "ruby3.4", "ruby2.5", "python3.6", "python2.7"),
)

# Retired, or not offered to everybody: the validator takes them, but names only the others (reference 10, 14).
_RUNTIMES_NOT_NAMED: Final = frozenset(
    {
        *("nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x"),
        *("nodejs14.x", "python2.7", "python3.6", "python3.7", "ruby2.5", "ruby2.7", "java8", "go1.x", "provided"),
        *("dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "custom"),
    }
)

WORDINGS: Final[Mapping[str, Wording]] = {
    "lambda": Wording(
        nullable_elements=frozenset({"SecurityGroupIds", "SubnetIds"}),
        enums={
            "Architecture": ("x86_64", "arm64"),
            "EventSourcePosition": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
            # As user reports and other emulators' probes have them; not in our recordings.
            "InvocationType": ("Event", "RequestResponse", "DryRun"),
            "LogType": ("Tail", "None"),
            "Runtime": _RUNTIMES_IN_ORDER,
        },
        told_first={"CompatibleRuntimes": _RUNTIMES_NOT_NAMED},
        # An unknown runtime is an InvalidParameterValueException, whose list has the supported ones (reference 10, 14).
        checked_by_the_operation=frozenset(
            {"CreateFunctionRequest.Runtime", "UpdateFunctionConfigurationRequest.Runtime"}
        ),
        patterns={"LayerVersionArn": _LAYER_VERSION_ARN},
    ),
    # User reports: fluent-plugin-cloudwatch-logs#223, winston-cloudwatch#55, crossfeed#374.
    "logs": Wording(
        error_code="InvalidParameterException",
        elements_not_null=False,
        lengths_checked_by_the_service=frozenset({"LogGroupName", "LogStreamName"}),
    ),
    # IAM has shown no values since about 2024: "Value at 'tags.2.member.value' failed to satisfy constraint: ...".
    "iam": Wording(echoes=False),
    "dynamodb": Wording(elements_not_null=False),
}
DEFAULT: Final = Wording()


def wording_of(service: str) -> Wording:
    """The ways of a service; the rule's own where nothing is known."""
    return WORDINGS.get(service, DEFAULT)
