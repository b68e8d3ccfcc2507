"""Long reads of logs: whose turn it is, who pays, and where a page ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final

import apsw
import pytest

from lambent.core.ports import LogEvent
from lambent.core.slices import BURST_S, Slices
from lambent.core.spenders import Spender
from lambent.services.logs.bounds import Bounds
from lambent.services.logs.errors import RateExceeded
from lambent.services.logs.events import LogEvents, Within
from lambent.services.logs.groups import LogGroups, Place
from lambent.services.logs.limits import (
    END_OF_TIME_MS,
    EXAMINED_EVENTS,
    FILTER_S,
    GUEST_FILTER_S,
    GUEST_SCANS,
    PUTS,
    PUTS_WAITING,
    SCANS,
    SCANS_WAITING,
)
from lambent.services.logs.patterns import compiled
from lambent.services.logs.reads import Reads
from lambent.services.logs.service import MIGRATIONS
from lambent.services.logs.streams import LogStreams
from lambent.services.logs.tokens import Position
from lambent.storage.database import Database, opened
from lambent.storage.disk import Disk

PLACE: Final = Place("000000000000", "eu-central-1")
OPERATOR: Final = Spender("operator")
GUARD_S: Final = 20.0  # only against hanging
NOW_MS: Final = 1_800_000_000_000


class Timer:
    def cancel(self) -> None:
        pass


class Time:
    """A clock that stands still until the test moves it, and the last timer."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        self.due = [(self.now_s + delay_s, callback)]  # of the one slice that is in debt
        return Timer()

    async def until(self, done: Callable[[], bool]) -> None:
        """Let time pass from timer to timer."""
        async with asyncio.timeout(GUARD_S):
            while not done():
                if self.due:
                    (self.now_s, callback), self.due = self.due[0], []
                    callback()
                await asyncio.sleep(0.001)


class Scan:
    """A scan that is under way until the test lets it end."""

    def __init__(self, reads: Reads, spender: Spender) -> None:
        self.under_way = threading.Event()
        self.end = threading.Event()
        self.task = asyncio.create_task(reads.scan(spender, self))

    def __call__(self, connection: apsw.Connection) -> str:
        self.under_way.set()
        assert self.end.wait(GUARD_S)
        return "read"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "logs.db", MIGRATIONS, "memory") as database:
        yield database


@asynccontextmanager
async def scans(reads: Reads, *spenders: Spender) -> AsyncIterator[list[Scan]]:
    """So many scans at once; what is left of them ends with the block."""
    started = [Scan(reads, spender) for spender in spenders]
    try:
        await settle()
        yield started
    finally:
        for scan in started:
            scan.end.set()
        await asyncio.gather(*(scan.task for scan in started), return_exceptions=True)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.002)


def under_way(started: list[Scan]) -> list[int]:
    return [number for number, scan in enumerate(started) if scan.under_way.is_set() and not scan.task.done()]


def guests(count: int) -> list[Spender]:
    slices = Slices(Time().now, Time().call_later)
    return [Spender("role", slices.of(1)) for _ in range(count)]


async def test_guests_have_one_scan_each_and_leave_places_to_callers(database: Database):
    reads, (one, two, three) = Reads(database), guests(3)
    async with scans(reads, one, one, two, two, three, OPERATOR, Spender("another")) as started:
        assert under_way(started) == [0, 2, 5, 6]
        started[0].end.set()
        await settle()
        assert under_way(started) == [2, 4, 5, 6]  # the next guest, not the first one again
    assert [await scan.task for scan in started] == ["read"] * 7


async def test_a_caller_leaves_a_place_to_others_and_waits_its_turn(database: Database):
    async with scans(Reads(database), *[OPERATOR] * 6, Spender("another")) as started:
        assert under_way(started) == [*range(SCANS - 1), 6]


async def test_an_operator_waits_behind_no_scan_of_a_crowd_of_guests(database: Database):
    reads = Reads(database)
    async with scans(reads, *[guest for guest in guests(20) for _ in range(5)]) as crowd:
        assert len(under_way(crowd)) == GUEST_SCANS
        async with scans(reads, OPERATOR) as (own,):
            assert own.under_way.is_set()


