"""Concurrency: reserved for a function, provisioned for its versions and aliases. reference/lambda.md 5, 14."""

from __future__ import annotations

from datetime import UTC, datetime

from lambent.core.kernel import Context, Shape
from lambent.lambda_.concurrency.claims import Available, ProvisionedConcurrency, ReservedConcurrency, reserved
from lambent.lambda_.concurrency.provisioned import (
    NeitherAliasNorVersion,
    NoProvisionedConcurrency,
    NotPublished,
    Standing,
    Status,
    missing,
    provisioning,
    versions_of,
)
from lambent.lambda_.concurrency.reserved import reserving
from lambent.lambda_.errors import QualifierNotAllowed
from lambent.lambda_.functions import Function
from lambent.lambda_.names import LATEST, FunctionArn, place_of
from lambent.lambda_.operations.context import function_named, instead, located
from lambent.lambda_.pages import paged
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.shapes import Concurrency


class ProvisionedConcurrencyConfig(Shape, kw_only=True):
    requested_provisioned_concurrent_executions: int
    available_provisioned_concurrent_executions: int
    allocated_provisioned_concurrent_executions: int
    status: str
    status_reason: str | None = None
    last_modified: str


class ProvisionedConcurrencyConfigListItem(ProvisionedConcurrencyConfig, kw_only=True):
    function_arn: str


class ListProvisionedConcurrencyConfigsResponse(Shape):
    provisioned_concurrency_configs: list[ProvisionedConcurrencyConfigListItem]
    next_marker: str | None = None


# --- reserved --------------------------------------------------------------------------------------------------------


@LAMBDA.operation
async def put_function_concurrency(
    ctx: Context[Lambda], *, function_name: str, reserved_concurrent_executions: int
) -> Concurrency:
    """Reserve concurrent executions for a function, which may not run more at once from now on; 0 stops it.

    Errors: ResourceNotFoundException, InvalidParameterValueException (a qualifier; too little left unreserved; less than
    is provisioned).
    """
    arn = located(ctx, function_name)
    if arn.qualifier is not None:  # $LATEST too; recorded of this operation alone
        raise QualifierNotAllowed
    available = Available(arn, ctx.state.limits)

    def reserve(function: Function) -> Function:
        return reserving(function, reserved_concurrent_executions, available)

    # A function that is missing is reported with $LATEST (recorded).
    await ctx.state.functions.change(arn.qualified(LATEST), reserve, guard=available.count)
    return Concurrency(reserved_concurrent_executions=reserved_concurrent_executions)


@LAMBDA.operation
async def get_function_concurrency(ctx: Context[Lambda], *, function_name: str) -> Concurrency:
    """Tell what is reserved for a function; nothing is told when nothing is.

    Errors: ResourceNotFoundException, InvalidParameterValueException (a qualifier).
    """
    function = ctx.state.functions.get(function_named(ctx, function_name))
    return Concurrency(reserved_concurrent_executions=reserved(function))


@LAMBDA.operation
async def delete_function_concurrency(ctx: Context[Lambda], *, function_name: str) -> None:
    """Let a function share the unreserved executions again; one without a reservation is no error.

    Errors: ResourceNotFoundException, InvalidParameterValueException (a qualifier).
    """
    arn = function_named(ctx, function_name)
    await ctx.state.functions.change(arn, lambda function: function.without_part(ReservedConcurrency))


# --- provisioned -----------------------------------------------------------------------------------------------------


