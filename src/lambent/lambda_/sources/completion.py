"""What a mapping's settings become of what is asked for.

A creation begins with the defaults of its kind, an update with what was there. An empty member asks for nothing at a
creation and for the default at an update; within Kafka's and DocumentDB's configurations each member counts by itself.
Provisioned mode brings its own defaults, and what it alone allows goes with it. What is not allowed, `rules` refuse.

Sources: reference/lambda.md 4.1; the model's documentation of UpdateEventSourceMapping; what an update does to Kafka's
configurations as measured and published by others (ConsumerGroupId is refused even unchanged, an omitted
SchemaRegistryConfig stays, an empty one goes).
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from lambent.lambda_.sources.errors import MemberUnsupported
from lambent.lambda_.sources.kinds import PROVISIONED, ROWS, TAKEN, Kind
from lambent.lambda_.sources.limits import POLLERS_DEFAULT_MAX
from lambent.lambda_.sources.rules import AWS_NAMES, Case, check, refuse_asked
from lambent.lambda_.sources.settings import (
    AmazonManagedKafkaEventSourceConfig,
    Destination,
    DestinationConfig,
    DocumentDBEventSourceConfig,
    ProvisionedPollerConfig,
    SelfManagedKafkaEventSourceConfig,
    Settings,
    Value,
    given,
)

V = TypeVar("V", bound=Value)

UNCHANGEABLE: Final = {"consumer_group_id": "consumerGroupId", "consumption_mode": "consumptionMode"}

KAFKA_CONFIGS: Final = {
    Kind.MSK: ("amazon_managed_kafka_event_source_config", AmazonManagedKafkaEventSourceConfig),
    Kind.KAFKA: ("self_managed_kafka_event_source_config", SelfManagedKafkaEventSourceConfig),
}


def created(kind: Kind, event_source_arn: str | None, asked: Settings, *, uuid: str, now: float) -> Settings:
    """The settings of a new mapping, whose UUID names its consumer group unless told. Raises what `rules` do."""
    refuse_asked(kind, asked)
    wanted = {name: _plain(value) for name, value in _members(asked).items() if given(value)}
    defaults = ROWS[kind].defaults
    if asked.of_share_group:
        defaults = msgspec.structs.replace(defaults, starting_position=None)
    if kind in KAFKA_CONFIGS:
        member, type_ = KAFKA_CONFIGS[kind]
        wanted[member] = _merged(type_(consumer_group_id=uuid), wanted.get(member))
    if defaults.document_db_event_source_config is not None:
        member = "document_db_event_source_config"
        wanted[member] = _merged(defaults.document_db_event_source_config, wanted.get(member))
    settings = _provisioned(kind, msgspec.structs.replace(defaults, **wanted))
    check(Case(kind=kind, event_source_arn=event_source_arn, settings=settings, now=now))
    return settings


def updated(kind: Kind, event_source_arn: str | None, before: Settings, asked: Settings, *, now: float) -> Settings:
    """The settings after an update. Raises what `rules` do."""
    refuse_asked(kind, asked)
    members = _members(asked)
    changes = {
        name: _changed(kind, name, getattr(before, name), value)
        for name, value in members.items()
        if kind in TAKEN[name]
    }
    settings = msgspec.structs.replace(before, **changes)
    if kind in Kind.KAFKAS and settings.provisioned_poller_config is None:
        left_over = [name for name, usual in _usual(before).items() if getattr(settings, name) == usual]
        settings = msgspec.structs.replace(settings, **{name: changes.get(name) for name in left_over})
    settings = _provisioned(kind, settings)
    check(Case(kind=kind, event_source_arn=event_source_arn, settings=settings, now=now))
    return settings


def _members(asked: Settings) -> dict[str, Any]:
    """What was not left out, by our name."""
    named = ((name, getattr(asked, name)) for name in Settings.__struct_fields__)
    return {name: value for name, value in named if value is not None}


def _changed(kind: Kind, name: str, before: Any, value: Any) -> Any:
    """What an update makes of one member."""
    if isinstance(value, AmazonManagedKafkaEventSourceConfig):
        for member in ("consumer_group_id", "consumption_mode"):
            if getattr(value, member, None) is not None:
                raise MemberUnsupported(member=f"{AWS_NAMES[name]}.{UNCHANGEABLE[member]}")
        return _merged(before, value)
    if isinstance(value, DocumentDBEventSourceConfig):
        return _merged(before, value)
    if not given(value):
        return getattr(ROWS[kind].defaults, name)
    if isinstance(value, ProvisionedPollerConfig):
        return _merged(before or ProvisionedPollerConfig(), value)
    return _plain(value)


def _plain(value: Any) -> Any:
    """The member without what is empty within, where AWS shows that."""
    if isinstance(value, DestinationConfig):
        target = value.on_failure.destination if value.on_failure is not None else None
        on_success = value.on_success if given(value.on_success) else None
        return DestinationConfig(on_success=on_success, on_failure=Destination(destination=target or None))
    if isinstance(value, ProvisionedPollerConfig):
        return _merged(ProvisionedPollerConfig(), value)
    return value


def _merged(before: V, value: V | None) -> V:
    """The structure with what is named in the other; what is empty there goes."""
    named = ((name, getattr(value, name)) for name in value.__struct_fields__) if value is not None else ()
    changes = {name: one if given(one) else None for name, one in named if one is not None}
    return msgspec.structs.replace(before, **changes)


def _usual(settings: Settings) -> dict[str, Any]:
    """What provisioned mode brings along; a share group does not retry unless told."""
    return {**PROVISIONED, "maximum_retry_attempts": 0 if settings.of_share_group else -1}


def _provisioned(kind: Kind, settings: Settings) -> Settings:
    """The settings with the defaults of provisioned mode, if they are in it."""
    pollers = settings.provisioned_poller_config
    if pollers is None:
        return settings
    fewest, _ = ROWS[kind].pollers
    filled = msgspec.structs.replace(
        pollers,
        minimum_pollers=pollers.minimum_pollers or fewest,
        maximum_pollers=pollers.maximum_pollers or POLLERS_DEFAULT_MAX,
    )
    usual = _usual(settings) if kind in Kind.KAFKAS else {}
    missing = {name: value for name, value in usual.items() if getattr(settings, name) is None}
    return msgspec.structs.replace(settings, provisioned_poller_config=filled, **missing)
