"""Aliases: names for versions. reference/lambda.md 6, 14."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lambent.core.kernel import Context, Shape
from lambent.lambda_.aliases import Alias, AliasAlreadyExists, AliasNotFound, NoAliasToUpdate
from lambent.lambda_.concurrency.provisioned import exclusive
from lambent.lambda_.functions import Function
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.operations.context import function_named, function_read
from lambent.lambda_.pages import paged
from lambent.lambda_.service import LAMBDA, Lambda


class AliasRoutingConfiguration(Shape):
    additional_version_weights: dict[str, float] | None = None


class AliasConfiguration(Shape):
    alias_arn: str
    name: str
    function_version: str
    description: str
    revision_id: str
    routing_config: AliasRoutingConfiguration | None = None


class ListAliasesResponse(Shape):
    aliases: list[AliasConfiguration]
    next_marker: str | None = None


def configured(arn: FunctionArn, alias: Alias) -> AliasConfiguration:
    """The alias as AWS shows it; `arn` is its own."""
    return AliasConfiguration(
        alias_arn=str(arn),
        name=arn.qualifier or "",
        function_version=alias.function_version,
        description=alias.description,
        revision_id=alias.revision_id,
        routing_config=AliasRoutingConfiguration(additional_version_weights=dict(alias.weights))
        if alias.weights
        else None,
    )


def weights_of(routing: AliasRoutingConfiguration | None) -> Mapping[str, float] | None:
    """What a caller asks for; none at all clears what was there."""
    return (routing.additional_version_weights or None) if routing is not None else None


def found(function: Function, name: str) -> Alias:
    """The alias of that name. Raises AliasNotFound."""
    alias = function.part(Alias, name)
    if alias is None:
        raise AliasNotFound(arn=function.arn.qualified(name))
    return alias


@LAMBDA.operation
async def create_alias(
    ctx: Context[Lambda],
    *,
    function_name: str,
    name: str,
    function_version: str,
    description: str = "",
    routing_config: AliasRoutingConfiguration | None = None,
) -> AliasConfiguration:
    """Name a version, with a weight for one more if some of the invocations shall go there.

    Errors: ResourceNotFoundException (the function or a version), ResourceConflictException (the name is taken),
    InvalidParameterValueException (weights).
    """
    arn = function_named(ctx, function_name)
    alias = Alias(
        function_version=function_version,
        revision_id=ctx.ids.uuid(),
        description=description,
        weights=weights_of(routing_config),
    )

    def create(function: Function) -> Function:
        if function.part(Alias, name) is not None:
            raise AliasAlreadyExists(arn=arn.qualified(name))
        return function.aliased(name, alias)

    # A function that is missing is reported with the version (recorded).
    await ctx.state.functions.change(arn.qualified(function_version), create)
    return configured(arn.qualified(name), alias)


@LAMBDA.operation
async def get_alias(ctx: Context[Lambda], *, function_name: str, name: str) -> AliasConfiguration:
    """Describe an alias.

    Errors: ResourceNotFoundException (the function or the alias).
    """
    function = function_read(ctx, function_name, "lambda:GetAlias")
    return configured(function.arn.qualified(name), found(function, name))


@LAMBDA.operation
async def update_alias(
    ctx: Context[Lambda],
    *,
    function_name: str,
    name: str,
    function_version: str | None = None,
    description: str | None = None,
    routing_config: AliasRoutingConfiguration | None = None,
    revision_id: str | None = None,
) -> AliasConfiguration:
    """Change what is given of an alias; an empty RoutingConfig ends the sharing.

    Errors: ResourceNotFoundException, PreconditionFailedException (RevisionId), InvalidParameterValueException,
    ResourceConflictException (the alias is provisioned, and so is the version for itself).
    """
    arn = function_named(ctx, function_name)
    given = {
        "function_version": function_version,
        "description": description,
        "revision_id": ctx.ids.uuid(),
    }
    changes: dict[str, object] = {field: value for field, value in given.items() if value is not None}
    if routing_config is not None:
        changes["weights"] = weights_of(routing_config)

    def update(function: Function) -> Function:
        alias = function.part(Alias, name)
        if alias is None:
            raise NoAliasToUpdate(arn=arn.qualified(name))
        alias.guard(revision_id)
        return exclusive(function.aliased(name, msgspec.structs.replace(alias, **changes)), name)

    function = await ctx.state.functions.change(arn, update)
    return configured(arn.qualified(name), found(function, name))


@LAMBDA.operation
async def delete_alias(ctx: Context[Lambda], *, function_name: str, name: str) -> None:
    """Forget an alias and what hangs on it (policy, URL, configurations); one that is not there is no error.

    Errors: ResourceNotFoundException (the function).
    """
    arn = function_named(ctx, function_name)
    await ctx.state.functions.change(arn, lambda function: function.without_qualifier(name))


@LAMBDA.operation
async def list_aliases(
    ctx: Context[Lambda],
    *,
    function_name: str,
    function_version: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> ListAliasesResponse:
    """List a function's aliases by name; those of one version, if one is given.

    Errors: ResourceNotFoundException, InvalidParameterValueException (Marker).
    """
    function = function_read(ctx, function_name, "lambda:ListAliases")
    arn = function.arn
    aliases = [
        (name, alias)
        for name, alias in function.parts(Alias).items()
        if function_version is None or function_version in alias.versions
    ]
    scope = f"ListAliases {arn} {function_version}"
    page = paged(aliases, key=lambda entry: entry[0], scope=scope, marker=marker, max_items=max_items)
    return ListAliasesResponse(
        aliases=[configured(arn.qualified(name), alias) for name, alias in page.items], next_marker=page.marker
    )
