"""What one door spends on its clients, and how a request can be at fault before it is one."""

from __future__ import annotations

import enum

import msgspec


class Fault(enum.Enum):
    """What is wrong with a request that never became one, with the status it is refused with."""

    MALFORMED = 400
    SLOW = 408
    BODY_TOO_LARGE = 413
    HEAD_TOO_LARGE = 431
    BUSY = 503


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one door spends on its clients."""

    head_bytes: int = 64 * 1024  # request line and headers together
    head_count: int = 200  # header lines
    head_timeout_s: float = 20.0  # from the first byte of a head to its end
    body_timeout_s: float = 300.0  # from the end of the head to the end of the body
    idle_timeout_s: float = 75.0  # between requests
    connections: int = 4096
    buffered_bytes: int = 512 * 1024 * 1024  # bodies that are being received or answered, all connections together
