"""What one execution environment may cost the server, however its guest goes about it: time of the loop, and memory.

An allowance is shared by everything that its guest can reach: the Runtime API, its own door of the gateway, its output. It is
as large as the function, and it outlives a reset, so that a guest gains nothing by ending itself. What is counted costs
memory once more while it is joined, parsed and answered; all of it together stays below twice MemorySize.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from lambent.core.budgets import Budgets
from lambent.core.slices import Slice, Slices
from lambent.core.sweeper import Sweeper
from lambent.core.unsent import Unsent

MIB: Final = 1024 * 1024
BODIES_OF_MEMORY: Final = 0.6  # of MemorySize, for requests that the gateway receives from the guest
SMALL_BYTES: Final = 2 * MIB  # of it, for small bodies
UNSENT_OF_MEMORY: Final = 0.3  # of MemorySize, for answers of both that the guest has not taken
MEMORY_MAX_MIB: Final = 1024  # a larger function gets no more


class Allowance(msgspec.Struct, frozen=True):
    """The part of one environment."""

    slice: Slice
    bodies: Budgets
    unsent: Unsent
    sweeper: Sweeper  # ends its connections when they are overdue


class Allowances:
    """Makes the allowances of all environments of one server."""

    def __init__(self, slices: Slices, sweeper: Sweeper, now: Callable[[], float]) -> None:
        self._slices: Final = slices
        self._sweeper: Final = sweeper
        self._now: Final = now

    def of(self, *, cpus: float, memory_mib: int) -> Allowance:
        size = min(memory_mib, MEMORY_MAX_MIB) * MIB
        return Allowance(
            self._slices.of(cpus),
            Budgets(int(size * BODIES_OF_MEMORY), SMALL_BYTES),
            Unsent(int(size * UNSENT_OF_MEMORY), self._now),
            self._sweeper,
        )
