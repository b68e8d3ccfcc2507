"""Events, in and out. Source of behaviour: CloudWatch Logs API reference."""

from __future__ import annotations

from lambent.core.kernel import Context
from lambent.core.ports import LogEvent
from lambent.services.logs.errors import EndBeforeStart, NamesAndPrefix
from lambent.services.logs.events import StoredEvent, Within
from lambent.services.logs.ingestion import Sorting
from lambent.services.logs.limits import END_OF_TIME_MS, PAGE_EVENTS
from lambent.services.logs.patterns import compiled
from lambent.services.logs.shapes import (
    FilteredLogEvent,
    FilterLogEventsResponse,
    GetLogEventsResponse,
    InputLogEvent,
    OutputLogEvent,
    PutLogEventsResponse,
    RejectedLogEventsInfo,
)
from lambent.services.logs.state import LOGS, Logs, now_ms, place_of
from lambent.services.logs.tokens import Position, events_position, events_token, opened, sealed


@LOGS.operation
async def put_log_events(
    ctx: Context[Logs], *, log_group_name: str, log_stream_name: str, log_events: list[InputLogEvent]
) -> PutLogEventsResponse:
    """Keep a batch of events; the sequence token is ignored, as AWS does since 2023.

    Errors: ResourceNotFound, InvalidParameter.
    """
    events = [LogEvent(event.timestamp, event.message) for event in log_events]
    last, sorting = await ctx.state.events.put(
        ctx.spender, place_of(ctx), log_group_name, log_stream_name, events, now_ms(ctx)
    )
    return PutLogEventsResponse(
        next_sequence_token=f"{last:056d}", rejected_log_events_info=_rejected(sorting, len(events))
    )


@LOGS.operation
async def get_log_events(
    ctx: Context[Logs],
    *,
    log_stream_name: str,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    start_time: int = 0,
    end_time: int = END_OF_TIME_MS,
    next_token: str | None = None,
    limit: int = PAGE_EVENTS,
    start_from_head: bool = False,
) -> GetLogEventsResponse:
    """Read a page of a stream, oldest event first; the newest page unless `start_from_head`.

    A forward token goes on behind the page and a backward token before it; at either end the same token comes back.
    Errors: ResourceNotFound, InvalidParameter.
    """
    place = place_of(ctx)
    group = place.group_name(log_group_name, log_group_identifier)
    first, last = Position(start_time, 0), Position(end_time, 0)
    direction, origin = ("f", first) if start_from_head else ("b", last)
    if next_token is not None:
        direction, origin = events_position(next_token)
    page = await ctx.state.events.read(
        ctx.spender,
        place,
        group,
        log_stream_name,
        Within(start_time, end_time),
        origin,
        limit,
        forward=direction == "f",
    )
    before, behind = (page[0].position, page[-1].position) if page else (origin, origin)
    if not page and next_token is None:  # nothing yet: going forward from here finds what comes
        before = behind = first
    return GetLogEventsResponse(
        events=[
            OutputLogEvent(timestamp=e.position.timestamp_ms, message=e.message, ingestion_time=e.ingested_ms)
            for e in page
        ],
        next_forward_token=events_token("f", behind),
        next_backward_token=events_token("b", before),
    )


@LOGS.operation
async def filter_log_events(
    ctx: Context[Logs],
    *,
    log_group_name: str | None = None,
    log_group_identifier: str | None = None,
    log_stream_names: list[str] | None = None,
    log_stream_name_prefix: str | None = None,
    start_time: int = 0,
    end_time: int = END_OF_TIME_MS,
    filter_pattern: str = "",
    next_token: str | None = None,
    limit: int = PAGE_EVENTS,
) -> FilterLogEventsResponse:
    """Find events of a group by pattern, those of all streams interleaved by time.

    Errors: ResourceNotFound, InvalidParameter.
    """
    if log_stream_names and log_stream_name_prefix:
        raise NamesAndPrefix
    if end_time < start_time:
        raise EndBeforeStart
    place = place_of(ctx)
    found, reached = await ctx.state.events.filter(
        ctx.spender,
        place,
        place.group_name(log_group_name, log_group_identifier),
        Within(start_time, end_time),
        Position(*opened(next_token, tuple[int, int])) if next_token else Position(start_time, 0),
        limit,
        matches=compiled(filter_pattern),
        prefix=log_stream_name_prefix or "",
        names=set(log_stream_names) if log_stream_names else None,
    )
    return FilterLogEventsResponse(
        events=[_filtered(event) for event in found],
        searched_log_streams=[],  # AWS leaves it empty since 2020
        next_token=sealed(reached) if reached else None,
    )


def _filtered(event: StoredEvent) -> FilteredLogEvent:
    return FilteredLogEvent(
        log_stream_name=event.stream,
        timestamp=event.position.timestamp_ms,
        message=event.message,
        ingestion_time=event.ingested_ms,
        event_id=event.position.event_id,
    )


def _rejected(sorting: Sorting, count: int) -> RejectedLogEventsInfo | None:
    """Tell what was left out, by index: ends are exclusive, the start is inclusive; None when nothing was."""
    info = RejectedLogEventsInfo(
        too_new_log_event_start_index=sorting.too_new_start if sorting.too_new_start < count else None,
        too_old_log_event_end_index=sorting.too_old_end or None,
        expired_log_event_end_index=sorting.expired_end or None,
    )
    return None if info == RejectedLogEventsInfo() else info
