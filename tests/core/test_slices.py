"""A guest's part of the loop's time, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from lambent.core.slices import (
    BURST_S,
    CREDIT_S,
    DEBT_S,
    PERIOD_S,
    SHARE_MAX,
    SHARE_MIN,
    SHARE_OF_A_CPU,
    SHARE_OF_ALL,
    SPENT,
    TURN_S,
    Slice,
    Slices,
)


class Timer:
    def __init__(self, at_s: float, callback: Callable[[], None]) -> None:
        self.at_s = at_s
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Time:
    """A clock and its timers. A moment is exact: it is added up from the steps that were taken."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[Timer] = []

    def now(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(self.now_s + delay_s, callback)
        self.timers.append(timer)
        return timer

    def pass_(self, seconds: float) -> None:
        """Let time pass, with every timer at its time."""
        end = self.now_s + seconds
        while due := [timer for timer in self.timers if timer.at_s <= end]:
            first = min(due, key=lambda timer: timer.at_s)
            self.timers.remove(first)
            self.now_s = max(self.now_s, first.at_s)
            if not first.cancelled:
                first.callback()
        self.now_s = end

    def work(self, slice_: Slice, seconds: float) -> None:
        """Work for the guest."""
        since_s = self.now_s
        self.now_s += seconds
        slice_.charge(since_s, 0.0)


class Socket:
    def __init__(self) -> None:
        self.paused = 0

    def pause(self, reason: int) -> None:
        self.paused |= reason

    def resume(self, reason: int) -> None:
        self.paused &= ~reason


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def slices(time: Time) -> Slices:
    return Slices(time.now, time.call_later)


def joined(slice_: Slice, count: int = 1) -> list[Socket]:
    sockets = [Socket() for _ in range(count)]
    for socket in sockets:
        slice_.join(socket)
    return sockets


def test_a_guest_is_read_from_until_its_burst_is_used_up_and_again_when_its_debt_is_paid_off(
    time: Time, slices: Slices
):
    slice_ = slices.of(cpus=0)
    (socket,) = joined(slice_)
    time.work(slice_, BURST_S * 0.9)
    assert not socket.paused
    time.work(slice_, BURST_S * 0.2)
    assert socket.paused == SPENT
    time.pass_(BURST_S * 0.05 / SHARE_MIN)
    assert socket.paused
    time.pass_(BURST_S * 0.05 / SHARE_MIN + TURN_S)
    assert not socket.paused


@pytest.mark.parametrize(("cpus", "share"), [(0.07, SHARE_MIN), (1.0, 0.25), (6.0, SHARE_MAX)])
def test_a_guest_that_never_stops_gets_its_share_of_the_loop_by_its_processors(
    time: Time, slices: Slices, cpus: float, share: float
):
    slice_ = slices.of(cpus)
    (socket,) = joined(slice_)
    worked_s = flood(time, slice_, [socket], seconds=10)
    assert worked_s == pytest.approx(10 * share + BURST_S, rel=0.1)


def flood(time: Time, slice_: Slice, sockets: list[Socket], seconds: float) -> float:
    """Use every moment in which a socket is read; how long that was."""
    worked_s, end = 0.0, time.now_s + seconds
    while time.now_s < end:
        if any(not socket.paused for socket in sockets):
            time.work(slice_, 0.0004)
            worked_s += 0.0004
        else:
            time.pass_(0.0002)
    return worked_s


def test_readers_of_a_guest_in_debt_get_turns_one_after_the_other(time: Time, slices: Slices):
    slice_ = slices.of(cpus=1)
    sockets = joined(slice_, 3)
    time.work(slice_, BURST_S * 1.1)
    order: list[int] = []
    for _ in range(6):
        while all(socket.paused for socket in sockets):
            time.pass_(0.0001)
        awake = [number for number, socket in enumerate(sockets) if not socket.paused]
        order += awake
        time.work(slice_, 0.001)  # it uses its turn
    assert order == [0, 1, 2, 0, 1, 2]


def test_what_is_opened_while_a_guest_is_in_debt_waits_for_its_turn(time: Time, slices: Slices):
    slice_ = slices.of(cpus=1)
    joined(slice_)
    time.work(slice_, BURST_S * 1.1)
    (late,) = joined(slice_)
    assert late.paused
    time.pass_(1)
    assert not late.paused


def test_what_has_left_is_neither_paused_nor_resumed(time: Time, slices: Slices):
    slice_ = slices.of(cpus=1)
    early, late = joined(slice_, 2)
    slice_.leave(early)
    time.work(slice_, BURST_S * 1.1)
    slice_.leave(late)
    time.pass_(1)
    assert (early.paused, late.paused) == (0, SPENT)


def test_a_long_step_is_owed_within_a_bound(time: Time, slices: Slices):
    slice_ = slices.of(cpus=1)
    (socket,) = joined(slice_)
    time.work(slice_, 60)
    time.pass_(2 * DEBT_S / 0.25 + TURN_S)
    assert not socket.paused


def test_each_invocation_pays_for_its_own_next_and_answer(time: Time, slices: Slices):
    slice_ = slices.of(cpus=0)
    (socket,) = joined(slice_)
    for _ in range(10_000):
        slice_.credit()
        time.work(slice_, CREDIT_S)
    assert not socket.paused


@pytest.mark.parametrize("guests", [20, 100])
def test_all_guests_together_get_a_part_of_the_loop_however_many_they_are(time: Time, slices: Slices, guests: int):
    floods = [(slice_, joined(slice_)[0]) for slice_ in [slices.of(cpus=0) for _ in range(guests)]]
    worked_s = 0.0
    for end in (5, 15):  # first they use up their bursts
        worked_s = 0.0
        while time.now_s < end:
            for slice_, socket in floods:
                if not socket.paused:
                    time.work(slice_, 0.0004)
                    worked_s += 0.0004
            time.pass_(0.0002)
    assert SHARE_OF_ALL * 0.7 < worked_s / 10 < SHARE_OF_ALL * 1.3


def test_the_slices_of_others_fill_as_before_when_a_flood_has_ended(time: Time, slices: Slices):
    floods = [(slice_, joined(slice_)[0]) for slice_ in [slices.of(cpus=6) for _ in range(10)]]
    for _ in range(100):
        for slice_, _socket in floods:
            time.work(slice_, 0.005)
        time.pass_(0.0001)
    assert slices.ease < 1
    time.pass_(120)
    assert not any(socket.paused for _, socket in floods)
    slice_ = slices.of(cpus=1)
    (socket,) = joined(slice_)
    for _ in range(20):  # what it does is little, and brings the periods on
        time.work(slice_, 0.0001)
        time.pass_(PERIOD_S)
    assert slices.ease == 1
    assert not socket.paused


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_work_is_begun_when_nothing_is_owed(time: Time, slices: Slices):
    slice_ = slices.of(1)
    await slice_.solvency()
    time.work(slice_, 2 * BURST_S)
    waiting = [asyncio.create_task(slice_.solvency()) for _ in range(2)]
    await settle()
    assert not any(task.done() for task in waiting)
    time.pass_(BURST_S / slice_share(1) - TURN_S / 2)
    while not waiting[0].done():
        time.pass_(TURN_S / 2)
        await settle()
    assert time.now_s <= 2 * BURST_S + BURST_S / slice_share(1) + 2 * TURN_S
    assert not waiting[1].done()  # in turn
    time.pass_(TURN_S)
    await settle()
    assert waiting[1].done()


async def test_work_that_is_given_up_leaves_the_queue(time: Time, slices: Slices):
    slice_ = slices.of(1)
    time.work(slice_, 2 * BURST_S)
    given_up, waiting = (asyncio.create_task(slice_.solvency()) for _ in range(2))
    await settle()
    given_up.cancel()
    await settle()
    time.pass_(BURST_S / slice_share(1) + 2 * TURN_S)
    await settle()
    assert waiting.done()


@pytest.mark.parametrize("cpus", [0.07, 1])
@pytest.mark.parametrize("pieces", [1, 2, 20, 50])
async def test_all_of_what_a_guest_has_caused_elsewhere_is_paid_for(
    time: Time, slices: Slices, cpus: float, pieces: int
):
    slice_ = slices.of(cpus)
    cost_s = 20 * DEBT_S
    (socket,) = joined(slice_)
    for _ in range(pieces):
        slice_.owe(cost_s / pieces)
    paying = asyncio.create_task(slice_.solvency())
    await settle()
    began_s = time.now_s
    while not paying.done():
        assert socket.paused == SPENT or time.now_s > began_s
        time.pass_(TURN_S)
        await settle()
    paid_s = (time.now_s - began_s) * slice_share(cpus)
    assert cost_s - BURST_S <= paid_s <= cost_s + DEBT_S


async def test_what_is_owed_is_paid_off_also_while_nobody_waits(time: Time, slices: Slices):
    slice_ = slices.of(1)
    slice_.owe(20 * DEBT_S)
    time.pass_(20 * DEBT_S / slice_share(1) / 2)
    (socket,) = joined(slice_)
    assert socket.paused == SPENT
    time.pass_(20 * DEBT_S / slice_share(1) / 2 + TURN_S)
    assert not socket.paused


def test_a_small_debt_within_the_burst_pauses_nobody(slices: Slices):
    slice_ = slices.of(1)
    (socket,) = joined(slice_)
    slice_.owe(BURST_S / 2)
    assert not socket.paused


def slice_share(cpus: float) -> float:
    return min(SHARE_MAX, max(SHARE_MIN, cpus * SHARE_OF_A_CPU))
