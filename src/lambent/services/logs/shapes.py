"""CloudWatch Logs' shapes, with the members that Lambent takes or sends; its members begin with a small letter."""

from __future__ import annotations

from lambent.core.kernel import Shape


class LogsShape(Shape, rename="camel"):
    """A shape of CloudWatch Logs."""


class InputLogEvent(LogsShape):
    timestamp: int
    message: str


class LogGroup(LogsShape):
    log_group_name: str
    creation_time: int
    metric_filter_count: int
    arn: str
    log_group_class: str
    log_group_arn: str
    stored_bytes: int | None = None
    deletion_protection_enabled: bool | None = None
    retention_in_days: int | None = None


class LogStream(LogsShape):
    log_stream_name: str
    creation_time: int
    arn: str
    stored_bytes: int
    upload_sequence_token: str | None = None
    first_event_timestamp: int | None = None
    last_event_timestamp: int | None = None
    last_ingestion_time: int | None = None


class RejectedLogEventsInfo(LogsShape):
    too_new_log_event_start_index: int | None = None
    too_old_log_event_end_index: int | None = None
    expired_log_event_end_index: int | None = None


class OutputLogEvent(LogsShape):
    timestamp: int
    message: str
    ingestion_time: int


class FilteredLogEvent(LogsShape):
    log_stream_name: str
    timestamp: int
    message: str
    ingestion_time: int
    event_id: str


class SearchedLogStream(LogsShape):
    log_stream_name: str
    searched_completely: bool


class DescribeLogGroupsResponse(LogsShape):
    log_groups: list[LogGroup]
    next_token: str | None = None


class DescribeLogStreamsResponse(LogsShape):
    log_streams: list[LogStream]
    next_token: str | None = None


class PutLogEventsResponse(LogsShape):
    next_sequence_token: str
    rejected_log_events_info: RejectedLogEventsInfo | None = None


class GetLogEventsResponse(LogsShape):
    events: list[OutputLogEvent]
    next_forward_token: str
    next_backward_token: str


class FilterLogEventsResponse(LogsShape):
    events: list[FilteredLogEvent]
    searched_log_streams: list[SearchedLogStream]
    next_token: str | None = None


class ListTagsResponse(LogsShape):
    tags: dict[str, str]
