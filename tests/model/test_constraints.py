"""What AWS says of members that break the model, sentence by sentence.

The sentences are recorded from AWS (reference/lambda.md 14) unless a comment names another source. Where a recorded
pattern was older than the model's, the pattern is read from the model.
"""

from typing import Any, Final

import pytest

from lambent.core.errors import ValidationException
from lambent.lambda_.errors import RuntimeUnknown
from lambent.lambda_.runtimes.catalogue import CATALOGUE
from lambent.lambda_.settings import check_runtime
from lambent.model import java
from lambent.model.constraints import violations_of
from lambent.model.java import hash_set_order
from lambent.model.service import load
from lambent.model.wording import wording_of

NOT_NULL = "Member must not be null"
LAYER_ARN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:"
    r"layer:[a-zA-Z0-9-_]+:[0-9]+)"
    r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
)
FUNCTION_NAME = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
)


def told(service: str, operation: str, **members: Any) -> str:
    """The message of the error, or an empty one."""
    shape = load(service).operation(operation).input
    assert shape is not None
    found = violations_of(shape, wording_of(service))(members)
    return str(ValidationException(found)) if found else ""


def one(where: str, demand: str, value: str | None = None) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"1 validation error detected: Value {shown} at '{where}' failed to satisfy constraint: {demand}"


RECORDED: list[tuple[str, dict[str, Any], str]] = [
    (
        "CreateEventSourceMapping",
        {"FunctionName": "f", "StartingPosition": "invalid"},
        one("startingPosition", "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]", "invalid"),
    ),
    (
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "Layers": ["x"]},
        one(
            "layers",
            "Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must "
            "have length "
            f"greater than or equal to 1, Member must satisfy regular expression pattern: {LAYER_ARN}, {NOT_NULL}]",
            "[x]",
        ),
    ),
    (
        "ListLayers",
        {"CompatibleArchitecture": "archdoesnotexist"},
        one("compatibleArchitecture", "Member must satisfy enum value set: [x86_64, arm64]", "archdoesnotexist"),
    ),
    (
        "PutFunctionEventInvokeConfig",
        {
            "FunctionName": "f",
            "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:_-/!lambda:us-east-1:1:function:f"}},
        },
        one(
            "destinationConfig.onFailure.destination",
            r"Member must satisfy regular expression pattern: "
            r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):"
            r"([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)",
            "arn:aws:_-/!lambda:us-east-1:1:function:f",
        ),
    ),
    (
        "GetFunctionUrlConfig",
        {"FunctionName": "f", "Qualifier": "$LATEST"},
        one("qualifier", r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)", "$LATEST"),
    ),
    (
        "GetFunctionUrlConfig",
        {"FunctionName": "f", "Qualifier": "2"},
        one("qualifier", r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)", "2"),
    ),
    (
        "UpdateFunctionUrlConfig",
        {"FunctionName": "f", "InvokeMode": "UNKNOWN"},
        one("invokeMode", "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]", "UNKNOWN"),
    ),
    (
        "PutProvisionedConcurrencyConfig",
        {"FunctionName": "f", "Qualifier": "1", "ProvisionedConcurrentExecutions": 0},
        one("provisionedConcurrentExecutions", "Member must have value greater than or equal to 1", "0"),
    ),
    (
        "AddPermission",
        {"FunctionName": "f", "StatementId": "example.com", "Action": "lambda:InvokeFunction", "Principal": "p"},
        one("statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)", "example.com"),
    ),
    (
        "GetFunction",
        {"FunctionName": "f", "Qualifier": "invalid-qualifier-with-?-char"},
        one(
            "qualifier",
            r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
            "invalid-qualifier-with-?-char",
        ),
    ),
    (
        "CreateAlias",
        {
            "FunctionName": "f",
            "Name": "a",
            "FunctionVersion": "1",
            "RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}},
        },
        one(
            "routingConfig.additionalVersionWeights",
            "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must "
            "have length "
            "greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
            "{$LATEST=0.5}",
        ),
    ),
    (
        "CreateAlias",
        {
            "FunctionName": "f",
            "Name": "a",
            "FunctionVersion": "1",
            "RoutingConfig": {"AdditionalVersionWeights": {"2": -1.0}},
        },
        one(
            "routingConfig.additionalVersionWeights",
            "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must "
            "have value "
            f"greater than or equal to 0.0, {NOT_NULL}]",
            "{2=-1.0}",
        ),
    ),
    ("UntagResource", {"Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"}, one("tagKeys", NOT_NULL)),
    (
        "CreateFunction",
        {
            "FunctionName": "f",
            "Role": "arn:aws:iam::123456789012:role/r",
            "Code": {},
            "SnapStart": {"ApplyOn": "invalidOption"},
        },
        one("snapStart.applyOn", "Member must satisfy enum value set: [PublishedVersions, None]", "invalidOption"),
    ),
    (
        "Invoke",
        {"FunctionName": "arn:aws:lambda:us-east-1:123400000000@function:myfn"},
        one(
            "functionName",
            f"Member must satisfy regular expression pattern: {FUNCTION_NAME}"
            r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
            "arn:aws:lambda:us-east-1:123400000000@function:myfn",
        ),
    ),
    (
        "UpdateFunctionCode",
        {"FunctionName": "invalid:function:name"},
        one(
            "functionName",
            r"Member must satisfy regular expression pattern: "
            rf"{FUNCTION_NAME}([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?",
            "invalid:function:name",
        ),
    ),
    (
        "UpdateFunctionConfiguration",
        {"FunctionName": "f", "VpcConfig": {"SecurityGroupIds": ["sg-!"]}},
        one(
            "vpcConfig.securityGroupIds",
            "Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must "
            "have length "
            "greater than or equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]",
            "[sg-!]",
        ),
    ),
    (
        "UpdateFunctionCode",
        {"FunctionName": "f", "Architectures": ["X86_64"]},
        one(
            "architectures",
            f"Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], {NOT_NULL}]",
            "[X86_64]",
        ),
    ),
    (
        "UpdateFunctionCode",
        {"FunctionName": "f", "Architectures": ["x86_64", "arm64"]},
        one("architectures", "Member must have length less than or equal to 1", "[x86_64, arm64]"),
    ),
    (
        "ListFunctions",
        {"FunctionVersion": "invalid"},
        one("functionVersion", "Member must satisfy enum value set: [ALL]", "invalid"),
    ),
    (  # a deployment log on GitHub, 2026: CreateFunctionUrlConfig with OPTIONS
        "UpdateFunctionUrlConfig",
        {"FunctionName": "f", "Cors": {"AllowMethods": ["POST", "OPTIONS", "GET"]}},
        one(
            "cors.allowMethods",
            "Member must satisfy constraint: [Member must have length less than or equal to 6, Member must have length "
            f"greater than or equal to 0, Member must satisfy regular expression pattern: .*, {NOT_NULL}]",
            "[POST, OPTIONS, GET]",
        ),
    ),
]


