"""When a version gets a newer build of its runtime.

Here a runtime is what the machine has, in one build that has one ARN (`shapes.runtime_version_arn`): a version can be held
at that build and at no other, and Auto and FunctionUpdate come to the same. Sources: reference/lambda.md 6; Lambda
developer guide, "Understanding how Lambda manages runtime version updates".
"""

from __future__ import annotations

from typing import ClassVar, Final

from lambent.core.errors import AwsError
from lambent.lambda_.parts import Part

AUTO: Final = "Auto"
MANUAL: Final = "Manual"


class AliasNotAllowed(AwsError, code="InvalidParameterValueException"):
    """As users report it (azul#7730)."""

    message = "The provided function name {arn} is invalid. Aliases are not allowed."


class RuntimeVersionRequired(AwsError, code="InvalidParameterValueException"):
    """The model's documentation has the rule; the sentence is ours."""

    message = "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."


class RuntimeVersionUnexpected(AwsError, code="InvalidParameterValueException"):
    """The model's documentation has the rule; the sentence is ours."""

    message = "RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual."


class RuntimeVersionUnknown(AwsError, code="InvalidParameterValueException"):
    """Ours: there is only the build that the machine has."""

    message = "The runtime version {given} does not exist here. The version of {runtime} is {present}."


class RuntimeManagementConfig(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Hangs on a version, or on $LATEST; without one it is Auto."""

    KIND: ClassVar[str] = "runtime-management-config"

    update_runtime_on: str = AUTO
    runtime_version_arn: str | None = None  # only with Manual
