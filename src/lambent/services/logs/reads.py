"""Long reads of logs, for guests and callers: a few at once, in turn, and paid for by the guest for whom they are.

    a guest's scan ──▶ one at a time of it ──▶ it owes nothing ──▶ GUEST_SCANS of all guests ──┐
    a caller's scan ───────────────────────────────────────────────────────────────────────────┴──▶ SCANS of all

What a guest's scan has taken of a processor is charged to the guest's slice of the loop (`costs`), and its next one is not
begun before that is paid off. Guests never have all places; a caller waits behind two scans of guests at most, and those are
short (`limits.GUEST_FILTER_S`).

Of each guest or caller a number of scans may wait; what is above is throttled, as by AWS, whose bounds are 5 to 25 a second.
"""

from __future__ import annotations

import math
from typing import Final, TypeVar

from lambent.core.slices import Slice
from lambent.core.spenders import Spender
from lambent.core.turns import QueueFull, Turns
from lambent.services.logs.costs import THREAD_TIME, CpuTime, Work, bill
from lambent.services.logs.errors import RateExceeded
from lambent.services.logs.limits import GUEST_SCANS, SCANS, SCANS_WAITING
from lambent.storage.database import Database

T = TypeVar("T")


class Reads:
    """The long reads of one database."""

    def __init__(self, database: Database, cpu_s: CpuTime = THREAD_TIME) -> None:
        self._database: Final = database
        self._cpu_s: Final = cpu_s
        self._of_guest: Final = Turns(math.inf, each=1, waiting=SCANS_WAITING)
        self._of_guests: Final = Turns(GUEST_SCANS, each=1)
        self._of_all: Final = Turns(SCANS, waiting=SCANS_WAITING)

    async def scan(self, spender: Spender, work: Work[T]) -> T:
        """Run `work`, which may take long, as `Database.scan` does, when it is its turn. Raises RateExceeded."""
        try:
            if spender.slice is None:
                async with self._of_all.turn(spender.key):
                    return await self._database.scan(work)
            return await self._scan_for_guest(spender.slice, work)
        except QueueFull:
            raise RateExceeded from None

    async def _scan_for_guest(self, guest: Slice, work: Work[T]) -> T:
        async def run(measured: Work[T]) -> T:
            async with self._of_guests.turn(guest), self._of_all.turn(guest):
                return await self._database.scan(measured)

        async with self._of_guest.turn(guest):
            return await bill(guest, work, run, self._cpu_s)
