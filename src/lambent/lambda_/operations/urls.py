"""Function URLs: the five operations. reference/lambda.md 2.3, 14; how a URL answers is in `lambda_.urls`."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from lambent.core.kernel import Context, Shape
from lambent.lambda_.aliases import Alias
from lambent.lambda_.functions import Function
from lambent.lambda_.limits import URL_PAGE_MAX
from lambent.lambda_.names import LATEST, FunctionArn
from lambent.lambda_.operations.context import instead, located
from lambent.lambda_.pages import paged
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.urls.addresses import HOST_MARK, HTTP_PORT
from lambent.lambda_.urls.config import (
    AuthType,
    Cors,
    FunctionUrlConfig,
    FunctionUrlConfigExists,
    InvokeMode,
    NoFunctionForUrl,
    NoFunctionUrlConfig,
    UrlWithTenants,
    new_url_id,
)


class CreateFunctionUrlConfigResponse(Shape):
    function_url: str
    function_arn: str
    auth_type: AuthType
    creation_time: str
    cors: Cors | None = None
    invoke_mode: InvokeMode | None = None  # only if it was given; recorded


class FunctionUrlConfiguration(CreateFunctionUrlConfigResponse, kw_only=True):
    last_modified_time: str


class ListFunctionUrlConfigsResponse(Shape):
    function_url_configs: list[FunctionUrlConfiguration]
    next_marker: str | None = None


def shown(ctx: Context[Lambda], arn: FunctionArn, url: FunctionUrlConfig) -> FunctionUrlConfiguration:
    """The URL of `arn` as AWS shows it."""
    return FunctionUrlConfiguration(
        function_url=_address(ctx, url.url_id),
        function_arn=str(arn),
        auth_type=url.auth_type,
        creation_time=_time(url.created_at),
        last_modified_time=_time(url.modified_at),
        cors=url.cors,
        invoke_mode=url.invoke_mode,
    )


@LAMBDA.operation
async def create_function_url_config(
    ctx: Context[Lambda],
    *,
    function_name: str,
    auth_type: AuthType,
    qualifier: str | None = None,
    cors: Cors | None = None,
    invoke_mode: InvokeMode | None = None,
) -> CreateFunctionUrlConfigResponse:
    """Give a function, or one of its aliases, an HTTP address.

    Errors: ResourceNotFoundException (the function or the alias), ResourceConflictException (it has one),
    InvalidParameterValueException (its tenants are isolated).
    """
    arn = located(ctx, function_name, qualifier)
    now = ctx.clock.now()
    url = FunctionUrlConfig(
        url_id=new_url_id(ctx.ids),
        auth_type=auth_type,
        created_at=now,
        modified_at=now,
        cors=_kept(cors),
        invoke_mode=invoke_mode or "BUFFERED",
    )

    def create(function: Function) -> Function:
        if arn.qualifier is not None and function.part(Alias, arn.qualifier) is None:
            raise NoFunctionForUrl
        if function.part(FunctionUrlConfig, arn.qualifier or LATEST) is not None:
            raise FunctionUrlConfigExists(arn=arn)
        if function.latest.tenant_isolation is not None:
            raise UrlWithTenants
        return function.with_part(url, arn.qualifier or LATEST)

    with instead(NoFunctionForUrl):
        await ctx.state.functions.change(arn, create)
    return CreateFunctionUrlConfigResponse(
        function_url=_address(ctx, url.url_id),
        function_arn=str(arn),
        auth_type=auth_type,
        creation_time=_time(now),
        cors=url.cors,
        invoke_mode=invoke_mode,
    )


@LAMBDA.operation
async def get_function_url_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> FunctionUrlConfiguration:
    """Describe a function URL.

    Errors: ResourceNotFoundException.
    """
    arn = located(ctx, function_name, qualifier)
    with instead(NoFunctionUrlConfig):
        function = ctx.state.functions.get(arn)
    return shown(ctx, arn, found(function, arn))


@LAMBDA.operation
async def update_function_url_config(
    ctx: Context[Lambda],
    *,
    function_name: str,
    qualifier: str | None = None,
    auth_type: AuthType | None = None,
    cors: Cors | None = None,
    invoke_mode: InvokeMode | None = None,
) -> FunctionUrlConfiguration:
    """Change what is given; an empty Cors ends it. The address stays.

    Errors: ResourceNotFoundException (the function, the alias or its URL).
    """
    arn = located(ctx, function_name, qualifier)
    changes: dict[str, object] = {"modified_at": ctx.clock.now()}
    if auth_type is not None:
        changes["auth_type"] = auth_type
    if cors is not None:
        changes["cors"] = _kept(cors)
    if invoke_mode is not None:
        changes["invoke_mode"] = invoke_mode

    def update(function: Function) -> Function:
        if arn.qualifier is not None and function.part(Alias, arn.qualifier) is None:
            raise NoFunctionForUrl
        url = msgspec.structs.replace(found(function, arn), **changes)
        return function.with_part(url, arn.qualifier or LATEST)

    with instead(NoFunctionForUrl):
        function = await ctx.state.functions.change(arn, update)
    return shown(ctx, arn, found(function, arn))


@LAMBDA.operation
async def delete_function_url_config(ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None) -> None:
    """Forget a function URL, for good: another one would have another address.

    Errors: ResourceNotFoundException.
    """
    arn = located(ctx, function_name, qualifier)

    def delete(function: Function) -> Function:
        found(function, arn)
        return function.without_part(FunctionUrlConfig, arn.qualifier or LATEST)

    with instead(NoFunctionUrlConfig):
        await ctx.state.functions.change(arn, delete)


@LAMBDA.operation
async def list_function_url_configs(
    ctx: Context[Lambda], *, function_name: str, marker: str | None = None, max_items: int | None = None
) -> ListFunctionUrlConfigsResponse:
    """List the URLs of a function: its own, and then those of its aliases by name.

    Errors: ResourceNotFoundException, InvalidParameterValueException (Marker).
    """
    arn = located(ctx, function_name).unqualified
    with instead(NoFunctionForUrl):
        function = ctx.state.functions.get(arn)
    urls = [
        (arn if qualifier == LATEST else arn.qualified(qualifier), url)
        for qualifier, url in function.parts(FunctionUrlConfig).items()
    ]
    page = paged(
        urls,
        key=lambda entry: entry[0].qualifier or "",
        scope=f"ListFunctionUrlConfigs {arn}",
        marker=marker,
        max_items=max_items,
        page_max=URL_PAGE_MAX,
    )
    return ListFunctionUrlConfigsResponse(
        function_url_configs=[shown(ctx, own, url) for own, url in page.items], next_marker=page.marker
    )


def found(function: Function, arn: FunctionArn) -> FunctionUrlConfig:
    """The URL of the ARN's qualifier. Raises NoFunctionUrlConfig."""
    url = function.part(FunctionUrlConfig, arn.qualifier or LATEST)
    if url is None:
        raise NoFunctionUrlConfig
    return url


def _address(ctx: Context[Lambda], url_id: str) -> str:
    """Under a name that leads to this machine by itself; with the port by which the caller has come.

    A function has come by the door of its sandbox, which nobody else finds: it is told the port of all others.
    """
    port = ctx.outer_port or urlsplit(ctx.endpoint).port or HTTP_PORT
    return f"http://{url_id}{HOST_MARK}{ctx.region}.localhost:{port}/"


def _time(moment: float) -> str:
    """As AWS writes it for URLs; recorded: ISO 8601 with a Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _kept(cors: Cors | None) -> Cors | None:
    """What a caller asks for; with nothing in it, it is none, as Terraform has it who takes a block away."""
    return None if cors == Cors() else cors