@pytest.mark.parametrize("who", ["a guest", "a caller"])
async def test_so_many_of_one_wait_and_what_is_above_is_throttled_as_by_aws(database: Database, who: str):
    reads, (guest,) = Reads(database), guests(1)
    spender, places = (guest, 1) if who == "a guest" else (OPERATOR, SCANS - 1)
    async with scans(reads, *[spender] * (places + SCANS_WAITING)):
        with pytest.raises(RateExceeded, match=r"^Rate exceeded$"):
            await reads.scan(spender, lambda _: None)
        assert await reads.scan(Spender("another"), lambda _: "read") == "read"
    assert RateExceeded.code == "ThrottlingException"


async def test_a_place_is_taken_as_long_as_its_thread_works_though_its_guest_has_gone(database: Database):
    reads, (one, two) = Reads(database), guests(2)
    async with scans(reads, one, two, one) as started:
        for scan in started:
            scan.task.cancel()
        await settle()
        assert [scan.task.done() for scan in started] == [False, False, True]
        async with scans(reads, *guests(2)) as others:
            assert under_way(others) == []
            for scan in started:
                scan.end.set()
            await settle()
            assert under_way(others) == [0, 1]


async def test_a_guest_pays_for_the_processor_that_its_scan_took_before_its_next_begins(database: Database):
    time, cpu = Time(), [0.0]
    guest = Spender("role", Slices(time.now, time.call_later).of(1))  # a quarter of the loop
    reads = Reads(database, lambda: cpu[0])

    def work(_: apsw.Connection) -> None:
        cpu[0] += 1.0

    def another(_: apsw.Connection) -> float:
        return time.now_s

    first = asyncio.create_task(reads.scan(guest, work))
    second = asyncio.create_task(reads.scan(guest, another))
    await settle()
    assert not second.done()
    await time.until(second.done)
    assert first.done()
    assert await second == pytest.approx((1.0 - BURST_S) * 4, rel=0.1)
    assert await reads.scan(OPERATOR, another) == time.now_s


async def test_what_a_scan_that_fails_took_is_paid_for_too(database: Database):
    time, cpu = Time(), [0.0]
    guest = Spender("role", Slices(time.now, time.call_later).of(1))
    reads = Reads(database, lambda: cpu[0])

    def work(_: apsw.Connection) -> None:
        cpu[0] += 1.0
        raise LookupError

    with pytest.raises(LookupError):
        await reads.scan(guest, work)
    await is_in_debt(reads, guest, time, 1.0)


async def test_what_a_scan_took_whose_caller_has_hung_up_is_paid_for_too(database: Database):
    time, cpu = Time(), [0.0]
    guest = Spender("role", Slices(time.now, time.call_later).of(1))
    reads = Reads(database, lambda: cpu[0])
    async with scans(reads, guest) as started:
        _ = started[0].task.cancel()
        await settle()
        cpu[0] += 1.0
        started[0].end.set()
        with pytest.raises(asyncio.CancelledError):
            await started[0].task
    await is_in_debt(reads, guest, time, 1.0)


async def is_in_debt(reads: Reads, guest: Spender, time: Time, cost_s: float) -> None:
    """See that the next scan is begun when that has been paid off."""
    another = asyncio.create_task(reads.scan(guest, lambda _: time.now_s))
    await settle()
    await time.until(another.done)
    assert await another == pytest.approx((cost_s - BURST_S) * 4, rel=0.1)


async def half_seconds(database: Database, directory: Path) -> tuple[Time, Spender, Group, LogEvents]:
    """A clock, a guest, a group, and its events, of which each batch takes half a second of a processor."""
    time, ticks = Time(), count(step=0.5)
    guest = Spender("role", Slices(time.now, time.call_later).of(1))
    group = Group(database, directory)
    await group.fill(0)
    return time, guest, group, LogEvents(database, group.reads, group.bounds, lambda: next(ticks))


async def test_a_guest_pays_for_the_processor_that_its_batches_took(database: Database, tmp_path: Path):
    time, guest, group, events = await half_seconds(database, tmp_path)
    batch = [LogEvent(NOW_MS, "line")]
    assert (await events.put(OPERATOR, PLACE, "g", "s", batch, NOW_MS))[0]
    assert (await events.put(guest, PLACE, "g", "s", batch, NOW_MS))[0]
    await is_in_debt(group.reads, guest, time, 0.5)