@pytest.mark.parametrize(("operation", "members", "sentence"), RECORDED)
def test_a_broken_constraint_is_told_in_the_recorded_sentence(
    operation: str, members: dict[str, Any], sentence: str
) -> None:
    assert told("lambda", operation, **members) == sentence


def test_the_recorded_resource_pattern_is_told_as_the_newest_model_has_it() -> None:
    """The recording of November 2025 has a layer in it, which no model had; kinds that both have are in the same order."""
    pattern = load("lambda").shape("TaggableResource").traits.pattern
    assert pattern is not None
    kinds = ("function:", "code-signing-config:", "event-source-mapping:", "(capacity-provider|network-connector):")
    places = [pattern.index(kind) for kind in kinds]
    assert places == sorted(places)
    assert "layer:" not in pattern
    assert told("lambda", "ListTags", Resource="arn:aws:something") == one(
        "resource", f"Member must satisfy regular expression pattern: {pattern}", "arn:aws:something"
    )


def test_two_broken_constraints_are_told_in_the_order_of_the_model_and_in_the_plural() -> None:
    message = told("lambda", "CreateFunctionUrlConfig", FunctionName="f", AuthType="x", InvokeMode="y")
    assert message == (
        "2 validation errors detected: Value 'x' at 'authType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [NONE, AWS_IAM]; Value 'y' at 'invokeMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
    )


def test_unknown_runtimes_of_a_layer_are_told_first_without_brackets_and_with_the_supported_ones() -> None:
    members = {
        "LayerName": "l",
        "Content": {},
        "CompatibleRuntimes": ["invalidruntime", "invalidruntime2", "nodejs20.x"],
        "CompatibleArchitectures": ["invalidarch", "x86_64"],
    }
    offered = {row.id for row in CATALOGUE.values() if not row.blocked and row.family != "custom"}
    named = hash_set_order([runtime for runtime in load("lambda").shape("Runtime").traits.enum if runtime in offered])
    assert told("lambda", "PublishLayerVersion", **members) == (
        "2 validation errors detected: Value '[invalidruntime, invalidruntime2, nodejs20.x]' at 'compatibleRuntimes' "
        f"failed to satisfy constraint: Member must satisfy enum value set: [{', '.join(named)}]; "
        "Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: "
        f"Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], {NOT_NULL}]"
    )


def names_in(sentence: str) -> list[str]:
    """The values of the set that a sentence tells."""
    return sentence.partition("enum value set: [")[2].partition("]")[0].split(", ")


NAMED_BY_PUBLISH: Final = [  # AWS, November 2025: by CreateFunction, UpdateFunctionConfiguration and PublishLayerVersion
    *("nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x"),
    *("java25", "python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9"),
    *("java17", "nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2"),
    *("java8.al2",),
]
NAMED_BY_LIST: Final = [  # by ListLayers, without the nine that no model has
    *("dotnetcore1.0", "python3.7", "nodejs8.10", "ruby2.7", "dotnetcore2.0", "python3.8", "java21", "dotnet6"),
    *("dotnetcore2.1", "python3.9", "java11", "nodejs6.10", "provided", "dotnetcore3.1", "dotnet8", "java25"),
    *("java17", "nodejs", "nodejs4.3", "java8.al2", "go1.x", "dotnet10", "nodejs20.x", "nodejs10.x"),
    *("provided.al2023", "nodejs22.x", "python3.10", "java8", "nodejs12.x", "python3.11", "nodejs24.x"),
    *("python3.12", "nodejs14.x", "nodejs26.x", "python3.13", "python3.14", "nodejs16.x", "python3.15"),
    *("provided.al2", "nodejs4.3-edge", "nodejs18.x", "ruby3.2", "ruby3.3", "ruby3.4", "ruby2.5", "python3.6"),
    *("python2.7",),
]


