"""What one execution environment may cost the server, however its guest goes about it: time of the loop, and memory.

An allowance is shared by everything that its guest can reach: the Runtime API, its own door of the gateway, its output. It is
as large as the function, and it outlives a reset, so that a guest gains nothing by ending itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lambent.core.budgets import Budget
from lambent.core.slices import Slice, Slices
from lambent.core.sweeper import Sweeper

MIB: Final = 1024 * 1024
BUDGET_OF_MEMORY: Final = 0.75  # of MemorySize, for what is received and what is not taken yet
BUDGET_MAX_BYTES: Final = 512 * MIB


class Allowance(msgspec.Struct, frozen=True):
    """The part of one environment."""

    slice: Slice
    budget: Budget
    sweeper: Sweeper  # ends its connections when they are overdue


class Allowances:
    """Makes the allowances of all environments of one server."""

    def __init__(self, slices: Slices, sweeper: Sweeper, now: Callable[[], float]) -> None:
        self._slices: Final = slices
        self._sweeper: Final = sweeper
        self._now: Final = now

    def of(self, *, cpus: float, memory_mib: int) -> Allowance:
        size = min(BUDGET_MAX_BYTES, int(memory_mib * MIB * BUDGET_OF_MEMORY))
        return Allowance(self._slices.of(cpus), Budget(size, self._now), self._sweeper)
