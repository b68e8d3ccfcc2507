"""The bounds of logs: what is dropped past them is told in the stream, deleting makes room, and others go on."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from lambent.core.clock import FakeClock
from lambent.core.ports import LogEvent, LogSink
from lambent.core.spenders import Spender
from lambent.services.logs.errors import NoRoomForLogs, TooManyGroups
from lambent.services.logs.events import Within
from lambent.services.logs.groups import Place
from lambent.services.logs.limits import END_OF_TIME_MS, GROUPS_PER_PLACE, STREAM_BYTES
from lambent.services.logs.losses import NOTICE_S
from lambent.services.logs.service import LogSettings, logs
from lambent.services.logs.state import Logs
from lambent.services.logs.tokens import Position
from lambent.storage.directory import ephemeral
from lambent.storage.disk import Disk

PLACE = Place("000000000000", "eu-central-1")
CALLER: Final = Spender("caller")
KIB, MIB = 1024, 1 << 20
GUARD_S = 60


class FakeDisk(Disk):
    """A disk whose free bytes a test sets."""

    def __init__(self, directory: Path) -> None:
        self.free_bytes = 1 << 40
        super().__init__(directory, 100 * MIB, self._facts)

    def _facts(self, _directory: Path) -> os.statvfs_result:
        free = self.free_bytes // 4096
        return os.statvfs_result((4096, 4096, 1 << 30, free, free, 0, 0, 0, 0, 255))


class On:
    """CloudWatch Logs, without its wire."""

    def __init__(self, state: Logs, clock: FakeClock, disk: FakeDisk, file: Path) -> None:
        self.state = state
        self.clock = clock
        self.disk = disk
        self.file = file

    def sink(self, function: str) -> LogSink:
        return self.state.writer.at(*PLACE, function)

    async def write(self, group: str, *messages: str) -> None:
        self.sink(group).append(group, "s", self.now_ms, messages)
        await self.state.writer.drain()

    @property
    def now_ms(self) -> int:
        return round(self.clock.now() * 1000)

    async def messages(self, group: str) -> list[str]:
        after, found = Position(0, 0), list[str]()
        while True:
            page = await self.state.events.read(
                CALLER, PLACE, group, "s", Within(0, END_OF_TIME_MS), after, 10_000, forward=True
            )
            if not page:
                return found
            found += [event.message for event in page]
            after = page[-1].position

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for background work; GUARD_S is only against hanging."""
        async with asyncio.timeout(GUARD_S):
            while not done():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[On]:
    clock = FakeClock(time.time())
    with ephemeral() as data:
        disk = FakeDisk(data.path)
        async with logs(data, clock, LogSettings(**settings), disk) as service:
            yield On(service.state, clock, disk, data.path / "logs.db")


async def test_a_group_at_its_bound_drops_what_is_new_says_so_in_the_stream_and_counts():
    async with running(group_bytes=100 * KIB) as on:
        await on.write("full", "x" * 110 * KIB)
        await on.write("full", "lost", "lost too")
        await on.write("other", "kept")
        assert (await on.messages("full"))[1:] == [
            "[lambent] 2 lines (12 bytes) were not kept: the log group has reached its 100 kB (log_group_bytes)\n"
        ]
        assert await on.messages("other") == ["kept"]
        assert on.state.writer.losses.events == 2


async def test_losses_are_told_at_intervals_and_all_are_told():
    async with running(group_bytes=10 * KIB) as on:
        await on.write("full", "x" * 11 * KIB)
        for _ in range(50):
            await on.write("full", "lost")
        assert len(await on.messages("full")) == 2
        on.clock.advance(NOTICE_S)
        await on.state.writer.drain()
        assert (await on.messages("full"))[2].startswith("[lambent] 49 lines (196 bytes) were not kept")


async def test_a_group_whose_streams_are_deleted_takes_new_events():
    async with running(group_bytes=100 * KIB) as on:
        await on.write("full", "x" * 110 * KIB)
        await on.state.streams.delete(PLACE, "full", "s")
        await on.write("full", "kept")
        assert await on.messages("full") == ["kept"]


