"""The network a guest has: its own loopback, and on it the doors that the server answers.

The sandbox's first process makes the listeners inside its network namespace and passes them out; the server accepts on them
like on any other. So the runtimes' unmodified clients find 127.0.0.1:9001, who connects is known without a token, and a guest
cannot reach another's door. Defends against: reaching the host's network, its loopback and its abstract UNIX sockets; keeping
kernel memory in sockets, whose buffers and backlogs are small. Small buffers are quicker, too: 6 MB take half the time.
"""

from __future__ import annotations

import fcntl
import os
import struct
from _socket import AF_INET, SOCK_DGRAM, SOCK_STREAM, socket  # without the classes and enumerations around it
from collections.abc import Sequence
from typing import Final

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP_RUNNING: Final = 0x1 | 0x40
_BACKLOG: Final = 128
_BOUNDS: Final = (  # least, first, most; `gate` has the sum of what is not charged to a control group
    ("ipv4/tcp_rmem", b"4096 131072 131072"),
    ("ipv4/tcp_wmem", b"4096 16384 262144"),
    ("ipv4/tcp_max_tw_buckets", b"4096"),  # closed connections, for a minute: nobody is charged with them
    ("core/optmem_max", b"20480"),  # what options of one socket may keep; Linux's own until 6.5
    ("core/tstamp_allow_data", b"0"),  # no copies of packets in the error queue
)
_LOOPBACK_UP: Final = struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING)


def raise_loopback() -> None:
    any_socket = socket(AF_INET, SOCK_DGRAM)
    _ = fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, _LOOPBACK_UP)
    any_socket.close()


def bound(settings: str) -> None:
    """Set what bounds the sockets of this network namespace. `settings` is a writable /proc/sys/net.

    What a kernel does not have for each namespace, it does not show there or does not let be written.
    """
    for name, value in _BOUNDS:
        try:
            descriptor = os.open(f"{settings}/{name}", os.O_WRONLY | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            continue
        try:
            _ = os.write(descriptor, value)
        finally:
            os.close(descriptor)


def listen(ports: Sequence[int]) -> list[int]:
    """Return the descriptor of a listening socket for each port of 127.0.0.1 in this network namespace."""
    descriptors: list[int] = []
    for port in ports:
        listener = socket(AF_INET, SOCK_STREAM)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
        descriptors.append(listener.detach())
    return descriptors
