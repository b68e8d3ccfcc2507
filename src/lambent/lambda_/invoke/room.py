"""Whether this machine has room for one more environment, whatever the account may run.

    enter ── there is room ─────────────────────────────▶ it is started, and counts until it is gone
      ├── none, and some are idle: the one that was used longest ago ends, and its room is taken
      └── none, and all are at work, or provisioned: throttled, as an account that has reached its concurrency

Room is a number, of which the limit of open files decides, and memory. Memory counts as it is used (`sandbox/memory.py`), and
what is under way has head room: from its admission to the end of INIT what its version's environments usually use, or
START_BYTES while nobody knows; then, until it has answered once, what it uses less than that.

What is at work is never ended for another's sake, nor what is provisioned: the operator has set aside room for that. And a
version that is busy may not end what another one has used a moment ago, unless that one has more environments than it has
itself: else one that takes all it can get would have every other start cold at each of its invocations.

What starts may grow, and the kernel ends something that works when all together have grown too much. So the idle ones make
room for growth as well, HEAD_ROOM_PART of the budget, though nobody is refused for want of that. When memory runs short all
the same, they are given up at the next sweep, whenever they were used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lambent.core.clock import Clock
from lambent.lambda_.invoke.errors import ConcurrentInvocationLimitExceeded
from lambent.lambda_.invoke.slots import Placed, Slot
from lambent.sandbox.memory import Memory

RECENT_S: Final = 10.0
START_BYTES: Final = 6 << 20  # a Python guest has 5 MiB of its own after INIT; a thousand fit into the budget of 8 GB
HEAD_ROOM_PART: Final = 8  # an eighth of the budget is kept from what is idle
MIB: Final = 1 << 20


class Room:
    """The environments that there are, on demand and provisioned, from their admission until they are gone."""

    def __init__(
        self,
        environments: int,
        memory: Memory,
        slots: Callable[[], Iterable[Slot]],
        give_up: Callable[[Placed], None],
        clock: Clock,
    ) -> None:
        self.environments: Final = environments
        self.memory: Final = memory
        self._slots: Final = slots
        self._give_up: Final = give_up
        self._clock: Final = clock
        self._promised_bytes = 0
        self.taken = 0

    async def enter(self, slot: Slot) -> int:
        """Count one more, of the slot, to be taken back by `leave`; return what it is promised of the memory.

        Raises ConcurrentInvocationLimitExceeded.
        """
        promised = slot.usual_bytes or START_BYTES
        while self.taken >= self.environments or self.memory.lacks(self._promised_bytes + promised):
            given_up = self._dispensable(slot)
            if given_up is None:
                raise ConcurrentInvocationLimitExceeded
            self._give_up(given_up)
            await given_up.gone.wait()
        self.taken += 1
        self._promised_bytes += promised
        self._keep_head_room(slot)
        return promised

    def started(self, placed: Placed) -> None:
        """It is past its INIT: what it has used for that counts as used, and what others use beyond that is promised."""
        used = _peak_bytes(placed)
        slot = placed.slot
        slot.usual_bytes = max(slot.usual_bytes, used)
        self._promise(placed, slot.usual_bytes - used)

    def worked(self, placed: Placed) -> None:
        """It has answered once, and uses what it uses: as much as the next one is expected to use."""
        placed.worked = True
        placed.slot.usual_bytes = max(placed.slot.usual_bytes, _peak_bytes(placed))
        self._promise(placed, 0)

    def leave(self, placed: Placed) -> None:
        """Nothing of it is left; what it has used is what the next one is expected to use, if that is more."""
        self._promise(placed, 0)
        self.taken -= 1
        slot = placed.slot
        used = _peak_bytes(placed) if placed.launched else 0
        slot.usual_bytes = used if used > slot.usual_bytes else slot.usual_bytes - (slot.usual_bytes - used) // 8

    def relieve(self) -> None:
        """Give up idle environments, the longest unused first, for as much memory as is wanting."""
        wanting = self.memory.lacks(0)
        idle = [p for slot in self._slots() if slot.kept is None for p in slot.idle] if wanting else []
        for placed in sorted(idle, key=lambda p: p.idle_since):
            self._give_up(placed)
            wanting -= _peak_bytes(placed)
            if wanting <= 0:
                return

    def _keep_head_room(self, asking: Slot) -> None:
        """Give up what is idle while it stands where what works may grow to."""
        wanting = self.memory.lacks(self._promised_bytes + self.memory.budget_bytes // HEAD_ROOM_PART)
        while wanting > 0 and (placed := self._dispensable(asking)) is not None:
            self._give_up(placed)
            wanting -= _peak_bytes(placed)

    def _promise(self, placed: Placed, bytes_: int) -> None:
        self._promised_bytes += bytes_ - placed.promised_bytes
        placed.promised_bytes = bytes_

    def _dispensable(self, asking: Slot) -> Placed | None:
        """The idle environment that was used longest ago, of those that the asking slot may have ended."""
        before = self._clock.monotonic() - RECENT_S
        oldest = (slot.idle[0] for slot in self._slots() if slot.idle and slot.kept is None)
        allowed = (p for p in oldest if p.idle_since <= before or p.slot.live > asking.live)
        return min(allowed, key=lambda placed: placed.idle_since, default=None)


def _peak_bytes(placed: Placed) -> int:
    sandbox = placed.environment.sandbox
    return 0 if sandbox is None else sandbox.memory_peak_mib() * MIB