async def test_when_all_together_near_their_bound_the_large_groups_stop_first():
    async with running(total_bytes=4 * MIB, group_bytes=100 * MIB) as on:
        for _ in range(40):
            await on.write("large", *["x" * 1000] * 100)
        assert "log_total_bytes" in (await on.messages("large"))[-1]
        for number in range(50):
            await on.write("small", f"line {number}")
        assert await on.messages("small") == [f"line {number}" for number in range(50)]
        assert on.state.writer.losses.events > 0
        assert on.file.stat().st_size < 6 * MIB


async def test_a_disk_at_its_reserve_takes_no_events_and_takes_them_again_afterwards():
    async with running() as on:
        await on.write("g", "before")
        on.disk.free_bytes = on.disk.reserve_bytes - 1
        await on.write("g", "lost")
        on.disk.free_bytes = 1 << 40
        on.clock.advance(NOTICE_S)
        await on.write("g", "after")
        before, *rest = await on.messages("g")
        assert before == "before"
        assert min(rest).startswith("[lambent] 1 line (4 bytes) were not kept: the disk nears its reserve")
        assert max(rest) == "after"


async def test_the_file_shrinks_when_a_group_is_deleted():
    async with running() as on:
        for _ in range(40):
            await on.write("large", *["x" * 5000] * 100)
        wal = on.file.with_name("logs.db-wal")
        assert on.file.stat().st_size + wal.stat().st_size > 18 * MIB
        await on.state.groups.delete(PLACE, "large")
        on.clock.advance(6)
        await on.until(lambda: on.file.stat().st_size < 6 * MIB and wal.stat().st_size <= 1 * MIB)


async def test_a_file_from_before_gives_room_back_after_it_was_rebuilt_once():
    clock = FakeClock(time.time())
    with ephemeral() as data:
        file = data.path / "logs.db"
        disk = FakeDisk(data.path)
        async with logs(data, clock, LogSettings(), disk) as service:
            on = On(service.state, clock, disk, file)
            for _ in range(40):
                await on.write("large", *["x" * 5000] * 100)
            await on.write("small", "kept")
        connection = apsw.Connection(str(file))
        connection.execute("PRAGMA auto_vacuum = NONE; VACUUM;").fetchall()
        connection.close()
        disk.free_bytes = disk.reserve_bytes  # no room for a second copy
        async with logs(data, clock, LogSettings(), disk) as service:
            on = On(service.state, clock, disk, file)
            await on.state.groups.delete(PLACE, "large")
            clock.advance(6)
            for _ in range(100):
                _ = await on.messages("small")
            assert file.stat().st_size > 18 * MIB
            disk.free_bytes = 1 << 40
            clock.advance(6)
            await on.until(lambda: file.stat().st_size < 6 * MIB)
            assert await on.messages("small") == ["kept"]
        async with logs(data, clock, LogSettings(), disk) as service:
            on = On(service.state, clock, disk, file)
            for _ in range(40):
                await on.write("again", *["x" * 5000] * 100)
            await on.state.groups.delete(PLACE, "again")
            clock.advance(6)
            await on.until(lambda: file.stat().st_size < 6 * MIB)


async def test_a_guests_lines_are_stored_letter_by_letter():
    async with running() as on:
        odd = 'a\0b "quoted" \\ \\n \u2028 \N{GRINNING FACE}\x01\x7f\tend'
        on.sink("f").append_output("g", "s", on.now_ms, odd.encode() + b"\none\rline\r\n\xff\xfe\n")
        on.sink("f").append("g", "s", on.now_ms, [b"a\nrecord\r\n", "\N{SNOWMAN} \xff".encode() + b"\xff", "ours\n"])
        await on.state.writer.drain()
        assert await on.messages("g") == [
            odd + "\n", "one\rline\r\n", "\ufffd\ufffd\n", "a\nrecord\r\n", "\N{SNOWMAN} \xff\ufffd", "ours\n"
        ]  # fmt: skip


async def test_twenty_thousand_lines_of_a_hundred_bytes_fit_without_waiting_and_none_is_lost():
    async with running() as on:
        sink = on.sink("f")
        lines = [b"%099d\n" % number for number in range(20_000)]
        for start in range(0, 20_000, 80):
            assert not sink.full()
            sink.append_output("g", "s", on.now_ms, b"".join(lines[start : start + 80]))
        await on.state.writer.drain()
        assert await on.messages("g") == [line.decode() for line in lines]