async def test_a_batch_whose_caller_has_hung_up_is_paid_for_when_it_is_written(database: Database, tmp_path: Path):
    time, guest, group, events = await half_seconds(database, tmp_path)
    held = threading.Event()
    holding = asyncio.create_task(database.write(lambda _: held.wait(GUARD_S)))
    put = asyncio.create_task(events.put(guest, PLACE, "g", "s", [LogEvent(NOW_MS, "line")], NOW_MS))
    await settle()
    _ = put.cancel()
    await settle()
    held.set()
    await holding
    await database.write(lambda _: None)
    await is_in_debt(group.reads, guest, time, 0.5)


async def test_batches_beyond_those_that_may_wait_are_throttled(database: Database, tmp_path: Path):
    group = Group(database, tmp_path)
    await group.fill(0)
    batch = [LogEvent(NOW_MS, "line")]
    puts = [
        asyncio.create_task(group.events.put(OPERATOR, PLACE, "g", "s", batch, NOW_MS))
        for _ in range(PUTS + PUTS_WAITING + 5)
    ]
    answers = await asyncio.gather(*puts, return_exceptions=True)
    throttled = [answer for answer in answers if isinstance(answer, RateExceeded)]
    assert len(throttled) == 6, "one caller has all places but one"


# --- where a page of FilterLogEvents ends -----------------------------------------------------------------------------


class Group:
    """A group with a stream of events, and a processor whose time is what a test says."""

    def __init__(self, database: Database, directory: Path) -> None:
        self.cpu_s = 0.0
        self.reads = reads = Reads(database)
        self.bounds = bounds = Bounds(1 << 40, 1 << 40, Disk(directory, 0))
        self.groups = LogGroups(database, reads, bounds)
        self.streams = LogStreams(database, reads, bounds)
        self.events = LogEvents(database, reads, bounds, lambda: self.cpu_s)

    async def fill(self, count: int) -> None:
        await self.groups.create(PLACE, "g", {}, NOW_MS)
        await self.streams.create(PLACE, "g", "s", NOW_MS)
        for _ in range(0, count, 10_000):
            events = [LogEvent(NOW_MS, "x")] * min(count, 10_000)
            await self.events.put(OPERATOR, PLACE, "g", "s", events, NOW_MS)

    async def examined(self, spender: Spender, prefix: str = "", event_s: float = 0.0) -> list[int]:
        """How many events the pages have looked at; `event_s` of a processor for each that comes to the pattern."""
        pages, after = list[int](), Position(0, 0)
        none = compiled("absent")

        def matches(message: str) -> bool:
            self.cpu_s += event_s
            return none(message)

        within, seen = Within(0, END_OF_TIME_MS), 0
        while True:
            found, reached = await self.events.filter(
                spender, PLACE, "g", within, after, 10_000, matches=matches, prefix=prefix
            )
            assert found == []
            if reached is None:
                return pages
            pages.append(reached.number - seen)
            seen, after = reached.number, reached


@pytest.mark.parametrize(("who", "most_s"), [("a guest", GUEST_FILTER_S), ("a caller", FILTER_S)])
async def test_a_page_ends_when_it_has_taken_its_time_and_the_next_goes_on(
    database: Database, tmp_path: Path, who: str, most_s: float
):
    group = Group(database, tmp_path)
    await group.fill(100)
    spender = OPERATOR if who == "a caller" else guests(1)[0]
    assert await group.examined(spender, event_s=most_s / 29.5) == [30, 30, 30]


async def test_one_event_that_takes_too_long_is_a_page(database: Database, tmp_path: Path):
    group = Group(database, tmp_path)
    await group.fill(3)
    assert await group.examined(OPERATOR, event_s=5.0) == [1, 1, 1]


async def test_events_of_streams_that_are_not_meant_are_examined_as_well(database: Database, tmp_path: Path):
    group = Group(database, tmp_path)
    await group.fill(EXAMINED_EVENTS + 10_000)
    assert await group.examined(OPERATOR, prefix="nobody's") == [EXAMINED_EVENTS]
