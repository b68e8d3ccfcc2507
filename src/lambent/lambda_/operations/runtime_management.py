"""Runtime management: when a version gets a newer build of its runtime. reference/lambda.md 6."""

from __future__ import annotations

from lambent.core.kernel import Context, Shape
from lambent.lambda_.aliases import Alias
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.names import LATEST, FunctionArn
from lambent.lambda_.operations.context import located
from lambent.lambda_.runtime_management import (
    MANUAL,
    AliasNotAllowed,
    RuntimeManagementConfig,
    RuntimeVersionRequired,
    RuntimeVersionUnexpected,
    RuntimeVersionUnknown,
)
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.shapes import runtime_version_arn


class GetRuntimeManagementConfigResponse(Shape):
    update_runtime_on: str
    function_arn: str
    runtime_version_arn: str | None = None


def managed(function: Function, arn: FunctionArn) -> FunctionVersion:
    """The version that is meant. Raises AliasNotAllowed, FunctionNotFound."""
    if arn.qualifier is not None and function.part(Alias, arn.qualifier) is not None:
        raise AliasNotAllowed(arn=arn)
    return function.version(arn.qualifier)


def check_build(config: RuntimeManagementConfig, version: FunctionVersion) -> None:
    """Raises RuntimeVersionRequired, RuntimeVersionUnexpected, RuntimeVersionUnknown."""
    given = config.runtime_version_arn
    if config.update_runtime_on != MANUAL:
        if given is not None:
            raise RuntimeVersionUnexpected
    elif given is None:
        raise RuntimeVersionRequired
    elif given != runtime_version_arn(version):
        raise RuntimeVersionUnknown(given=given, runtime=version.runtime, present=runtime_version_arn(version))


@LAMBDA.operation(stored=["UpdateRuntimeOn"])
async def put_runtime_management_config(
    ctx: Context[Lambda],
    *,
    function_name: str,
    update_runtime_on: str,
    qualifier: str | None = None,
    runtime_version_arn: str | None = None,
) -> GetRuntimeManagementConfigResponse:
    """Say when a version gets a newer build of its runtime.

    Errors: ResourceNotFoundException, InvalidParameterValueException (an alias, or a build that there is not).
    """
    arn = located(ctx, function_name, qualifier)
    config = RuntimeManagementConfig(update_runtime_on=update_runtime_on, runtime_version_arn=runtime_version_arn)

    def put(function: Function) -> Function:
        check_build(config, managed(function, arn))
        return function.with_part(config, arn.qualifier or LATEST)

    await ctx.state.functions.change(arn, put)
    return GetRuntimeManagementConfigResponse(
        update_runtime_on=update_runtime_on, function_arn=str(arn), runtime_version_arn=runtime_version_arn
    )


@LAMBDA.operation
async def get_runtime_management_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> GetRuntimeManagementConfigResponse:
    """Tell when a version gets a newer build of its runtime.

    Errors: ResourceNotFoundException, InvalidParameterValueException (an alias).
    """
    arn = located(ctx, function_name, qualifier)
    function = ctx.state.functions.get(arn)
    managed(function, arn)
    config = function.part(RuntimeManagementConfig, arn.qualifier or LATEST) or RuntimeManagementConfig()
    return GetRuntimeManagementConfigResponse(
        update_runtime_on=config.update_runtime_on,
        function_arn=str(arn),
        runtime_version_arn=config.runtime_version_arn,
    )
