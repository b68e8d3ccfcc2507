"""A bound on waiting for other processes that counts only while none of them gets on.

On a machine under heavy load a process may need a minute for what takes it half a second. Whoever gives up after five seconds
takes a slow machine for a broken one. What hangs uses no processor; so time counts while the processor's time that the
processes have used stands still, and there is a limit to all of it, for what runs in circles.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

LONGEST: Final = 12  # times as long as without progress
_LOOKS: Final = 5  # while there is no progress, before the end
_USED: Final = slice(11, 13)  # user's and system's time, of the fields of /proc/PID/stat behind the name


@asynccontextmanager
async def progress(idle_s: float, used: Callable[[], int]) -> AsyncGenerator[None]:
    """Bound what is awaited in the block: raises TimeoutError when `used` has returned the same for `idle_s`.

    Also after `LONGEST` times that, whatever it returns.
    """
    loop = asyncio.get_running_loop()
    end, seen = loop.time() + LONGEST * idle_s, used()
    async with asyncio.timeout(idle_s) as limit:

        def look() -> None:
            nonlocal seen, next_look
            if limit.expired():
                return
            before, seen = seen, used()
            if seen != before:
                limit.reschedule(min(end, loop.time() + idle_s))
            next_look = loop.call_later(idle_s / _LOOKS, look)

        next_look = loop.call_later(idle_s / _LOOKS, look)
        try:
            yield
        finally:
            next_look.cancel()


def used_below(pid: int) -> int:
    """Return the processor's time that the descendants of a process have used, in ticks; 0 where this system has no /proc."""
    return sum(used_by(child) + used_below(child) for child in _children(pid))


def used_by(pid: int) -> int:
    """Return the processor's time that a process has used, in ticks; 0 if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_USED]))


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()
        ]
    except OSError:
        return []