def date_shown(epoch_s: float) -> str:
    """As AWS's guide shows LastModified of these configurations: 2019-11-21T19:32:12+0000."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%S}+0000"


def shown(config: ProvisionedConcurrency, standing: Standing) -> ProvisionedConcurrencyConfig:
    return ProvisionedConcurrencyConfig(
        requested_provisioned_concurrent_executions=config.executions,
        available_provisioned_concurrent_executions=standing.available,
        allocated_provisioned_concurrent_executions=standing.allocated,
        status=standing.status.value,
        status_reason=standing.reason,
        last_modified=date_shown(config.modified_at),
    )


def qualified(ctx: Context[Lambda], function_name: str, qualifier: str) -> FunctionArn:
    """The version or alias that is meant. Raises NeitherAliasNorVersion."""
    if qualifier in ("", LATEST):
        raise NeitherAliasNorVersion
    return located(ctx, function_name, qualifier)


def existing(ctx: Context[Lambda], arn: FunctionArn) -> Function:
    """The function that has this version or alias. Raises FunctionNotFound, AliasNotFound."""
    qualifier = arn.qualifier or LATEST
    with instead(missing(arn, qualifier)):
        function = ctx.state.functions.get(arn)
    versions_of(function, qualifier)
    return function


@LAMBDA.operation
async def put_provisioned_concurrency_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str, provisioned_concurrent_executions: int
) -> ProvisionedConcurrencyConfig:
    """Keep so many environments initialised for a version or an alias, from now on; they are made after the answer.

    Errors: ResourceNotFoundException, InvalidParameterValueException ($LATEST; a weighted alias; tenant isolation; more
    than is reserved, or than the account has left), ResourceConflictException (the version has a configuration, or an
    alias of it).
    """
    if qualifier in ("", LATEST):
        raise NotPublished
    arn = located(ctx, function_name, qualifier)
    available = Available(arn, ctx.state.limits)
    now = ctx.clock.now()

    def provision(function: Function) -> Function:
        return provisioning(function, qualifier, provisioned_concurrent_executions, available, now=now)

    before, most = ctx.state.provisions.standing(arn), provisioned_concurrent_executions
    with instead(missing(arn, qualifier)):
        await ctx.state.functions.change(arn, provision, guard=available.count)
    begun = Standing(Status.IN_PROGRESS, min(most, before.allocated), min(most, before.available))
    return shown(ProvisionedConcurrency(executions=provisioned_concurrent_executions, modified_at=now), begun)


@LAMBDA.operation
async def get_provisioned_concurrency_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str
) -> ProvisionedConcurrencyConfig:
    """Tell how many environments are to be kept for a version or an alias, and how many are.

    Errors: ResourceNotFoundException, ProvisionedConcurrencyConfigNotFoundException, InvalidParameterValueException.
    """
    arn = qualified(ctx, function_name, qualifier)
    config = existing(ctx, arn).part(ProvisionedConcurrency, qualifier)
    if config is None:
        raise NoProvisionedConcurrency
    return shown(config, ctx.state.provisions.standing(arn))


@LAMBDA.operation
async def delete_provisioned_concurrency_config(ctx: Context[Lambda], *, function_name: str, qualifier: str) -> None:
    """Keep no environments for a version or an alias any more; one without a configuration is no error.

    Errors: ResourceNotFoundException, InvalidParameterValueException.
    """
    arn = qualified(ctx, function_name, qualifier)
    existing(ctx, arn)
    await ctx.state.functions.change(arn, lambda function: function.without_part(ProvisionedConcurrency, qualifier))


@LAMBDA.operation
async def list_provisioned_concurrency_configs(
    ctx: Context[Lambda], *, function_name: str, marker: str | None = None, max_items: int | None = None
) -> ListProvisionedConcurrencyConfigsResponse:
    """List what is provisioned for a function: its versions by number, then its aliases by name.

    Errors: ResourceNotFoundException, InvalidParameterValueException (a qualifier, Marker).
    """
    arn = function_named(ctx, function_name)
    configs = list(ctx.state.functions.get(arn).parts(ProvisionedConcurrency).items())
    scope = f"ListProvisionedConcurrencyConfigs {arn}"
    page = paged(configs, key=lambda entry: place_of(entry[0]), scope=scope, marker=marker, max_items=max_items)
    return ListProvisionedConcurrencyConfigsResponse(
        provisioned_concurrency_configs=[
            item(ctx, arn.qualified(qualifier), config) for qualifier, config in page.items
        ],
        next_marker=page.marker,
    )


def item(
    ctx: Context[Lambda], arn: FunctionArn, config: ProvisionedConcurrency
) -> ProvisionedConcurrencyConfigListItem:
    described = shown(config, ctx.state.provisions.standing(arn))
    members = {name: getattr(described, name) for name in described.__struct_fields__}
    return ProvisionedConcurrencyConfigListItem(function_arn=str(arn), **members)
