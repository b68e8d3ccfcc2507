"""Tags: of functions, and of resources of their own. reference/lambda.md 6, 14."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, Self, TypeVar

from lambent.core.arn import Arn
from lambent.core.kernel import Context
from lambent.lambda_.errors import ResourceNotTaggable, TagsMissing, VersionNotTaggable
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.operations.context import located
from lambent.lambda_.resources import Place, Resources
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import check_tags
from lambent.lambda_.shapes import ListTagsResponse

KINDS: Final = {  # resource type of an ARN -> how the sentence begins when there is none; recorded
    "capacity-provider": "Capacity provider",
    "code-signing-config": "Code signing config",
    "event-source-mapping": "Event source mapping",
    "layer": "Layer",
}

Tags = dict[str, str]


class Tagged(Protocol):
    """A resource of its own that has tags."""

    @property
    def tags(self) -> Mapping[str, str]: ...

    def tagged(self, tags: Tags, /) -> Self:
        """It, with exactly these tags."""
        ...


T = TypeVar("T", bound=Tagged)


def tagged_function(ctx: Context[Lambda], resource: str) -> FunctionArn:
    """The function that `resource`, an ARN, names. Raises VersionNotTaggable, FunctionInOtherRegion, ...Account."""
    arn = located(ctx, resource)
    if arn.qualifier is not None:
        raise VersionNotTaggable
    return arn


def resources_of(ctx: Context[Lambda], arn: Arn) -> tuple[Resources[Any], Place] | None:
    """Where a resource of its own stands that has tags; None for a function. Raises ResourceNotTaggable."""
    if arn.resource_type == "function":
        return None
    collections: dict[str, Resources[Any]] = {
        "event-source-mapping": ctx.state.event_source_mappings,
        "code-signing-config": ctx.state.code_signing_configs.resources,
    }
    if arn.resource_type not in collections or (arn.account, arn.region) != (ctx.account, ctx.region):
        raise missing(arn)
    return collections[arn.resource_type], Place.of(arn)


def missing(arn: Arn) -> ResourceNotTaggable:
    return ResourceNotTaggable(kind=KINDS[arn.resource_type], arn=arn)


async def retag(ctx: Context[Lambda], resource: str, edit: Callable[[Mapping[str, str]], Tags]) -> None:
    """Give a resource the tags that `edit` makes of those it has. Raises what `edit` does, and what is in the way.

    Of a function that is a new revision, whatever `edit` makes (recorded).
    """
    arn = Arn.parse(resource)
    found = resources_of(ctx, arn)
    if found is None:
        revision_id = ctx.ids.uuid()
        await ctx.state.functions.change(
            tagged_function(ctx, resource), lambda function: function.tagged(edit(function.tags), revision_id)
        )
        return
    resources, place = found

    def existing(before: T | None) -> T:
        if before is None:
            raise missing(arn)
        return before.tagged(edit(before.tags))

    await resources.change(place, existing)


@LAMBDA.operation
async def tag_resource(ctx: Context[Lambda], *, resource: str, tags: dict[str, str]) -> None:
    """Add tags to a function or a resource of its own, or give them new values.

    Errors: ResourceNotFoundException, InvalidParameterValueException (more than 50, none, a reserved key, on a version).
    """
    if not tags:
        raise TagsMissing

    def added(before: Mapping[str, str]) -> Tags:
        check_tags(tags, before)
        return {**before, **tags}

    await retag(ctx, resource, added)


@LAMBDA.operation
async def untag_resource(ctx: Context[Lambda], *, resource: str, tag_keys: list[str]) -> None:
    """Remove tags; keys that are not there are no error.

    Errors: ResourceNotFoundException, InvalidParameterValueException (on a version).
    """
    gone = set(tag_keys)
    await retag(ctx, resource, lambda before: {key: value for key, value in before.items() if key not in gone})


@LAMBDA.operation
async def list_tags(ctx: Context[Lambda], *, resource: str) -> ListTagsResponse:
    """List the tags of a function or a resource of its own.

    Errors: ResourceNotFoundException, InvalidParameterValueException (on a version).
    """
    arn = Arn.parse(resource)
    found = resources_of(ctx, arn)
    if found is None:
        return ListTagsResponse(tags=ctx.state.functions.get(tagged_function(ctx, resource)).tags)
    resources, place = found
    tagged: Tagged | None = resources.get(*place)
    if tagged is None:
        raise missing(arn)
    return ListTagsResponse(tags=dict(tagged.tags))
