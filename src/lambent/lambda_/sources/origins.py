"""Whether a function can be fed from a source: asked of the service that has the source, through a port.

Sources: reference/lambda.md 14 for what AWS says of queues and streams that are not there; the developer guide on regions,
accounts, and visibility timeouts.
"""

from __future__ import annotations

from lambent.core.arn import Arn
from lambent.core.ports import EventSource, EventSources
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.sources.errors import (
    BrokerInOtherAccount,
    QueueNotFound,
    SourceInOtherRegion,
    SourceNotFound,
    StreamNotFound,
    VisibilityTimeoutTooShort,
)
from lambent.lambda_.sources.kinds import Kind
from lambent.lambda_.sources.mapping import EventSourceMapping


class AnySource:
    """The `EventSources` of a Lambent whose services have nothing yet that functions could be fed from: all are there."""

    def find(self, _arn: str, /) -> EventSource | None:
        return EventSource()


def check_origin(mapping: EventSourceMapping, sources: EventSources, timeout_s: int) -> None:
    """`timeout_s`: the function's. A cluster that its owner manages is never asked: nobody here knows it.

    Raises SourceInOtherRegion, BrokerInOtherAccount, QueueNotFound, StreamNotFound, SourceNotFound,
    VisibilityTimeoutTooShort.
    """
    text, kind = mapping.event_source_arn, mapping.kind
    if text is None:
        return
    _check_home(Arn.parse(text), kind, mapping.function_arn)
    source = sources.find(text)
    if source is None:
        if kind in Kind.QUEUES:
            raise QueueNotFound
        raise (StreamNotFound if kind in Kind.STREAMS else SourceNotFound)(arn=text)
    visibility_s = source.visibility_timeout_s
    if visibility_s is not None and visibility_s < timeout_s:
        raise VisibilityTimeoutTooShort(visibility=visibility_s, timeout=timeout_s)


def _check_home(source: Arn, kind: Kind, function: FunctionArn) -> None:
    if (source.partition, source.region) != (function.partition, function.region):
        raise SourceInOtherRegion(arn=source)
    if kind is Kind.MQ and source.account != function.account:
        raise BrokerInOtherAccount(arn=source)
