"""Streams. Source of behaviour: CloudWatch Logs API reference."""

from __future__ import annotations

from typing import Literal

from lambent.core.kernel import Context
from lambent.services.logs.errors import OrderByLastEventWithPrefix
from lambent.services.logs.groups import Place
from lambent.services.logs.limits import DESCRIBE_PAGE
from lambent.services.logs.shapes import DescribeLogStreamsResponse, LogStream
from lambent.services.logs.state import LOGS, Logs, now_ms, place_of
from lambent.services.logs.streams import Stream
from lambent.services.logs.tokens import opened, sealed


@LOGS.operation
async def create_log_stream(ctx: Context[Logs], *, log_group_name: str, log_stream_name: str) -> None:
    """Make a stream in a group. Errors: ResourceNotFound, ResourceAlreadyExists, InvalidParameter."""
    await ctx.state.streams.create(place_of(ctx), log_group_name, log_stream_name, now_ms(ctx))


@LOGS.operation
async def delete_log_stream(ctx: Context[Logs], *, log_group_name: str, log_stream_name: str) -> None:
    """Delete a stream with its events. Errors: ResourceNotFound."""
    await ctx.state.streams.delete(place_of(ctx), log_group_name, log_stream_name)


@LOGS.operation
async def describe_log_streams(
    ctx: Context[Logs],
    *,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    log_stream_name_prefix: str = "",
    order_by: Literal["LogStreamName", "LastEventTime"] = "LogStreamName",
    descending: bool = False,
    next_token: str | None = None,
    limit: int = DESCRIBE_PAGE,
) -> DescribeLogStreamsResponse:
    """List a group's streams, by name or by their last event. Errors: ResourceNotFound, InvalidParameter."""
    if order_by == "LastEventTime" and log_stream_name_prefix:
        raise OrderByLastEventWithPrefix
    place = place_of(ctx)
    group, streams = place.group_name(log_group_name, log_group_identifier), ctx.state.streams
    after_ms, after = opened(next_token, tuple[int, str]) if next_token else (0, "")
    if order_by == "LastEventTime":
        found = await streams.by_last_event(
            ctx.spender, place, group, after_ms, after, limit + 1, descending=descending
        )
    else:
        found = await streams.by_name(
            ctx.spender, place, group, log_stream_name_prefix, after, limit + 1, descending=descending
        )
    page = found[:limit]
    return DescribeLogStreamsResponse(
        log_streams=[_described(place, group, stream) for stream in page],
        next_token=sealed((page[-1].last_event_ms or 0, page[-1].name)) if len(found) > limit else None,
    )


def _described(place: Place, group_name: str, stream: Stream) -> LogStream:
    """Describe a stream: 0 stored bytes, as AWS has said of every stream since 2019, and no token before the first event."""
    return LogStream(
        log_stream_name=stream.name,
        creation_time=stream.created_ms,
        upload_sequence_token=None if stream.last_ingestion_ms is None else f"{stream.last_ingestion_ms:056d}",
        arn=f"{place.group_arn(group_name)}:log-stream:{stream.name}",
        stored_bytes=0,
        first_event_timestamp=stream.first_event_ms,
        last_event_timestamp=stream.last_event_ms,
        last_ingestion_time=stream.last_ingestion_ms,
    )