@pytest.mark.parametrize("operation", ["ListLayers", "ListLayerVersions"])
def test_an_unknown_runtime_of_a_list_is_told_the_names_of_the_model_in_awss_order(operation: str) -> None:
    sentence = told("lambda", operation, LayerName="l", CompatibleRuntime="runtimedoesnotexist")
    found = names_in(sentence)
    assert set(found) == set(load("lambda").shape("Runtime").traits.enum)
    assert [name for name in found if name in NAMED_BY_LIST] == NAMED_BY_LIST
    assert [java.hash_code(name) % 32 for name in found] == sorted(java.hash_code(name) % 32 for name in found)


def test_an_unknown_runtime_is_told_the_names_of_today_in_awss_order() -> None:
    """Newer ones stand among those that were recorded, which keep their order."""
    of_layer = names_in(told("lambda", "PublishLayerVersion", LayerName="l", Content={}, CompatibleRuntimes=["x"]))
    with pytest.raises(RuntimeUnknown) as caught:
        check_runtime("x")
    assert names_in(caught.value.text) == of_layer
    assert [name for name in of_layer if name in NAMED_BY_PUBLISH] == NAMED_BY_PUBLISH
    assert {"java8.al2023", "nodejs26.x", "python3.15", "ruby4.0"} < set(of_layer)


def test_a_layer_may_be_for_a_runtime_that_functions_are_no_longer_made_of() -> None:
    assert told("lambda", "PublishLayerVersion", LayerName="l", Content={}, CompatibleRuntimes=["python3.7"]) == ""


def test_of_one_value_the_pattern_is_told_before_the_length() -> None:
    """Recorded by a user: fluent-plugin-cloudwatch-logs#223."""
    assert told("logs", "DescribeLogGroups", logGroupNamePrefix="") == (
        r"2 validation errors detected: Value '' at 'logGroupNamePrefix' failed to satisfy constraint: Member "
        r"must satisfy "
        r"regular expression pattern: [\.\-_/#A-Za-z0-9]+; Value '' at 'logGroupNamePrefix' failed to satisfy "
        r"constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_a_structure_in_a_list_is_told_by_its_place() -> None:
    """Recorded by a user: cloudwatch-logs-centralize-logs#5."""
    members = {
        "logGroupName": "g",
        "logStreamName": "s",
        "logEvents": [{"timestamp": 1, "message": "a"}, {"message": "b"}],
    }
    assert told("logs", "PutLogEvents", **members) == one("logEvents.2.member.timestamp", NOT_NULL)


def test_an_empty_list_is_shown_as_java_shows_it() -> None:
    """Recorded by a user: winston-cloudwatch#55."""
    assert told("logs", "PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[]) == one(
        "logEvents", "Member must have length greater than or equal to 1", "[]"
    )


def test_a_missing_member_of_sts_is_null() -> None:
    """Recorded by a user: aws-sdk-cpp#1252."""
    assert told("sts", "AssumeRole", RoleArn="arn:aws:iam::123456789012:role/r") == one("roleSessionName", NOT_NULL)


def test_iam_shows_no_values() -> None:
    """User reports since 2024: "Value at 'tags.2.member.value' failed to satisfy constraint: ..."."""
    message = told("iam", "TagRole", RoleName="r", Tags=[{"Key": "k", "Value": "—"}])
    assert message == (
        r"1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: Member "
        r"must satisfy "
        r"regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*"
    )


def test_a_sensitive_value_is_not_shown() -> None:
    members = {"FunctionName": "f", "Environment": {"Variables": {"1": "secret"}}}
    assert told("lambda", "UpdateFunctionConfiguration", **members) == (
        "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map "
        "keys must satisfy "
        "constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"
    )


def test_what_the_model_does_not_forbid_is_not_told() -> None:
    assert told("lambda", "Invoke", FunctionName="f", InvocationType="Event", Payload=b"{}") == ""
    assert told("lambda", "Invoke", FunctionName="f", InvocationType=None) == ""


def test_a_shape_that_holds_itself_is_checked_to_its_depth() -> None:
    value: dict[str, Any] = {"M": {"k" * 65536: {"S": "x"}}}
    for _ in range(20):
        value = {"M": {"k": value}}
    message = told("dynamodb", "PutItem", TableName="t", Item={"a": value})
    assert "Map keys must satisfy constraint: [Member must have length less than or equal to 65535]" in message


def test_a_null_in_a_list_is_told_where_the_list_has_no_other_rule() -> None:
    assert told("lambda", "CreateEventSourceMapping", FunctionName="f", Topics=["t", None]).endswith(f", {NOT_NULL}]")
