"""What this process may have open at once, and how that is divided before anything is opened.

    the limit ─┬─ the reserve: databases, spawners, waiting sandboxes, packages, the log
               ├─ a quarter of the rest: clients' connections
               └─ three quarters: execution environments

A process that runs out of descriptors fails wherever it happens to open the next one. So what comes in numbers is admitted
against the limit, and refused in its own words: a client with 503, an invocation with 429. The usual soft limit of 1,024 is
for programs that use select(2), and this one does not: it takes the hard limit. Guests have a limit of their own
(`sandbox.contract.Limits.open_files`), which is set before their code runs.
"""

from __future__ import annotations

import resource
from typing import Final

import msgspec

RESERVE: Final = 192
ENVIRONMENT: Final = 12  # ten with one connection of its runtime; while it starts it has six more for some milliseconds
MOST: Final = 1 << 20  # where there is no limit to speak of, the kernel's tables still have one
LEAST: Final = 256


class TooFewDescriptors(Exception):
    """The hard limit leaves no room for functions; the text says how to raise it."""


class Descriptors(msgspec.Struct, frozen=True):
    """How many of each there may be."""

    limit: int
    environments: int
    connections: int


def divided(limit: int) -> Descriptors:
    """Divide `limit` descriptors. Raises TooFewDescriptors."""
    if limit < LEAST:
        raise TooFewDescriptors(
            f"Lambent may open {limit} files and needs {LEAST}; raise the limit (`ulimit -n`, systemd's LimitNOFILE)"
        )
    rest = limit - RESERVE
    connections = rest // 4
    return Descriptors(limit, (rest - connections) // ENVIRONMENT, connections)


def raise_limit() -> None:
    """Let this process, and the spawners it starts, open as many files as the system lets it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_countable(hard), hard))


def current() -> Descriptors:
    """The division of this process's limit as it is now. Raises TooFewDescriptors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return divided(_countable(soft))


def _countable(limit: int) -> int:
    return MOST if limit == resource.RLIM_INFINITY else min(limit, MOST)
