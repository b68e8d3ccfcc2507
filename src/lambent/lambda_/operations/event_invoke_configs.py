"""Configurations of asynchronous invocation. reference/lambda.md 3, 14."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lambent.core.kernel import Context, Shape
from lambent.lambda_.event_invoke_configs import (
    DestinationIsItself,
    DestinationMissing,
    EventInvokeConfig,
    FunctionMissing,
    NotConfigured,
    NothingConfigured,
    check_destinations,
    function_of,
)
from lambent.lambda_.functions import Function
from lambent.lambda_.names import LATEST, FunctionArn, place_of
from lambent.lambda_.operations.context import instead, located
from lambent.lambda_.pages import paged
from lambent.lambda_.service import LAMBDA, Lambda

STORED: Final = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")  # the queue obeys them


class OnSuccess(Shape):
    destination: str | None = None


class OnFailure(Shape):
    destination: str | None = None


class DestinationConfig(Shape):
    on_success: OnSuccess | None = None
    on_failure: OnFailure | None = None


class FunctionEventInvokeConfig(Shape):
    function_arn: str
    last_modified: float
    destination_config: DestinationConfig
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None


class ListFunctionEventInvokeConfigsResponse(Shape):
    function_event_invoke_configs: list[FunctionEventInvokeConfig]
    next_marker: str | None = None


def described(arn: FunctionArn, config: EventInvokeConfig) -> FunctionEventInvokeConfig:
    """The configuration as AWS shows it; `arn` is qualified, for the function itself with $LATEST."""
    return FunctionEventInvokeConfig(
        function_arn=str(arn),
        last_modified=config.modified_at,
        maximum_retry_attempts=config.maximum_retry_attempts,
        maximum_event_age_in_seconds=config.maximum_event_age_s,
        destination_config=DestinationConfig(
            on_success=OnSuccess(destination=config.on_success), on_failure=OnFailure(destination=config.on_failure)
        ),
    )


def target(ctx: Context[Lambda], function_name: str, qualifier: str | None) -> FunctionArn:
    """Where a configuration hangs: the ARN that is meant, of the function itself with $LATEST. Raises as `located`."""
    arn = located(ctx, function_name, qualifier)
    return arn.qualified(arn.qualifier or LATEST)


def found(function: Function, arn: FunctionArn) -> EventInvokeConfig:
    """The configuration that hangs there. Raises NotConfigured."""
    config = function.part(EventInvokeConfig, arn.qualifier or LATEST)
    if config is None:
        raise NotConfigured(arn=arn)
    return config


def check_given(ctx: Context[Lambda], arn: FunctionArn, given: DestinationConfig | None, *numbers: int | None) -> None:
    """Raises NothingConfigured, DestinationConfigInvalid, DestinationMissing, DestinationIsItself."""
    if given is None and all(number is None for number in numbers):
        raise NothingConfigured
    destinations = [side.destination for side in (given and (given.on_success, given.on_failure)) or () if side]
    check_destinations(*(_destinations(given)))
    for destination in filter(None, destinations):
        reference = function_of(destination)
        if reference is None or reference.account != arn.account or reference.region != arn.region:
            continue  # another account's or region's functions are not ours to know
        with instead(DestinationMissing(arn=destination)):
            function = ctx.state.functions.find(reference, arn.account, arn.region)
        if function.arn == arn.unqualified:
            raise DestinationIsItself


def _destinations(given: DestinationConfig | None) -> tuple[str | None, str | None]:
    if given is None:
        return None, None
    return (
        (given.on_success and given.on_success.destination) or None,
        (given.on_failure and given.on_failure.destination) or None,
    )


async def put(
    ctx: Context[Lambda], arn: FunctionArn, decide: Callable[[Function], EventInvokeConfig]
) -> FunctionEventInvokeConfig:
    """Let `decide` make the configuration for where `arn` points. Raises FunctionMissing."""
    qualifier = arn.qualifier or LATEST

    def change(function: Function) -> Function:
        function.described(qualifier)
        return function.with_part(decide(function), qualifier)

    with instead(FunctionMissing):
        function = await ctx.state.functions.change(arn, change)
    return described(arn, found(function, arn))


@LAMBDA.operation(stored=STORED)
async def put_function_event_invoke_config(
    ctx: Context[Lambda],
    *,
    function_name: str,
    qualifier: str | None = None,
    maximum_retry_attempts: int | None = None,
    maximum_event_age_in_seconds: int | None = None,
    destination_config: DestinationConfig | None = None,
) -> FunctionEventInvokeConfig:
    """Say what becomes of asynchronous invocations; what is not given has AWS's default.

    Errors: ResourceNotFoundException, InvalidParameterValueException (nothing given, or a destination).
    """
    arn = target(ctx, function_name, qualifier)
    check_given(ctx, arn, destination_config, maximum_retry_attempts, maximum_event_age_in_seconds)
    on_success, on_failure = _destinations(destination_config)
    config = EventInvokeConfig(
        modified_at=ctx.clock.now(),
        maximum_retry_attempts=maximum_retry_attempts,
        maximum_event_age_s=maximum_event_age_in_seconds,
        on_success=on_success,
        on_failure=on_failure,
    )
    return await put(ctx, arn, lambda _: config)


@LAMBDA.operation(stored=STORED)
async def update_function_event_invoke_config(
    ctx: Context[Lambda],
    *,
    function_name: str,
    qualifier: str | None = None,
    maximum_retry_attempts: int | None = None,
    maximum_event_age_in_seconds: int | None = None,
    destination_config: DestinationConfig | None = None,
) -> FunctionEventInvokeConfig:
    """Change what is given of a configuration; a DestinationConfig replaces the whole of the one before.

    Errors: ResourceNotFoundException, InvalidParameterValueException (nothing given, or a destination).
    """
    arn = target(ctx, function_name, qualifier)
    check_given(ctx, arn, destination_config, maximum_retry_attempts, maximum_event_age_in_seconds)
    changes: dict[str, object] = {"modified_at": ctx.clock.now()}
    if maximum_retry_attempts is not None:
        changes["maximum_retry_attempts"] = maximum_retry_attempts
    if maximum_event_age_in_seconds is not None:
        changes["maximum_event_age_s"] = maximum_event_age_in_seconds
    if destination_config is not None:
        changes["on_success"], changes["on_failure"] = _destinations(destination_config)
    return await put(ctx, arn, lambda function: msgspec.structs.replace(found(function, arn), **changes))


@LAMBDA.operation
async def get_function_event_invoke_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> FunctionEventInvokeConfig:
    """Describe the configuration of a function, a version or an alias.

    Errors: ResourceNotFoundException.
    """
    arn = target(ctx, function_name, qualifier)
    with instead(NotConfigured(arn=arn)):
        function = ctx.state.functions.get(arn)
    return described(arn, found(function, arn))


@LAMBDA.operation
async def delete_function_event_invoke_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> None:
    """Go back to AWS's defaults.

    Errors: ResourceNotFoundException.
    """
    arn = target(ctx, function_name, qualifier)

    def delete(function: Function) -> Function:
        found(function, arn)
        return function.without_part(EventInvokeConfig, arn.qualifier or LATEST)

    with instead(NotConfigured(arn=arn)):
        await ctx.state.functions.change(arn, delete)


@LAMBDA.operation
async def list_function_event_invoke_configs(
    ctx: Context[Lambda], *, function_name: str, marker: str | None = None, max_items: int | None = None
) -> ListFunctionEventInvokeConfigsResponse:
    """List the configurations of a function, its versions and its aliases, in that order.

    Errors: ResourceNotFoundException, InvalidParameterValueException (Marker).
    """
    arn = located(ctx, function_name).unqualified
    with instead(FunctionMissing):
        function = ctx.state.functions.get(arn)
    configs = list(function.parts(EventInvokeConfig).items())
    scope = f"ListFunctionEventInvokeConfigs {arn}"
    page = paged(configs, key=lambda entry: place_of(entry[0]), scope=scope, marker=marker, max_items=max_items)
    return ListFunctionEventInvokeConfigsResponse(
        function_event_invoke_configs=[described(arn.qualified(name), config) for name, config in page.items],
        next_marker=page.marker,
    )
