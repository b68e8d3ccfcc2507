"""When an environment has lasted long enough: nobody has used it for the idle time, or it is as old as any may become.

What is started on demand ends for being idle, and then a cold start is the price of its next invocation. What is provisioned
waits for as long as it may, and is replaced. None becomes older than its credentials; one that works ends when it has
answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lambent.lambda_.invoke.slots import Placed, Slot


class Ageing:
    """Looks at the idle ones of all slots; whoever places environments asks it about one that has answered."""

    __slots__ = ("_give_up", "_idle_timeout_s", "_max_age_s", "_slots")

    def __init__(
        self,
        idle_timeout_s: float,
        max_age_s: float,
        slots: Callable[[], Iterable[Slot]],
        give_up: Callable[[Placed], None],
    ) -> None:
        self._idle_timeout_s: Final = idle_timeout_s
        self._max_age_s: Final = max_age_s
        self._slots: Final = slots
        self._give_up: Final = give_up

    def too_old(self, placed: Placed, now: float) -> bool:
        """Whether it may not take another invocation at `now`, on the monotonic clock."""
        return now - placed.born > self._max_age_s

    def sweep(self, now: float) -> None:
        """Give up those idle ones whose time is over."""
        for slot in self._slots():
            over = self._unused if slot.kept is None else self.too_old
            for placed in [placed for placed in slot.idle if over(placed, now)]:
                self._give_up(placed)

    def _unused(self, placed: Placed, now: float) -> bool:
        return now - placed.idle_since >= self._idle_timeout_s
