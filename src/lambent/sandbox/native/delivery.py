"""How a guest gets its assignment: straight from the server, by a socket of which the spawner passes on a descriptor only.

Nobody whom other guests are forked from reads it. It is a line, whose end is kept back until all is mounted that the guest is
to find. The guest has read the rest by then; who mounts, ends the line (`mounter`), and the server need not wake in between.
What the socket does not hold at once is written as the guest reads; a guest that never reads holds nothing but the line
itself, until its sandbox ends. No task, and no wait.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, Final

from lambent.sandbox.contract import SandboxError
from lambent.sandbox.native.channel import LINE_END

ASSIGNMENT_BYTES: Final = 1 << 20  # ten times what AWS allows of variables, credentials and code paths


class Delivery:
    """One assignment to come. `theirs` is the guest's end, until it has been passed on."""

    def __init__(self) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ours.setblocking(False)
        self._left = memoryview(b"")
        self._ended = False

    def begin(self, assignment: dict[str, Any]) -> None:
        """Write it as one line, all but its end. Raises SandboxError if it is too long."""
        line = json.dumps(assignment, separators=(",", ":")).encode()
        if len(line) > ASSIGNMENT_BYTES:
            raise SandboxError(f"an assignment of {len(line)} bytes is larger than {ASSIGNMENT_BYTES}")
        self._send(line)

    def hand_over(self) -> list[int]:
        """Return the descriptor by which another ends the line, the caller's now; none if more is to come first."""
        return [] if self._left or self._ours.fileno() < 0 else [self._ours.detach()]

    def finish(self) -> None:
        """End the line, and be done."""
        self._ended = True
        self._send(bytes(self._left) + LINE_END)

    def close(self) -> None:
        """Give up: a guest that still waits ends. Idempotent."""
        self._left = memoryview(b"")
        self.theirs.close()
        if self._ours.fileno() >= 0:
            _ = self._loop.remove_writer(self._ours.fileno())
            self._ours.close()

    def _send(self, data: bytes) -> None:
        self._left = memoryview(data)
        self._write()
        if self._left:
            self._loop.add_writer(self._ours.fileno(), self._write)

    def _write(self) -> None:
        try:
            self._left = self._left[self._ours.send(self._left) :]
        except BlockingIOError:
            return
        except OSError:  # the guest has gone, which its sandbox learns by itself
            self.close()
            return
        if self._left:
            return
        if self._ended:
            self.close()
        else:
            _ = self._loop.remove_writer(self._ours.fileno())
