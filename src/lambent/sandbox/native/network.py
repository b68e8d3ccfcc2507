"""The network a guest has: its own loopback, and on it the doors that the server answers.

The sandbox's first process makes the listeners inside its network namespace and passes them out; the server accepts on them
like on any other. So the runtimes' unmodified clients find 127.0.0.1:9001, who connects is known without a token, and a guest
cannot reach another's door. Defends against: reaching the host's network, its loopback and its abstract UNIX sockets.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Sequence
from typing import Final

_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP_RUNNING: Final = 0x1 | 0x40
_BACKLOG: Final = 128


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _ = fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


def listen(ports: Sequence[int]) -> list[socket.socket]:
    """Return a listening socket for each port of 127.0.0.1 in this network namespace."""
    listeners: list[socket.socket] = []
    for port in ports:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
        listeners.append(listener)
    return listeners
