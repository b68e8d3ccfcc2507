"""Code signing configurations, and which one a function has. reference/lambda.md 6, 14."""

from __future__ import annotations

from typing import Final

from lambent.core.kernel import Context, Shape
from lambent.lambda_.functions import Function
from lambent.lambda_.operations.context import function_named
from lambent.lambda_.pages import paged
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import check_tags
from lambent.lambda_.shapes import timestamp
from lambent.lambda_.signing.configs import (
    CodeSigning,
    CodeSigningConfigUnknown,
    ImageNotSigned,
    new_arn,
    there,
)
from lambent.lambda_.signing.configs import CodeSigningConfig as Config

CONFIGS_PAGE_MAX: Final = 10_000  # API reference, ListCodeSigningConfigs


class AllowedPublishers(Shape):
    signing_profile_version_arns: list[str]


class CodeSigningPolicies(Shape):
    untrusted_artifact_on_deployment: str | None = None


class CodeSigningConfig(Shape):
    code_signing_config_id: str
    code_signing_config_arn: str
    description: str
    allowed_publishers: AllowedPublishers
    code_signing_policies: CodeSigningPolicies
    last_modified: str


class CreateCodeSigningConfigResponse(Shape):
    code_signing_config: CodeSigningConfig


class GetCodeSigningConfigResponse(Shape):
    code_signing_config: CodeSigningConfig


class UpdateCodeSigningConfigResponse(Shape):
    code_signing_config: CodeSigningConfig


class ListCodeSigningConfigsResponse(Shape):
    code_signing_configs: list[CodeSigningConfig]
    next_marker: str | None = None


class ListFunctionsByCodeSigningConfigResponse(Shape):
    function_arns: list[str]
    next_marker: str | None = None


class PutFunctionCodeSigningConfigResponse(Shape):
    code_signing_config_arn: str
    function_name: str


class GetFunctionCodeSigningConfigResponse(Shape):
    code_signing_config_arn: str | None = None
    function_name: str | None = None


def shown(config: Config) -> CodeSigningConfig:
    """The configuration as AWS shows it."""
    return CodeSigningConfig(
        code_signing_config_id=config.config_id,
        code_signing_config_arn=config.arn,
        description=config.description,
        allowed_publishers=AllowedPublishers(signing_profile_version_arns=list(config.publishers)),
        code_signing_policies=CodeSigningPolicies(untrusted_artifact_on_deployment=config.policy),
        last_modified=timestamp(config.modified_at),
    )


def meant(ctx: Context[Lambda], arn: str) -> Config:
    """The configuration of that ARN. Raises CodeSigningConfigMissing."""
    return ctx.state.code_signing_configs.get(arn, ctx.account, ctx.region)


def named(ctx: Context[Lambda], arn: str) -> Config:
    """The same, as operations on functions refuse it. Raises CodeSigningConfigUnknown."""
    config = ctx.state.code_signing_configs.find(arn, ctx.account, ctx.region)
    if config is None:
        raise CodeSigningConfigUnknown(arn=arn)
    return config


@LAMBDA.operation
async def create_code_signing_config(
    ctx: Context[Lambda],
    *,
    allowed_publishers: AllowedPublishers,
    description: str = "",
    code_signing_policies: CodeSigningPolicies | None = None,
    tags: dict[str, str] | None = None,
) -> CreateCodeSigningConfigResponse:
    """Say whose packages functions take, and whether others are refused; unless it is said, they are only warned of.

    Errors: InvalidParameterValueException (tags).
    """
    check_tags(tags or {})
    policies = code_signing_policies or CodeSigningPolicies()
    config = Config(
        arn=new_arn(ctx.partition, ctx.account, ctx.region, ctx.ids),
        publishers=tuple(allowed_publishers.signing_profile_version_arns),
        policy=policies.untrusted_artifact_on_deployment or "Warn",
        description=description,
        tags=tags or {},
        modified_at=ctx.clock.now(),
    )
    await ctx.state.code_signing_configs.add(config)
    return CreateCodeSigningConfigResponse(code_signing_config=shown(config))


@LAMBDA.operation
async def get_code_signing_config(
    ctx: Context[Lambda], *, code_signing_config_arn: str
) -> GetCodeSigningConfigResponse:
    """Describe a configuration.

    Errors: ResourceNotFoundException.
    """
    return GetCodeSigningConfigResponse(code_signing_config=shown(meant(ctx, code_signing_config_arn)))


