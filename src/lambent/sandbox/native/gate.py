"""How much a guest may make of what holds kernel memory that no control group is charged with, or not held to a limit for.

    a guest's call ── seccomp: ask ──> the sandbox's first process: how many are there? ──> go on | too many

Memory of sockets is charged when it is what a TCP or UDP socket has received or sends (`cgroups`), or a UNIX socket's. Not
charged, or charged beyond the limit, are, in any version of control groups:

- answers that wait in a netlink socket, and errors in a UDP socket: its receive buffer, 208 KB by default;
- a packet that a UDP socket puts together (MSG_MORE): 64 KB;
- a connection that nobody has accepted: 3 KB, and what was sent on it, at most a receive buffer (`network`: 128 KB);
- the first piece that is written to a TCP socket: 64 KB;
- a thread's filter of system calls: 128 KB beside what is charged.

So no socket is made when the sandbox has SOCKETS, those that nobody has accepted included; none for datagrams or netlink
when it has UNCHARGED_SOCKETS of any; no filter when there are FILTERS. At worst this is 256 × 208 KB + 256 × 131 KB + 64 ×
128 KB = 95 MB, whatever the function's size. UNIX sockets are not asked about. `seccomp` takes away the options by which the
rest would grow.

The kernel goes on with the arguments that were looked at, since they are numbers. A call that was let go on may not have
happened yet when the next one is decided on; so each thread is counted for one more, until it asks again or time has passed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import itertools
import os
import struct
import time
from typing import Final

SOCKETS: Final = 512  # of every kind, when one more of the Internet's is made
UNCHARGED_SOCKETS: Final = 256  # of every kind, when one more for datagrams or netlink is made
FILTERS: Final = 64  # of all threads together, ours not counted

_RECEIVE: Final = 0xC0502100  # SECCOMP_IOCTL_NOTIF_RECV
_SEND: Final = 0xC0182101  # SECCOMP_IOCTL_NOTIF_SEND
_SET_FLAGS: Final = 0x40082104  # SECCOMP_IOCTL_NOTIF_SET_FLAGS
_SYNC_WAKE_UP: Final = struct.pack("=Q", 1)  # whoever asks waits: the answer is given on the same processor
_NOTIFICATION: Final = struct.Struct("=QIIiIQ6Q")  # id, process, flags; number, architecture, instruction, arguments
_THREAD: Final = 1
_NUMBER: Final = 3
_FAMILY, _TYPE = 6, 7  # the first two arguments
_ANSWER: Final = struct.Struct("=QqiI")  # id, value, error, flags
_GO_ON: Final = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_FREEING_S: Final = 0.02  # a netlink socket that was closed is counted until a grace period is over
_SOCKET_S: Final = 0.1  # by then a call that was let go on has happened
_FILTER_S: Final = 5.0
_REMEMBERED: Final = 4096
_SOCKET_CALLS: Final = (41, 198)  # x86_64, aarch64
_SOCKET_TYPE: Final = 0xF
_STREAM: Final = 1
_NETLINK: Final = 16
_LINE_BYTES: Final = 64
_REHEARSED: Final = _NOTIFICATION.pack(0, 0, 0, _SOCKET_CALLS[0], 0, 0, 2, _STREAM, 0, 0, 0, 0)  # no call has this id


class Gate:
    """The first process's. `listener` is that of its filter."""

    def __init__(self, listener: int) -> None:
        self._listener: Final = listener
        self._buffer: Final = ctypes.create_string_buffer(_NOTIFICATION.size)
        self._counts: Final = os.open("/proc/net/sockstat", os.O_RDONLY | os.O_CLOEXEC)  # of this network namespace
        self._passed: Final[dict[int, float]] = {}  # when a thread's last call was let go on; the latest are last
        with contextlib.suppress(OSError):  # before Linux 6.6; it is only slower
            _ = fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)

    def answer(self) -> None:
        """Decide on one call that waits; if its thread has been killed meanwhile, on none."""
        ctypes.memset(self._buffer, 0, _NOTIFICATION.size)
        try:
            _ = fcntl.ioctl(self._listener, _RECEIVE, self._buffer)
        except FileNotFoundError:
            return
        self._decide(_NOTIFICATION.unpack(self._buffer.raw))

    def rehearse(self) -> None:
        """Decide on a call that nobody has made: what is used for the first time is copied for this sandbox, page by page."""
        self._decide(_NOTIFICATION.unpack(_REHEARSED))
        self._passed.clear()

    def _decide(self, call: tuple[int, ...]) -> None:
        _ = self._passed.pop(call[_THREAD], None)
        goes_on = self._has_room(call)
        if not goes_on and call[_FAMILY] == _NETLINK:
            time.sleep(_FREEING_S)
            goes_on = self._has_room(call)
        if goes_on:
            self._passed[call[_THREAD]] = time.monotonic()
            if len(self._passed) > _REMEMBERED:
                del self._passed[next(iter(self._passed))]
        reply = _ANSWER.pack(call[0], 0, 0, _GO_ON) if goes_on else _ANSWER.pack(call[0], 0, -errno.ENOBUFS, 0)
        try:
            _ = fcntl.ioctl(self._listener, _SEND, reply)
        except FileNotFoundError:
            return

    def _has_room(self, call: tuple[int, ...]) -> bool:
        if call[_NUMBER] not in _SOCKET_CALLS:
            return _filters() + self._under_way(_FILTER_S) < FILTERS
        bound = SOCKETS if call[_TYPE] & _SOCKET_TYPE == _STREAM else UNCHARGED_SOCKETS
        return self._sockets() + self._under_way(_SOCKET_S) < bound

    def _sockets(self) -> int:
        """Return how many sockets of every kind there are, those included that nobody has accepted."""
        return int(os.pread(self._counts, _LINE_BYTES, 0).split()[2])  # "sockets: used N"

    def _under_way(self, for_s: float) -> int:
        """Return how many threads may not have made the call yet that they were let go on with."""
        since = time.monotonic() - for_s
        return sum(1 for _ in itertools.takewhile(lambda at: at > since, reversed(self._passed.values())))


def _filters() -> int:
    """Return how many filters the threads of this pid namespace have beside ours; those that two share count twice."""
    count = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/status", "rb") as file:
                    _, _, found = file.read().partition(b"Seccomp_filters:")
                count += int(found.split(None, 1)[0]) - 1
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
    return count
