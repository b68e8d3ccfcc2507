"""Long reads of logs, for guests and callers: a few at once, in turn, and paid for by the guest for whom they are.

    a guest's scan ──▶ one at a time of it ──▶ it owes nothing ──▶ GUEST_SCANS of all guests ──┐
    a caller's scan ───────────────────────────────────────────────────────────────────────────┴──▶ SCANS of all

A scan runs in a thread, and holds the interpreter's lock while it looks at what it has read: what it takes is taken from the
event loop, and so from every invocation. What a guest's scan has taken of a processor is charged to the guest's slice of the
loop (`core/slices.py`), and its next one is not begun before that is paid off. Guests never have all places; a caller waits
behind two scans of guests at most, and those are short (`limits.GUEST_FILTER_S`).

Of each guest or caller a number of scans may wait; what is above is throttled, as by AWS, whose bounds are 5 to 25 a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import apsw

from lambent.core.slices import DEBT_S, Slice
from lambent.core.spenders import Spender
from lambent.core.turns import QueueFull, Turns
from lambent.services.logs.errors import RateExceeded
from lambent.services.logs.limits import GUEST_SCANS, GUESTS, SCANS, SCANS_WAITING
from lambent.storage.database import Database

T = TypeVar("T")


class Reads:
    """The long reads of one database."""

    def __init__(self, database: Database, cpu_s: Callable[[], float] = time.thread_time) -> None:
        self._database: Final = database
        self._cpu_s: Final = cpu_s  # what the calling thread has taken of a processor
        self._of_guest: Final = Turns(GUESTS, each=1, waiting=SCANS_WAITING)
        self._of_guests: Final = Turns(GUEST_SCANS, each=1)
        self._of_all: Final = Turns(SCANS, waiting=SCANS_WAITING)

    async def scan(self, spender: Spender, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work`, which may take long, as `Database.scan` does, when it is its turn. Raises RateExceeded."""
        try:
            if spender.slice is None:
                async with self._of_all.turn(spender.key):
                    return await self._database.scan(work)
            return await self._scan_for_guest(spender.slice, work)
        except QueueFull:
            raise RateExceeded from None

    async def _scan_for_guest(self, guest: Slice, work: Callable[[apsw.Connection], T]) -> T:
        async with self._of_guest.turn(guest):
            await guest.solvency()
            measured = _Measured(work, self._cpu_s)
            try:
                async with self._of_guests.turn(guest), self._of_all.turn(guest):
                    result = await self._database.scan(measured)
            finally:
                guest.charge(guest.now(), min(measured.cost_s, DEBT_S))
            await guest.pay(measured.cost_s - DEBT_S)
            return result


class _Measured(Generic[T]):
    """A work, and what it has taken of a processor."""

    def __init__(self, work: Callable[[apsw.Connection], T], cpu_s: Callable[[], float]) -> None:
        self._work: Final = work
        self._cpu_s: Final = cpu_s
        self.cost_s = 0.0

    def __call__(self, connection: apsw.Connection) -> T:
        since_s = self._cpu_s()
        try:
            return self._work(connection)
        finally:
            self.cost_s = self._cpu_s() - since_s
