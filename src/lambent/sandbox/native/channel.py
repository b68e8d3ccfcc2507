"""Messages between the server, the spawner, its mounter and a sandbox's first process: one JSON object and some descriptors.

Over a SEQPACKET socketpair, so that a message is one datagram: nothing to frame, nothing to resynchronise. What comes from a
sandbox is read by the server alone, and only until a guest runs in it can it be trusted to be well formed.

A process at its limit of open files gets a message without some of its descriptors. The message says so (`cut`). It costs
what the message is about, and nothing else: the channel is in order, and the next message may be whole.

The sockets are `_socket`'s, of which the server's are a kind: the classes and enumerations that `socket` puts around them
take a spawner 7 ms to import, and each sandbox pages to copy.
"""

from __future__ import annotations

import json
import os
import struct
from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_TRUNC, SCM_RIGHTS, SOL_SOCKET, socket
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

MESSAGE_BYTES: Final = 128 * 1024  # under the kernel's default send buffer, with its overhead
DESCRIPTORS: Final = 16
_NUMBER_BYTES: Final = struct.calcsize("i")
_RIGHTS_SPACE: Final = CMSG_SPACE(DESCRIPTORS * _NUMBER_BYTES)
LINE_END: Final = b"\n"  # of an assignment, which is no message and comes by a socket of its own
CUT: Final = "descriptors were lost: the limit of open files is reached"


class Malformed(Exception):
    """The other side sent what is not a message."""


class Message(NamedTuple):
    """One message; its descriptors are the receiver's to close."""

    content: dict[str, Any]
    descriptors: list[int]
    cut: bool  # it had more descriptors than arrived

    def require_all(self) -> None:
        """Raises OSError if descriptors were lost."""
        if self.cut:
            raise OSError(CUT)

    def close(self) -> None:
        """Close the descriptors that came with it."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def send(link: socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message. The descriptors stay the caller's. Raises OSError."""
    send_bytes(link, encode(message), descriptors)


def send_bytes(link: socket, data: bytes, descriptors: Sequence[int]) -> None:
    """Send one datagram. The descriptors stay the caller's. Raises OSError."""
    rights = [(SOL_SOCKET, SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))] if descriptors else []
    _ = link.sendmsg([data], rights)


def receive(link: socket) -> Message | None:
    """Return the next message; None at the end. Raises OSError, Malformed."""
    data, ancillary, flags, _ = link.recvmsg(MESSAGE_BYTES, _RIGHTS_SPACE, MSG_CMSG_CLOEXEC)
    if not data:
        return None
    descriptors = [descriptor for _, _, rights in ancillary for descriptor in _numbers(rights)]
    try:
        return Message(_decoded(data, flags), descriptors, bool(flags & MSG_CTRUNC))
    except Malformed:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def _numbers(rights: bytes) -> tuple[int, ...]:
    count = len(rights) // _NUMBER_BYTES
    return struct.unpack_from(f"{count}i", rights)


def _decoded(data: bytes, flags: int) -> dict[str, Any]:
    if flags & MSG_TRUNC:
        raise Malformed(f"the message is longer than {MESSAGE_BYTES} bytes")
    try:
        content: Any = json.loads(data)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(content, dict):
        raise Malformed("the message is not an object")
    return cast("dict[str, Any]", content)
