"""Freezing what is idle, after a grace: a busy function's environments are used again before it is over, and pay nothing."""

from __future__ import annotations

import asyncio
from typing import Final

from lambent.core.clock import Clock
from lambent.lambda_.invoke.slots import Placed


class Freezing:
    """The idle environments that are not frozen yet."""

    def __init__(self, grace_s: float, clock: Clock) -> None:
        self._grace_s: Final = grace_s
        self._clock: Final = clock
        self._thawed: Final[set[Placed]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, placed: Placed) -> None:
        """It is idle since `placed.idle_since`."""
        self._thawed.add(placed)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._freeze)

    def stop(self, placed: Placed) -> None:
        """It is not idle any more, or it ends."""
        self._thawed.discard(placed)

    def _freeze(self) -> None:
        """Freeze what has been idle for the grace, and come again while something is left."""
        self._timer = None
        before = self._clock.monotonic() - self._grace_s
        for placed in [p for p in self._thawed if p.idle_since <= before]:
            self._thawed.discard(placed)
            placed.environment.freeze()
        if self._thawed:
            self._timer = asyncio.get_running_loop().call_later(self._grace_s, self._freeze)
