"""The pipe of a guest's stdout and stderr, and what a guest can do with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from lambent.core.slices import SPENT
from lambent.lambda_.environment.output import READ_BYTES, Output
from lambent.lambda_.environment.splitter import EVENT_BYTES, Event
from tests.lambda_.guest import guest_slice

ANOTHER_REASON = 4


class Pipe:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.is_full = False
        self.more: asyncio.Handle | None = None
        self._resume: Callable[[], None] | None = None
        end, self.guest = os.pipe()
        os.set_blocking(end, False)
        os.set_blocking(self.guest, False)
        self.output = Output(end, self, guest_slice(cpus=0.07))

    def guest_lines(self, lines: bytes) -> None:
        self.lines += [line + "\n" for line in lines.decode("utf-8", "replace").split("\n")[:-1]]

    def guest_events(self, events: Sequence[Event]) -> None:
        self.lines += [text.decode("utf-8", "replace") for _, text in events]

    def full(self) -> bool:
        return self.is_full

    def when_room(self, resume: Callable[[], None]) -> None:
        self._resume = resume

    def make_room(self) -> None:
        self.is_full = False
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()

    def write(self, text: bytes) -> None:
        assert os.write(self.guest, text) == len(text)


@asynccontextmanager
async def pipe() -> AsyncIterator[Pipe]:
    made = Pipe()
    try:
        yield made
    finally:
        made.output.close()
        os.close(made.guest)


async def test_lines_are_told_whole_however_they_arrive():
    async with pipe() as on:
        for part in (b"one\ntw", b"o\r  more", b"\n\nth\xe2", b"\x82\xac\xff\nrest"):
            on.write(part)
            on.output.drain()
        await on.output.finish()
    assert on.lines == ["one\n", "two\r  more\n", "th€\ufffd\n", "rest"]


async def test_a_line_that_does_not_end_is_cut_at_the_size_of_an_event():
    async with pipe() as on:
        sent = 0
        while sent < EVENT_BYTES + 3 * READ_BYTES:
            on.write(b"x" * READ_BYTES)
            sent += READ_BYTES
            on.output.drain()
        on.write(b"\n")
        await on.output.finish()
    assert [len(line) - 1 for line in on.lines] == [EVENT_BYTES, 3 * READ_BYTES]


async def test_a_line_that_is_longer_than_an_event_is_several():
    async with pipe() as on:
        on.write(b"a\n")
        for _ in range(EVENT_BYTES // READ_BYTES - 1):
            on.write(b"y" * READ_BYTES)
            on.output.drain()
        on.write(b"y" * (READ_BYTES - 1) + b"\nz\n")
        on.output.drain()
        on.write(b"\n" * 10)
        await on.output.finish()
    assert [len(line) - 1 for line in on.lines] == [1, EVENT_BYTES - 1, 1]


async def test_no_line_is_lost_of_a_guest_that_floods_its_log_and_they_are_told_a_pipe_full_at_most_at_a_time():
    async with pipe() as on:
        written, deepest = 0, 0
        while written < 2 * 20_000:
            before = len(on.lines)
            with suppress(BlockingIOError):  # the guest waits
                written += os.write(on.guest, b"l\n" * min(2048, 20_000 - written // 2))
            on.output.drain()
            deepest = max(deepest, len(on.lines) - before)
            await asyncio.sleep(0.001)
        os.write(on.guest, b"end\n")
        while not on.lines or on.lines[-1] != "end\n":
            await asyncio.sleep(0.001)
    assert len(on.lines) == 20_001
    assert deepest < 20_000


@pytest.mark.parametrize("order", [(SPENT, ANOTHER_REASON), (ANOTHER_REASON, SPENT)])
async def test_reading_goes_on_when_no_reason_against_it_is_left(order: tuple[int, int]):
    async with pipe() as on:
        on.output.pause(SPENT)
        on.output.pause(ANOTHER_REASON)
        on.write(b"line\n")
        for reason in order:
            await asyncio.sleep(0.01)
            on.output.drain()
            assert on.lines == []
            on.output.resume(reason)
        while not on.lines:
            await asyncio.sleep(0.001)
        on.output.resume(SPENT)  # no harm in saying it twice


async def test_the_last_words_of_a_dead_guest_are_read_though_it_had_used_up_its_slice():
    async with pipe() as on:
        on.write(b"word\n" * 1000)
        on.output.pause(SPENT)
        on.output.drain()
        assert on.lines == []
        await on.output.finish()
        assert on.lines == ["word\n"] * 1000


async def test_a_pipe_that_has_ended_is_not_read_again():
    made = Pipe()
    os.close(made.guest)
    made.output.drain()
    made.output.pause(SPENT)
    made.output.resume(SPENT)
    made.output.close()
    made.output.close()
    assert made.lines == []


async def test_a_full_log_keeps_the_guest_waiting_and_loses_nothing():
    async with pipe() as on:
        on.is_full = True
        on.write(b"one\n" * 100)
        on.output.drain()
        await asyncio.sleep(0.01)
        assert on.lines == []
        on.make_room()
        while not on.lines:
            await asyncio.sleep(0.001)
        assert on.lines == ["one\n"] * 100


async def test_the_last_words_of_a_dead_guest_are_read_though_its_log_is_full():
    async with pipe() as on:
        on.is_full = True
        on.write(b"last words")
        on.output.drain()
        await on.output.finish()
        assert on.lines == ["last words"]
        on.make_room()


async def test_a_caller_who_wants_the_tail_waits_for_room_until_his_deadline():
    async with pipe() as on:
        loop = asyncio.get_running_loop()
        on.is_full = True
        on.write(b"tail\n")
        await on.output.catch_up(loop.time() + 0.02)
        assert on.lines == []
        loop.call_later(0.01, on.make_room)
        await on.output.catch_up(loop.time() + 60)
        assert on.lines == ["tail\n"]


async def test_a_guest_that_goes_on_writing_does_not_keep_the_caller_who_wants_the_tail():
    async with pipe() as on:
        loop = asyncio.get_running_loop()
        on.write(b"before\n")

        def go_on() -> None:
            with suppress(BlockingIOError, OSError):
                os.write(on.guest, b"after\n")
            on.more = loop.call_soon(go_on)

        go_on()
        await on.output.catch_up(loop.time() + 60)
        assert on.more is not None
        on.more.cancel()
        assert on.lines[0] == "before\n"
