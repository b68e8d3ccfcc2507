"""What a mapping may not have beside it in the account and region, asked of the rows in the transaction that writes it.

Two mappings of one function may not read the same; a Kafka consumer group has one mapping in its cluster; a poller group has
its quota. Each question has an index over the rows' documents. Sources: reference/lambda.md 4.1, 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import apsw
import msgspec

from lambent.lambda_.rows import QUERIES
from lambent.lambda_.sources.errors import ConsumerGroupTaken, PollerGroupFull
from lambent.lambda_.sources.limits import POLLER_GROUP_MAPPINGS_MAX, POLLER_GROUP_POLLERS_MAX
from lambent.lambda_.sources.mapping import EventSourceMapping
from lambent.storage.commits import Guard
from lambent.storage.queries import Query
from lambent.storage.sql import Value

DOCUMENT: Final = msgspec.json.Decoder(EventSourceMapping)


def guard_of(mapping: EventSourceMapping) -> Guard:
    """What forbids the rows to hold this mapping: raises one of the ...MappingExists, ConsumerGroupTaken, PollerGroupFull."""

    def guard(connection: apsw.Connection) -> None:
        ends: dict[str, Value] = {"name": mapping.function_arn.name, "event_source_arn": mapping.event_source_arn}
        for other in _others(mapping, connection, QUERIES.select_mappings_between, **ends):
            mapping.refuse_beside(other)
        _check_consumer_group(mapping, connection)
        _check_poller_group(mapping, connection)

    return guard


def _check_consumer_group(mapping: EventSourceMapping, connection: apsw.Connection) -> None:
    kafka = mapping.settings.kafka
    if kafka is None:
        return
    group = kafka.consumer_group_id
    for other in _others(mapping, connection, QUERIES.select_mappings_of_consumer_group, consumer_group=group):
        if mapping.shares_cluster(other):
            raise ConsumerGroupTaken(group=group, uuid=other.uuid)


def _check_poller_group(mapping: EventSourceMapping, connection: apsw.Connection) -> None:
    pollers = mapping.settings.provisioned_poller_config
    if pollers is None or pollers.poller_group_name is None:
        return
    group = pollers.poller_group_name
    others = list(_others(mapping, connection, QUERIES.select_mappings_of_poller_group, poller_group=group))
    if len(others) >= POLLER_GROUP_MAPPINGS_MAX:
        raise PollerGroupFull(group=group, maximum=POLLER_GROUP_MAPPINGS_MAX, what="event source mappings")
    configs = [pollers, *(other.settings.provisioned_poller_config for other in others)]
    if sum((config.maximum_pollers or 0) for config in configs if config is not None) > POLLER_GROUP_POLLERS_MAX:
        raise PollerGroupFull(group=group, maximum=POLLER_GROUP_POLLERS_MAX, what="pollers")


def _others(
    mapping: EventSourceMapping, connection: apsw.Connection, query: Query, **values: Value
) -> Iterator[EventSourceMapping]:
    home = {"account": mapping.function_arn.account, "region": mapping.function_arn.region}
    for (document,) in query.each(connection, **home, **values):
        other = DOCUMENT.decode(document)
        if other.uuid != mapping.uuid:
            yield other