async def test_a_noisy_function_does_not_lose_its_neighbours_lines():
    async with running(buffer_bytes=4 * MIB) as on:
        noisy, neighbour = on.sink("noisy"), on.sink("neighbour")
        for number in range(500):
            while not noisy.full():
                noisy.append_output("noisy", "s", on.now_ms, b"\n" * 8192)
            noisy.append("noisy", "s", on.now_ms, ["END\n"] * 1000)  # and what cannot wait
            neighbour.append("neighbour", "s", on.now_ms, [f"START {number}\n"])
            if number % 100 == 0:
                on.clock.advance(1)
                await on.state.groups.page(CALLER, PLACE, "", "", "", 1)
        await on.state.writer.drain()
        assert await on.messages("neighbour") == [f"START {number}\n" for number in range(500)]


async def test_the_platforms_lines_may_quote_what_utf8_cannot_say():
    async with running() as on:
        await on.write("g", "an error of type \ud800\n")
        assert await on.messages("g") == ["an error of type ?\n"]


async def test_put_log_events_is_refused_past_the_bound_and_other_groups_go_on():
    async with running(group_bytes=100 * KIB) as on:
        for group in ("full", "other"):
            await on.state.groups.create(PLACE, group, {}, on.now_ms)
            await on.state.streams.create(PLACE, group, "s", on.now_ms)
        large = [LogEvent(on.now_ms, "x" * 200 * KIB)]
        await on.state.events.put(CALLER, PLACE, "full", "s", large, on.now_ms)
        with pytest.raises(NoRoomForLogs, match="the log group has reached its 100 kB"):
            await on.state.events.put(CALLER, PLACE, "full", "s", large, on.now_ms)
        with pytest.raises(NoRoomForLogs):
            await on.state.streams.create(PLACE, "full", "another", on.now_ms)
        await on.state.events.put(CALLER, PLACE, "other", "s", [LogEvent(on.now_ms, "kept")], on.now_ms)
        assert await on.messages("other") == ["kept"]


async def test_a_flood_of_groups_ends_at_their_number_and_functions_still_have_theirs():
    async with running() as on:
        made = [on.state.groups.create(PLACE, f"g{number}", {}, on.now_ms) for number in range(GROUPS_PER_PLACE)]
        await asyncio.gather(*made)
        with pytest.raises(TooManyGroups):
            await on.state.groups.create(PLACE, "one more", {}, on.now_ms)
        await on.write("/aws/lambda/new", "kept")
        assert await on.messages("/aws/lambda/new") == ["kept"]


async def test_a_flood_of_streams_ends_at_the_groups_bound():
    async with running(group_bytes=MIB) as on:
        await on.state.groups.create(PLACE, "g", {}, on.now_ms)
        made = [on.state.streams.create(PLACE, "g", f"{number:0512d}", on.now_ms) for number in range(2000)]
        outcomes = await asyncio.gather(*made, return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == MIB // STREAM_BYTES
        assert on.file.stat().st_size + on.file.with_name("logs.db-wal").stat().st_size < 8 * MIB


async def test_deleting_a_stream_and_expiry_leave_the_size_of_their_group_right():
    async with running() as on:
        await on.write("g", "four", "more")
        on.sink("f").append("g", "t", on.now_ms, ["five5"])
        await on.state.writer.drain()
        assert on.state.groups.find(PLACE, "g").stored_bytes == 3 * 26 + 13
        await on.state.streams.delete(PLACE, "g", "s")
        group = on.state.groups.find(PLACE, "g")
        assert (group.stored_bytes, group.stream_count) == (31, 1)
        await on.state.groups.set_retention(PLACE, "g", 1)
        on.clock.advance(2 * 86_400)
        await on.until(lambda: on.state.groups.find(PLACE, "g").stored_bytes == 0)


async def test_the_number_of_streams_counts_against_the_groups_bound():
    async with running(group_bytes=20 * KIB) as on:
        for number in range(30):
            on.sink("f").append("g", f"stream {number}", on.now_ms, ["x"])
            await on.state.writer.drain()
        assert len(await on.state.streams.by_name(CALLER, PLACE, "g", "", "", 100, descending=False)) <= 12
