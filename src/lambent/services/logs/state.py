"""What CloudWatch Logs' operations stand on: the binding to the model, and the nouns."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambent.core.kernel import Binding, Context
from lambent.services.logs.events import LogEvents
from lambent.services.logs.groups import LogGroups, Place
from lambent.services.logs.sink import LogWriter
from lambent.services.logs.streams import LogStreams

LOGS: Final = Binding("logs", validation_error_code="InvalidParameterException")


class Logs(msgspec.Struct, frozen=True):
    """The state of CloudWatch Logs."""

    groups: LogGroups
    streams: LogStreams
    events: LogEvents
    writer: LogWriter


def place_of(ctx: Context[Any]) -> Place:
    """Where the caller's groups are."""
    return Place(ctx.account, ctx.region)


def now_ms(ctx: Context[Any]) -> int:
    """The time, as CloudWatch Logs writes it."""
    return round(ctx.clock.now() * 1000)
