"""The noun: an `EventSourceMapping`, and what may happen to it.

A value: a change gives a new one. Its source never changes; its function, its settings and whether it is on do. It
outlives its function, as in AWS: only DeleteEventSourceMapping ends it. Sources: reference/lambda.md 4.1, 6, 14.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambent.core.arn import Arn
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.resources import Place
from lambent.lambda_.sources import completion
from lambent.lambda_.sources.errors import (
    MappingNotDeletable,
    MappingNotUpdatable,
    QueueMappingExists,
    SourceMappingExists,
    StreamMappingExists,
    TopicMappingExists,
)
from lambent.lambda_.sources.kinds import ROWS, Kind, kind_of
from lambent.lambda_.sources.settings import Settings
from lambent.lambda_.sources.states import SETTLED, Event, State, after

RESOURCE_KIND: Final = "event-source-mapping"  # in the rows, and in ARNs


class EventSourceMapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is read from where, and which function gets it."""

    uuid: str
    function_arn: FunctionArn  # with the qualifier that the caller gave
    event_source_arn: str | None  # None: the cluster that `settings` names
    settings: Settings
    enabled: bool  # whether the source shall be polled
    state: State
    modified_at: float  # Unix epoch seconds; of the last change of any of the above
    last_processing_result: str | None = None
    tags: dict[str, str] = {}

    @property
    def kind(self) -> Kind:
        return kind_of(self.event_source_arn, self.settings.self_managed_event_source)

    @property
    def place(self) -> Place:
        return Place(self.function_arn.account, self.function_arn.region, self.uuid)

    @property
    def arn(self) -> Arn:
        """EventSourceMappingArn."""
        home = self.function_arn
        return Arn("lambda", home.region, home.account, f"{RESOURCE_KIND}:{self.uuid}", home.partition)

    @property
    def settled(self) -> bool:
        """Whether no job is at work on it."""
        return self.state in SETTLED

    @property
    def state_transition_reason(self) -> str:
        """StateTransitionReason: it was always the user."""
        return ROWS[self.kind].transition_reason

    def happened(self, event: Event, now: float, **changes: Any) -> EventSourceMapping:
        """The mapping after a state event."""
        return msgspec.structs.replace(self, state=after(self.state, event), modified_at=now, **changes)

    def updated(
        self, asked: Settings, *, function_arn: FunctionArn | None, enabled: bool | None, now: float
    ) -> EventSourceMapping:
        """The mapping with what is given. Raises MappingNotUpdatable, and what `rules` refuse."""
        if not self.settled:
            raise MappingNotUpdatable
        event = Event.CHANGED
        if enabled is not None and enabled is not self.enabled:
            event = Event.TURNED_ON if enabled else Event.TURNED_OFF
        return self.happened(
            event,
            now,
            settings=completion.updated(self.kind, self.event_source_arn, self.settings, asked, now=now),
            function_arn=function_arn or self.function_arn,
            enabled=self.enabled if enabled is None else enabled,
        )

    def deleted(self, now: float) -> EventSourceMapping:
        """The mapping while it is being deleted. Raises MappingNotDeletable."""
        if not self.settled:
            raise MappingNotDeletable
        return self.happened(Event.DELETED, now)

    def tagged(self, tags: dict[str, str]) -> EventSourceMapping:
        """The mapping with exactly these tags."""
        return msgspec.structs.replace(self, tags=tags)

    def refuse_beside(self, other: EventSourceMapping) -> None:
        """Raise what AWS answers when both read the same for the same function: one of the ...MappingExists."""
        if self.uuid == other.uuid or self.function_arn != other.function_arn or not self._reads_what(other):
            return
        blanks = {"source": self.event_source_arn, "name": self.function_arn.name, "uuid": other.uuid}
        if self.kind in Kind.QUEUES:
            raise QueueMappingExists(**blanks)
        if self.kind in Kind.STREAMS:
            raise StreamMappingExists(**blanks)
        blanks["source"] = self.event_source_arn or ",".join(self.settings.servers)
        blanks["function"] = str(self.function_arn)
        if self.kind in Kind.KAFKAS:
            raise TopicMappingExists(topics=",".join(self.settings.topics or ()), **blanks)
        raise SourceMappingExists(**blanks)

    def shares_cluster(self, other: EventSourceMapping) -> bool:
        """Whether both read from the same queue, stream, cluster, or broker."""
        if self.event_source_arn is not None:
            return self.event_source_arn == other.event_source_arn
        return not set(self.settings.servers).isdisjoint(other.settings.servers)

    def _reads_what(self, other: EventSourceMapping) -> bool:
        """Whether both read the same, within what they read from."""
        if not self.shares_cluster(other):
            return False
        ours, theirs = self.settings, other.settings
        if self.kind in Kind.KAFKAS:
            return not set(ours.topics or ()).isdisjoint(theirs.topics or ())
        if self.kind is Kind.MQ:
            return not set(ours.queues or ()).isdisjoint(theirs.queues or ())
        return ours.document_db_event_source_config == theirs.document_db_event_source_config


def created(
    asked: Settings,
    *,
    uuid: str,
    function_arn: FunctionArn,
    event_source_arn: str | None,
    enabled: bool,
    tags: dict[str, str],
    now: float,
) -> EventSourceMapping:
    """A new mapping. Raises what `kind_of` and `rules` refuse.

    A queue whose mapping is off has nothing to be made ready, so it begins as it will be: recorded.
    """
    kind = kind_of(event_source_arn, asked.self_managed_event_source)
    idle = kind in Kind.QUEUES and not enabled
    return EventSourceMapping(
        uuid=uuid,
        function_arn=function_arn,
        event_source_arn=event_source_arn,
        settings=completion.created(kind, event_source_arn, asked, uuid=uuid, now=now),
        enabled=enabled,
        state=State.DISABLED if idle else State.CREATING,
        modified_at=now,
        last_processing_result=ROWS[kind].result,
        tags=tags,
    )
