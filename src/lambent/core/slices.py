"""What a guest may take of the event loop's time, since all guests and callers share one loop.

Everything that the server does because a guest's bytes have arrived is charged to that guest's `Slice`: reading,
parsing, answering, splitting lines. A slice fills at a steady rate, the guest's share of the loop, up to a burst. When it
is overdrawn nothing of the guest is read until the debt is paid off: its requests wait in its own sockets and its lines
in its own pipe, where they cost its own memory and its own time. Then its readers get turns, one after the other, so that
many connections of one guest cost no more at a time than one does.

    full ── charge ──▶ overdrawn: all readers paused ── debt paid ──▶ one reader resumed ── a turn later ──▶ the next
                              ▲                                            │
                              └────────────────── charge ──────────────────┘

What an invocation asks of its guest is not meant to wait: each invocation brings a credit that pays for one `next`, one
answer and a few lines. All guests together have a part of the loop: when they use more, every slice fills more slowly, and
holds less, until they do not (`Slices.ease`).

Nothing here knows what is read. A charge costs one reading of the clock and a few operations on numbers; only a guest in
debt has a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, Protocol

SPENT: Final = 1  # the reason for which a slice pauses its readers

BURST_S: Final = 0.02  # of the loop's time at once, after a rest
LOW_S: Final = 0.01  # of the burst; with less left, a guest is read from in smaller pieces
DEBT_S: Final = 0.05  # the most that is owed: a step that took longer was not this guest's doing alone
TURN_S: Final = 0.001  # between two readers of a guest that was in debt
CREDIT_S: Final = 0.0003  # for each invocation; a `next` and an answer cost a third of it
READ_S: Final = 0.000_01  # what a read costs the loop outside of the time that is measured

SHARE_OF_A_CPU: Final = 0.25  # of the loop, for a guest with one processor
SHARE_MIN: Final = 0.05
SHARE_MAX: Final = 0.5
SHARE_OF_ALL: Final = 0.5  # of the loop, for all guests together, without what invocations pay for
PERIOD_S: Final = 0.1  # in which their use is added up
EASE_MIN: Final = 0.01
WAIT_S: Final = 0.5  # at most, between two looks at whether a debt is paid off: others may have ended their floods


class Timer(Protocol):
    """What `call_later` of a loop returns."""

    def cancel(self) -> None: ...


Later = Callable[[float, Callable[[], None]], Timer]


class Reader(Protocol):
    """A thing that reads what a guest sends. It may be paused for several reasons, and reads when none is left."""

    def pause(self, reason: int) -> None: ...

    def resume(self, reason: int) -> None: ...


class Slices:
    """The slices of all guests of one loop."""

    __slots__ = ("_began_s", "call_later", "ease", "ends_s", "now", "used_s")

    def __init__(self, now: Callable[[], float], call_later: Later) -> None:
        self.now: Final = now
        self.call_later: Final = call_later
        self.ease = 1.0  # the part of its share that every slice gets
        self.used_s = 0.0  # by all, in this period
        self._began_s = now()
        self.ends_s = self._began_s + PERIOD_S

    def of(self, cpus: float) -> Slice:
        """The slice of a guest with so many processors."""
        return Slice(self, min(SHARE_MAX, max(SHARE_MIN, cpus * SHARE_OF_A_CPU)))

    def end_period(self, now_s: float) -> None:
        """Let slices fill more slowly if all together have used too much, and else faster again, by steps."""
        load = self.used_s / (now_s - self._began_s)
        self.ease = min(1.0, max(EASE_MIN, self.ease * SHARE_OF_ALL / max(load, SHARE_OF_ALL / 2)))
        self.used_s = 0.0
        self._began_s = now_s
        self.ends_s = now_s + PERIOD_S


class Slice:
    """One guest's part of the loop's time, shared by everything that reads from it."""

    __slots__ = ("_at_s", "_awake", "_balance_s", "_now", "_owed_s", "_share", "_slices", "_timer", "_waiting")

    def __init__(self, slices: Slices, share: float) -> None:
        self._slices: Final = slices
        self._share: Final = share
        self._now: Final = slices.now
        self._balance_s = BURST_S
        self._owed_s = 0.0  # beyond that: what is to be taken from the balance when it allows
        self._at_s = slices.now()  # when the balance was that
        self._awake: Final[dict[Reader, None]] = {}
        self._waiting: Final[dict[Reader, None]] = {}  # in the order of their turns
        self._timer: Timer | None = None  # while readers wait, or something is owed

    @property
    def low(self) -> bool:
        """Whether so much is used up that little should be done at a time."""
        return self._balance_s < LOW_S

    def now(self) -> float:
        """The moment from which work is charged, on the slices' clock."""
        return self._now()

    def charge(self, since_s: float, price_s: float = READ_S) -> None:
        """Charge the time since a moment, and the price of what cannot be measured there."""
        slices, now = self._slices, self._now()
        ease, cost_s = slices.ease, now - since_s + price_s
        self._balance_s = balance = (
            min(BURST_S * ease, self._balance_s + (now - self._at_s) * self._share * ease) - cost_s
        )
        self._at_s = now
        slices.used_s += cost_s
        if now >= slices.ends_s:
            slices.end_period(now)
        if balance < 0:
            self._stop()

    async def metered(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work for the guest, and charge every step of it, but not its waiting."""
        await Metered(work, self)

    async def solvency(self) -> None:
        """Wait until nothing is owed, in turn with everything else of the guest that waits for that."""
        waiter = Waiter()
        self.join(waiter)
        self.charge(self._now(), 0.0)
        try:
            while waiter.paused is not None:
                await waiter.paused
        finally:
            self.leave(waiter)

    def owe(self, cost_s: float) -> None:
        """Charge what the guest alone has caused in another thread, all of it: nothing is read before it is paid off.

        A charge of the loop's time is forgiven above DEBT_S.
        """
        self.charge(self._now(), 0.0)
        piece_s = min(cost_s, self._balance_s + DEBT_S)
        self._owed_s += cost_s - piece_s
        self.charge(self._now(), piece_s)

    def credit(self) -> None:
        """An invocation begins, which is to cost the loop something."""
        self._balance_s += CREDIT_S
        self._slices.used_s -= CREDIT_S

    def join(self, reader: Reader) -> None:
        """Begin to pause and resume a reader."""
        if self._timer is None:
            self._awake[reader] = None
        else:
            self._waiting[reader] = None
            reader.pause(SPENT)

    def leave(self, reader: Reader) -> None:
        self._awake.pop(reader, None)
        self._waiting.pop(reader, None)

    def _stop(self) -> None:
        """Pause every reader until the debt is paid off."""
        for reader in self._awake:
            reader.pause(SPENT)
        self._waiting.update(self._awake)
        self._awake.clear()
        self._balance_s = max(self._balance_s, -DEBT_S)
        if self._timer is not None:
            self._timer.cancel()
        self._wait()

    def _wait(self) -> None:
        slices = self._slices
        debt_s = max(0.0, -self._balance_s)
        wait_s = min(WAIT_S, max(TURN_S, debt_s / (self._share * slices.ease)))
        self._timer = slices.call_later(wait_s, self._turn)

    def _turn(self) -> None:
        """Resume the reader that has waited longest, if the debt is paid off."""
        slices, now = self._slices, self._now()
        self._balance_s += (now - self._at_s) * self._share * slices.ease
        self._at_s = now
        self._timer = None
        if now >= slices.ends_s:
            slices.end_period(now)
        if self._balance_s >= 0 and self._owed_s > 0:
            piece_s = min(self._owed_s, DEBT_S)
            self._owed_s -= piece_s
            self._balance_s -= piece_s
            slices.used_s += piece_s
        if self._balance_s >= 0 and self._waiting:
            reader = next(iter(self._waiting))
            del self._waiting[reader]
            self._awake[reader] = None
            reader.resume(SPENT)
        if self._waiting or self._owed_s > 0:
            self._wait()


class Waiter:
    """A reader that reads nothing: work that is not begun for a guest in debt."""

    __slots__ = ("paused",)

    def __init__(self) -> None:
        self.paused: asyncio.Future[None] | None = None  # done when it may go on

    def pause(self, reason: int) -> None:
        del reason  # there is one
        if self.paused is None:
            self.paused = asyncio.get_running_loop().create_future()

    def resume(self, reason: int) -> None:
        del reason
        paused, self.paused = self.paused, None
        if paused is not None and not paused.done():
            paused.set_result(None)


class Metered:
    """Awaiting it is awaiting `work`, with each of its steps charged to a slice."""

    __slots__ = ("_slice", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], slice_: Slice) -> None:
        self._work: Final = work
        self._slice: Final = slice_

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[Any], Any] = self._work.send
        value: Any = None
        while True:
            since_s = self._slice.now()
            try:
                waited_for = step(value)
            except StopIteration:
                return
            finally:
                self._slice.charge(since_s, 0.0)
            try:
                step, value = self._work.send, (yield waited_for)
            except BaseException as error:  # noqa: BLE001  it is the work's to handle, cancellation included
                step, value = self._work.throw, error
