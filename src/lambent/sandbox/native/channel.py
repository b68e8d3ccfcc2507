"""Messages between the server, the spawner and a sandbox's first process: one JSON object and some descriptors each.

Over a SEQPACKET socketpair, so that a message is one datagram: nothing to frame, nothing to resynchronise. What comes from a
sandbox is read by the server alone, and only until a guest runs in it can it be trusted to be well formed.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, Final, cast

MESSAGE_BYTES: Final = 128 * 1024  # under the kernel's default send buffer, with its overhead
DESCRIPTORS: Final = 16


class Malformed(Exception):
    """The other side sent what is not a message."""


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def send(link: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message. The descriptors stay the caller's. Raises OSError."""
    _ = socket.send_fds(link, [encode(message)], list(descriptors))


def receive(link: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return the next message and its descriptors, which are the caller's; None at the end. Raises OSError, Malformed."""
    data, descriptors, flags, _ = socket.recv_fds(link, MESSAGE_BYTES, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
    if not data:
        return None
    if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
        raise Malformed("the message was cut")
    try:
        message: Any = json.loads(data)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(message, dict):
        raise Malformed("the message is not an object")
    return cast("dict[str, Any]", message), descriptors
