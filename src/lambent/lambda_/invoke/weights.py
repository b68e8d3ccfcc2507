"""How much of the processors each environment gets while there is not enough for all: about as much for each function.

The kernel divides processors between environments by weight. If all weighed the same, a function with a hundred environments
would have a hundred parts, and one that has a single environment would wait behind them: one that invokes itself would hold
up all others. So the environments of a function share its part, and weigh 1/n each while n of them work.

n is rounded down to a power of two, so that a function's environments are weighed anew when their number doubles and not at
every start. It grows with a start at once, since a start means that none was idle, and is put right by `settle`, once a
second: fewer may work by then, or more without a start.

What is provisioned counts as what is started on demand does. A caller who may make functions has a part for each.
"""

from __future__ import annotations

from typing import Final

from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.invoke.admission import Share
from lambent.lambda_.invoke.slots import Placed

LEAST: Final = 1 / 64  # the kernel's scale, of 100 to 1, has few steps below that


def weight_of(working: int) -> float:
    """Return what each of so many environments of one function weighs."""
    return max(LEAST, 1 / (1 << max(0, working.bit_length() - 1)))


class Weights:
    """Of every function's environments."""

    def __init__(self) -> None:
        self._members: Final[dict[Share, set[Placed]]] = {}  # by function
        self._weights: Final[dict[Share, float]] = {}  # of each of its members

    def enter(self, placed: Placed) -> None:
        """Weigh an environment that is about to start, and others of its function if these are too heavy now."""
        share = placed.slot.share
        members = self._members.setdefault(share, set())
        members.add(placed)
        weight = self._weights.setdefault(share, 1.0)
        if weight_of(len(members)) < weight:
            self._weigh(share, weight_of(len(members)))
        else:
            placed.environment.weigh(weight)

    def leave(self, placed: Placed) -> None:
        """Forget an environment that has ended. Idempotent."""
        share = placed.slot.share
        members = self._members.get(share, set())
        members.discard(placed)
        if not members:
            _ = self._members.pop(share, None)
            _ = self._weights.pop(share, None)

    def settle(self) -> None:
        """Weigh anew where another power of two of environments work than was weighed for: fewer at once, more by a step."""
        for share, members in self._members.items():
            weight = self._weights[share]
            if weight == 1.0 and len(members) == 1:
                continue
            right = weight_of(sum(placed.environment.state is not State.IDLE for placed in members))
            if right < weight:
                self._weigh(share, right)
            elif right > weight:
                self._weigh(share, 2 * weight)  # not at once: it may have paused for this moment alone

    def _weigh(self, share: Share, weight: float) -> None:
        self._weights[share] = weight
        for placed in self._members[share]:
            placed.environment.weigh(weight)
