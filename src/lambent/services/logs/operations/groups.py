"""Groups, their retention and their tags. Source of behaviour: CloudWatch Logs API reference."""

from __future__ import annotations

from lambent.core.kernel import Context
from lambent.services.logs.errors import PrefixAndPattern
from lambent.services.logs.groups import Group, Place
from lambent.services.logs.limits import DESCRIBE_PAGE
from lambent.services.logs.shapes import DescribeLogGroupsResponse, ListTagsResponse, LogGroup
from lambent.services.logs.state import LOGS, Logs, now_ms, place_of
from lambent.services.logs.tokens import opened, sealed


@LOGS.operation
async def create_log_group(ctx: Context[Logs], *, log_group_name: str, tags: dict[str, str] | None = None) -> None:
    """Make a group that keeps its events for ever. Errors: ResourceAlreadyExists, InvalidParameter."""
    await ctx.state.groups.create(place_of(ctx), log_group_name, tags or {}, now_ms(ctx))


@LOGS.operation
async def delete_log_group(ctx: Context[Logs], *, log_group_name: str) -> None:
    """Delete a group with all its streams and events. Errors: ResourceNotFound."""
    await ctx.state.groups.delete(place_of(ctx), log_group_name)


@LOGS.operation
async def describe_log_groups(
    ctx: Context[Logs],
    *,
    log_group_name_prefix: str = "",
    log_group_name_pattern: str = "",
    next_token: str | None = None,
    limit: int = DESCRIBE_PAGE,
) -> DescribeLogGroupsResponse:
    """List groups by name.

    A listing by pattern comes from an index of AWS's that knows less of a group, and that gives a token with every page
    that has groups, the last one too (recorded in February 2026). Errors: InvalidParameter.
    """
    if log_group_name_prefix and log_group_name_pattern:
        raise PrefixAndPattern
    place, after = place_of(ctx), opened(next_token, str) if next_token else ""
    found = await ctx.state.groups.page(
        ctx.spender, place, log_group_name_prefix, log_group_name_pattern, after, limit + 1
    )
    page = found[:limit]
    return DescribeLogGroupsResponse(
        log_groups=[_described(place, group, from_index=bool(log_group_name_pattern)) for group in page],
        next_token=sealed(page[-1].name) if len(found) > limit or (page and log_group_name_pattern) else None,
    )


@LOGS.operation
async def put_retention_policy(ctx: Context[Logs], *, log_group_name: str, retention_in_days: int) -> None:
    """Forget a group's events after some days. Errors: ResourceNotFound, InvalidParameter."""
    await ctx.state.groups.set_retention(place_of(ctx), log_group_name, retention_in_days)


@LOGS.operation
async def delete_retention_policy(ctx: Context[Logs], *, log_group_name: str) -> None:
    """Keep a group's events for ever again. Errors: ResourceNotFound."""
    await ctx.state.groups.set_retention(place_of(ctx), log_group_name, None)


@LOGS.operation
async def tag_resource(ctx: Context[Logs], *, resource_arn: str, tags: dict[str, str]) -> None:
    """Set tags of a group. Errors: ResourceNotFound, TooManyTags, InvalidParameter."""
    place = place_of(ctx)
    await ctx.state.groups.tag(place, place.name_in_arn(resource_arn), tags)


@LOGS.operation
async def untag_resource(ctx: Context[Logs], *, resource_arn: str, tag_keys: list[str]) -> None:
    """Remove tags of a group. Errors: ResourceNotFound, InvalidParameter."""
    place = place_of(ctx)
    await ctx.state.groups.untag(place, place.name_in_arn(resource_arn), tag_keys)


@LOGS.operation
async def list_tags_for_resource(ctx: Context[Logs], *, resource_arn: str) -> ListTagsResponse:
    """List the tags of a group. Errors: ResourceNotFound, InvalidParameter."""
    place = place_of(ctx)
    return ListTagsResponse(tags=ctx.state.groups.tags(place, place.name_in_arn(resource_arn)))


@LOGS.operation
async def tag_log_group(ctx: Context[Logs], *, log_group_name: str, tags: dict[str, str]) -> None:
    """Set tags of a group, in the older way. Errors: ResourceNotFound."""
    await ctx.state.groups.tag(place_of(ctx), log_group_name, tags)


@LOGS.operation
async def untag_log_group(ctx: Context[Logs], *, log_group_name: str, tags: list[str]) -> None:
    """Remove tags of a group, in the older way. Errors: ResourceNotFound."""
    await ctx.state.groups.untag(place_of(ctx), log_group_name, tags)


@LOGS.operation
async def list_tags_log_group(ctx: Context[Logs], *, log_group_name: str) -> ListTagsResponse:
    """List the tags of a group, in the older way. Errors: ResourceNotFound."""
    return ListTagsResponse(tags=ctx.state.groups.tags(place_of(ctx), log_group_name))


def _described(place: Place, group: Group, *, from_index: bool) -> LogGroup:
    arn = place.group_arn(group.name)
    return LogGroup(
        log_group_name=group.name,
        creation_time=group.created_ms,
        metric_filter_count=0,
        arn=f"{arn}:*",
        log_group_class="STANDARD",
        log_group_arn=arn,
        stored_bytes=None if from_index else group.stored_bytes,
        deletion_protection_enabled=None if from_index else False,
        retention_in_days=group.retention_days,
    )
