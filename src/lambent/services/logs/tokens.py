"""Where a page ended, as text that a client gives back: opaque to it, checked when it comes."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from lambent.services.logs.errors import InvalidNextToken

T = TypeVar("T")

EVENTS_TOKEN: Final = re.compile(r"([fb])/(\d{20})(\d{36})/s")


class Position(NamedTuple):
    """A place among events: the time of one, and its number, which is unique and grows."""

    timestamp_ms: int
    number: int

    @property
    def event_id(self) -> str:
        """56 digits that sort as the events do."""
        return f"{self.timestamp_ms:020d}{self.number:036d}"


def sealed(position: Any) -> str:
    """Write a position of any kind as a nextToken."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).decode("ascii")


def opened(token: str, kind: type[T]) -> T:
    """Read a nextToken back. Raises InvalidNextToken."""
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(token.encode("ascii")), type=kind)
    except (binascii.Error, UnicodeError, msgspec.MsgspecError):
        raise InvalidNextToken from None


def events_token(direction: str, position: Position) -> str:
    """Write a token of GetLogEvents: "f" goes on behind the position, "b" before it."""
    return f"{direction}/{position.event_id}/s"


def events_position(token: str) -> tuple[str, Position]:
    """Read a token of GetLogEvents. Raises InvalidNextToken."""
    match = EVENTS_TOKEN.fullmatch(token)
    if match is None:
        raise InvalidNextToken
    return match[1], Position(int(match[2]), int(match[3]))
