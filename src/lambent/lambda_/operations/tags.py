"""Tags: of functions, which are the only taggable resources yet. reference/lambda.md 6, 14."""

from __future__ import annotations

from typing import Final

from lambent.core.arn import Arn
from lambent.core.kernel import Context
from lambent.lambda_.errors import ResourceNotTaggable, TagsMissing, VersionNotTaggable
from lambent.lambda_.functions import Function
from lambent.lambda_.names import FunctionArn, FunctionReference
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import check_tags
from lambent.lambda_.shapes import ListTagsResponse

KINDS: Final = {  # resource type of an ARN -> how the sentence begins; recorded
    "capacity-provider": "Capacity provider",
    "code-signing-config": "Code signing config",
    "event-source-mapping": "Event source mapping",
    "layer": "Layer",
}


def tagged_function(ctx: Context[Lambda], resource: str) -> FunctionArn:
    """The function that `resource`, an ARN, names. Raises ResourceNotTaggable, VersionNotTaggable."""
    kind = KINDS.get(Arn.parse(resource).resource_type)
    if kind is not None:
        raise ResourceNotTaggable(kind=kind, arn=resource)
    arn = FunctionReference.of(resource).located(ctx.account, ctx.region)
    if arn.qualifier is not None:
        raise VersionNotTaggable
    return arn


@LAMBDA.operation
async def tag_resource(ctx: Context[Lambda], *, resource: str, tags: dict[str, str]) -> None:
    """Add tags to a function, or give them new values.

    Errors: ResourceNotFoundException, InvalidParameterValueException (more than 50, none, or on a version).
    """
    arn = tagged_function(ctx, resource)
    if not tags:
        raise TagsMissing

    def tag(function: Function) -> Function:
        check_tags(function.tags | tags)
        return function.tagged(function.tags | tags)

    await ctx.state.functions.change(arn, tag)


@LAMBDA.operation
async def untag_resource(ctx: Context[Lambda], *, resource: str, tag_keys: list[str]) -> None:
    """Remove tags of a function; keys that it has not are no error.

    Errors: ResourceNotFoundException, InvalidParameterValueException (on a version).
    """
    gone = set(tag_keys)

    def untag(function: Function) -> Function:
        return function.tagged({key: value for key, value in function.tags.items() if key not in gone})

    await ctx.state.functions.change(tagged_function(ctx, resource), untag)


@LAMBDA.operation
async def list_tags(ctx: Context[Lambda], *, resource: str) -> ListTagsResponse:
    """List a function's tags.

    Errors: ResourceNotFoundException, InvalidParameterValueException (on a version).
    """
    return ListTagsResponse(tags=ctx.state.functions.get(tagged_function(ctx, resource)).tags)