@LAMBDA.operation
async def update_code_signing_config(
    ctx: Context[Lambda],
    *,
    code_signing_config_arn: str,
    description: str | None = None,
    allowed_publishers: AllowedPublishers | None = None,
    code_signing_policies: CodeSigningPolicies | None = None,
) -> UpdateCodeSigningConfigResponse:
    """Change what is given of a configuration; packages that are deployed from now on meet it.

    Errors: ResourceNotFoundException.
    """
    policy = code_signing_policies and code_signing_policies.untrusted_artifact_on_deployment
    given = {
        "description": description,
        "publishers": allowed_publishers and tuple(allowed_publishers.signing_profile_version_arns),
        "policy": policy,
        "modified_at": ctx.clock.now(),
    }
    changes = {field: value for field, value in given.items() if value is not None}
    config = await ctx.state.code_signing_configs.change(meant(ctx, code_signing_config_arn), **changes)
    return UpdateCodeSigningConfigResponse(code_signing_config=shown(config))


@LAMBDA.operation
async def delete_code_signing_config(ctx: Context[Lambda], *, code_signing_config_arn: str) -> None:
    """Forget a configuration that no function has.

    Errors: ResourceNotFoundException, ResourceConflictException (in use).
    """
    await ctx.state.code_signing_configs.remove(meant(ctx, code_signing_config_arn))


@LAMBDA.operation
async def list_code_signing_configs(
    ctx: Context[Lambda], *, marker: str | None = None, max_items: int | None = None
) -> ListCodeSigningConfigsResponse:
    """List the region's configurations by id.

    Errors: InvalidParameterValueException (Marker).
    """
    page = paged(
        ctx.state.code_signing_configs.listed(ctx.account, ctx.region),
        key=lambda config: config.config_id,
        scope=f"ListCodeSigningConfigs {ctx.account} {ctx.region}",
        marker=marker,
        max_items=max_items,
        page_max=CONFIGS_PAGE_MAX,
    )
    return ListCodeSigningConfigsResponse(
        code_signing_configs=[shown(config) for config in page.items], next_marker=page.marker
    )


@LAMBDA.operation
async def list_functions_by_code_signing_config(
    ctx: Context[Lambda], *, code_signing_config_arn: str, marker: str | None = None, max_items: int | None = None
) -> ListFunctionsByCodeSigningConfigResponse:
    """List the functions that have a configuration, by name.

    Errors: ResourceNotFoundException, InvalidParameterValueException (Marker).
    """
    config = meant(ctx, code_signing_config_arn)
    functions = ctx.state.functions.listed(ctx.account, ctx.region)
    page = paged(
        [str(function.arn) for function in functions if config_arn_of(function) == config.arn],
        key=lambda arn: arn,
        scope=f"ListFunctionsByCodeSigningConfig {config.arn}",
        marker=marker,
        max_items=max_items,
        page_max=CONFIGS_PAGE_MAX,
    )
    return ListFunctionsByCodeSigningConfigResponse(function_arns=page.items, next_marker=page.marker)


def config_arn_of(function: Function) -> str | None:
    """Which configuration the function has, if it has one."""
    part = function.part(CodeSigning)
    return None if part is None else part.config_arn


def signing_of(ctx: Context[Lambda], function: Function) -> Config | None:
    """The configuration that the function's code has to meet, if it has one. Raises CodeSigningConfigUnknown."""
    arn = config_arn_of(function)
    return None if arn is None else named(ctx, arn)


@LAMBDA.operation
async def put_function_code_signing_config(
    ctx: Context[Lambda], *, code_signing_config_arn: str, function_name: str
) -> PutFunctionCodeSigningConfigResponse:
    """Give a function a configuration; the code that it has stays, and the next is checked.

    Errors: ResourceNotFoundException, CodeSigningConfigNotFoundException, InvalidParameterValueException (an image).
    """
    arn = function_named(ctx, function_name)
    config = named(ctx, code_signing_config_arn)  # before the function; recorded
    ctx.state.functions.get(arn)

    def put(function: Function) -> Function:
        if function.latest.image is not None:
            raise ImageNotSigned
        return function.with_part(CodeSigning(config_arn=config.arn))

    await ctx.state.functions.change(arn, put, there(config.arn))
    return PutFunctionCodeSigningConfigResponse(code_signing_config_arn=config.arn, function_name=arn.name)


@LAMBDA.operation
async def get_function_code_signing_config(
    ctx: Context[Lambda], *, function_name: str
) -> GetFunctionCodeSigningConfigResponse:
    """Tell which configuration a function has; nothing, if it has none.

    Errors: ResourceNotFoundException.
    """
    arn = function_named(ctx, function_name)
    config_arn = config_arn_of(ctx.state.functions.get(arn))
    if config_arn is None:
        return GetFunctionCodeSigningConfigResponse()
    return GetFunctionCodeSigningConfigResponse(code_signing_config_arn=config_arn, function_name=arn.name)


@LAMBDA.operation
async def delete_function_code_signing_config(ctx: Context[Lambda], *, function_name: str) -> None:
    """Let a function have no configuration; one that has none is no error.

    Errors: ResourceNotFoundException.
    """
    arn = function_named(ctx, function_name)
    await ctx.state.functions.change(arn, lambda function: function.without_part(CodeSigning))
