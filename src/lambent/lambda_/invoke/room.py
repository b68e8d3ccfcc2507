"""Whether this machine has room for one more environment, whatever the account may run.

    enter ── there is room ─────────────────────────────▶ it is started, and counts until it is gone
      ├── none, and some are idle: the one that was used longest ago ends, and its room is taken
      └── none, and all are at work, or provisioned: throttled, as an account that has reached its concurrency

What is at work is never ended for another's sake, nor what is provisioned: the operator has set aside room for that. And a
version that is busy may not end what another one has used a moment ago, unless that one has more environments than it has
itself: else one that takes all it can get would have every other start cold at each of its invocations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lambent.core.clock import Clock
from lambent.lambda_.invoke.errors import ConcurrentInvocationLimitExceeded
from lambent.lambda_.invoke.slots import Placed, Slot

RECENT_S: Final = 10.0


class Room:
    """The environments that there are, on demand and provisioned, from their admission until they are gone."""

    def __init__(
        self, environments: int, slots: Callable[[], Iterable[Slot]], give_up: Callable[[Placed], None], clock: Clock
    ) -> None:
        self._environments: Final = environments
        self._clock: Final = clock
        self._slots: Final = slots
        self._give_up: Final = give_up
        self.taken = 0

    async def enter(self, slot: Slot) -> None:
        """Count one more, of the slot, to be taken back by `leave`. Raises ConcurrentInvocationLimitExceeded."""
        while self.taken >= self._environments:
            given_up = self._dispensable(slot)
            if given_up is None:
                raise ConcurrentInvocationLimitExceeded
            self._give_up(given_up)
            await given_up.gone.wait()
        self.taken += 1

    def leave(self) -> None:
        self.taken -= 1

    def _dispensable(self, asking: Slot) -> Placed | None:
        """The idle environment that was used longest ago, of those that the asking slot may have ended."""
        before = self._clock.monotonic() - RECENT_S
        oldest = (slot.idle[0] for slot in self._slots() if slot.idle and slot.kept is None)
        allowed = (p for p in oldest if p.idle_since <= before or p.slot.live > asking.live)
        return min(allowed, key=lambda placed: placed.idle_since, default=None)
