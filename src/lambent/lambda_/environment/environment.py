"""An execution environment: one sandbox at a time, one runtime in it, one invocation at a time.

It owns the sandbox, the runtime's API, and the log stream, and moves by the table in `life_cycle`. A runtime that has failed
is ended with all its processes (a reset), and the next one finds the same /tmp; that it finds no more is the sandbox's work
(`restart`, `sandbox/contract.py`). What is said of all this in the log is the `chronicle`'s.

Everything that can happen to it is a piece of news: the runtime asks (`Ready`), answers (`Result`), gives up (`InitError`),
ends (`Exit`), or the time is over (`Late`). News for which somebody waits goes to them; other news (an idle runtime that
dies, a finishing one that asks for more) moves the state and is told to the owner, who places invocations.

Durations are the clock's; deadlines are the loop's, whose time has whole milliseconds only. On the path of a warm
invocation stand here: two dictionary look-ups for the state, one future, one timer, one read of the output pipe, and
the three lines START, END and REPORT.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.core.ports import LogSink
from lambent.lambda_.environment.allowance import Allowance
from lambent.lambda_.environment.chronicle import Chronicle
from lambent.lambda_.environment.facts import PROVISIONED, Facts
from lambent.lambda_.environment.failures import Failure, exited, timed_out
from lambent.lambda_.environment.journal import Journal
from lambent.lambda_.environment.life_cycle import Event, State, after
from lambent.lambda_.environment.output import Output
from lambent.lambda_.environment.reports import PlatformLog
from lambent.lambda_.environment.runtime_api import InitError, Invocation, Ready, Result, RuntimeApi, runtime_api
from lambent.lambda_.runtimes.entrypoints import InvalidEntrypoint
from lambent.sandbox.contract import RUNTIME_API_PORT, Exit, Sandbox

log: Final = structlog.get_logger()


VACATE_S: Final = 5.0  # how long the processes of a sandbox may take to die before it is given up
LAST_WORDS_S: Final = (
    0.05  # what a caller waits for them, so that the log of a failure is whole; they go on dying behind it
)


class Late(msgspec.Struct, frozen=True):
    """The time that was given is over."""


class Outcome(msgspec.Struct, frozen=True):
    """How an invocation ended, for its caller."""

    payload: bytes
    function_error: str | None  # "Unhandled", or None when the function succeeded
    log_tail: bytes


News = Ready | Result | InitError | Exit | Late
# A sandbox with the function in it, in what the vacated one has left if there is one; failing vacates it, `stop` kills it.
StartSandbox = Callable[[Sandbox | None], AbstractAsyncContextManager[Sandbox]]


class Environment:
    """Made by `environment(...)`; `changed` is called when it becomes idle or breaks with nobody waiting."""

    def __init__(
        self,
        facts: Facts,
        start_sandbox: StartSandbox,
        log: PlatformLog,
        sink: LogSink,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        changed: Callable[[], None],
        allowance: Allowance,
    ) -> None:
        self.facts: Final = facts
        self.state = State.INIT
        self.frozen = False
        self.sandbox: Sandbox | None = None
        self._weight = 1.0
        self._start_sandbox: Final = start_sandbox
        self._journal: Final = Journal(sink, facts.log_group, facts.log_stream, facts.log_bytes, clock)
        self._chronicle: Final = Chronicle(facts, log, self._journal, clock)
        self._clock: Final = clock
        self._tasks: Final = tasks
        self._changed: Final = changed
        self._allowance: Final = allowance
        self._loop: Final = asyncio.get_running_loop()
        self._api: RuntimeApi | None = None
        self._output: Output | None = None
        self._runtime: AsyncExitStack | None = None  # the guest, its API and its pipe; left when the runtime is gone
        self._leaving: Final = asyncio.Lock()
        self._waiter: asyncio.Future[News] | None = None
        self._early: News | None = None
        self._init_began = 0.0
        self._finish_timer: asyncio.TimerHandle | None = None
        self._books: Callable[[], None] | None = None  # what is still to be written of the last invocation

    # --- phases ------------------------------------------------------------------------------------------------------

    async def initialise(self) -> None:
        """The init phase: IDLE afterwards, or BROKEN, and then the first invocation tries once more."""
        failure = await self._boot(self._begin_init)
        started = self._init_began
        self._chronicle.init_ms = (self._clock.monotonic() - started) * 1000
        if failure is not None:
            self._chronicle.init_report("init", started, failure[0])
            self._chronicle.init_ms = None
        elif self.facts.initialization_type == PROVISIONED:
            self._chronicle.init_report("init", started, None)

    async def invoke(self, invocation: Invocation, *, tail: bool = False) -> Outcome:
        """Run one event through the runtime; whatever the guest does, an outcome comes, at the deadline at the latest.

        What is logged of it is logged while the guest works and while the caller reads; only `tail`, which is part of
        the outcome, has to wait for the end of the log.
        """
        self._close_books()
        started = self._clock.monotonic()
        self._journal.begin(tail=tail)
        deadline = self._loop.time() + self.facts.timeout_s
        if self.state is State.BROKEN:
            self._move(Event.RESET)
            failure = await self._boot(deadline=deadline)
            if failure is not None:
                self._chronicle.init_report("invoke", started, failure[0])
                self._chronicle.start(invocation)
                return self._failed(invocation, started, *failure)
        self.thaw()
        self._move(Event.INVOKE)
        assert self._api is not None
        self._api.offer(invocation)
        self._chronicle.start(invocation)
        news = await self._news(deadline)
        if isinstance(news, Result):
            if tail:
                await self._catch_up(news, deadline)
            return self._answered(invocation, started, deadline, news, tail=tail)
        failure = await self._break(news)
        return self._failed(invocation, started, *failure)

    async def stop(self) -> None:
        """End the guest, at once: without extensions AWS gives no notice (reference/lambda.md 2.10, Shutdown)."""
        self._move(Event.STOP)
        try:
            await self._leave_runtime()
        finally:
            if self.sandbox is not None:
                await self.sandbox.kill()

    def weigh(self, weight: float) -> None:
        """Give it so much of the processors beside others, now and in whatever sandbox it will have."""
        self._weight = weight
        if self.sandbox is not None:
            self.sandbox.weigh(weight)

    def freeze(self) -> None:
        if not self.frozen and self.sandbox is not None:
            self.sandbox.freeze()
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen and self.sandbox is not None:
            self.sandbox.thaw()
            self.frozen = False

    # --- the runtime's life ------------------------------------------------------------------------------------------

    async def _boot(
        self, begin: Callable[[], None] | None = None, *, deadline: float | None = None
    ) -> tuple[Failure, bytes | None] | None:
        """Start a sandbox with a runtime in it and wait until it asks for an event; None: it did.

        `begin`, of INIT, is called when its turn has come; INIT has its own time, which begins with the sandbox. `deadline`
        is that of the invocation for which there is a reset, and all of this has to come before it. What a reset logs stands
        before START.
        """
        vacated: Sandbox | None = None
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._leave_runtime()  # one that has died a moment ago may still be on its way out
                    vacated = self.sandbox
                    sandbox = self.sandbox = await stack.enter_async_context(self._start_sandbox(vacated))
            except (InvalidEntrypoint, TimeoutError) as error:
                if begin is not None:
                    begin()
                self._move(Event.FAILED)
                if isinstance(error, InvalidEntrypoint):
                    return Failure(error.error_type, str(error)), None
                return timed_out(self.facts.timeout_s), None
            if begin is not None:
                begin()
            sandbox.weigh(self._weight)
            self.frozen = False
            output = Output(sandbox.output, self._journal, self._allowance.slice, framed=self.facts.framed_log)
            self._output = output
            stack.callback(output.close)
            self._api = await stack.enter_async_context(
                runtime_api(sandbox.listeners[RUNTIME_API_PORT], self._tell, self._tasks, self._allowance)
            )
            self._tasks.create_task(self._guarded(self._watch(sandbox)))
            self._runtime = stack.pop_all()
        news = await self._news(deadline or self._loop.time() + self.facts.init_timeout_s)
        if isinstance(news, Ready):
            self._move(Event.READY)
            _ = output.drain()
            output.end_event()
            sandbox.set_cpus(self.facts.cpus)
            return None
        failed = await self._break(news)
        if vacated is not None and isinstance(news, Exit) and news.out_of_memory:
            self._replace("no_memory_for_init")
        return failed

    def _replace(self, reason: str) -> None:
        """Give up the sandbox with its /tmp, which counts as memory: with too much there no runtime would ever start."""
        log.warning("environment.replaced", reason=reason, log_stream=self.facts.log_stream)
        sandbox, self.sandbox = self.sandbox, None
        if sandbox is not None:  # else it was given up already
            self._tasks.create_task(self._guarded(sandbox.kill()))

    async def _watch(self, sandbox: Sandbox) -> None:
        """Tell when the sandbox's runtime has ended."""
        news = await sandbox.exited()
        if sandbox is self.sandbox:
            self._tell(news)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """Background work: a bug in it costs this environment, never the server."""
        try:
            await work
        except Exception:
            log.exception("environment.background_failed", log_stream=self.facts.log_stream)

    async def _break(self, news: News) -> tuple[Failure, bytes | None]:
        """The runtime is of no use any more: end what is left of it. The failure, and the body it named, if any."""
        body: bytes | None = None
        match news:
            case Exit():
                failure = exited(news)
            case InitError():
                failure, body = Failure(news.error_type, ""), news.body
            case _:
                failure = timed_out(self.facts.timeout_s)
        self._move(Event.FAILED)
        leaving = self._tasks.create_task(self._guarded(self._leave_runtime()))
        _ = await asyncio.wait([leaving], timeout=LAST_WORDS_S)
        return failure, body

    async def _leave_runtime(self) -> None:
        """End the guest, read its last words, close what belonged to it. Who comes second waits until that is done."""
        self._close_books()
        if self._finish_timer is not None:
            self._finish_timer.cancel()
            self._finish_timer = None
        async with self._leaving:
            stack, self._runtime = self._runtime, None
            if stack is None:
                return
            sandbox, output = self.sandbox, self._output
            assert sandbox is not None
            assert output is not None
            self._chronicle.memory_used_mib = sandbox.memory_peak_mib()
            _ = output.drain()
            async with stack:
                await self._vacated(sandbox)
                await output.finish()
                self._chronicle.note_lost()
                self._api = None

    async def _vacated(self, sandbox: Sandbox) -> None:
        """End every process, within a bound: a caller waits for its outcome. What dies longer is left to die alone."""
        try:
            async with asyncio.timeout(VACATE_S):
                await sandbox.vacate()
        except TimeoutError:
            log.warning("environment.not_vacated", log_stream=self.facts.log_stream, pid=sandbox.pid)
            self.sandbox = None
            self._tasks.create_task(self._guarded(sandbox.kill()))

    # --- news --------------------------------------------------------------------------------------------------------

    async def _news(self, deadline: float) -> News:
        """The next thing that happens to the runtime, `Late` at the deadline (on the loop's clock)."""
        waiter = self._waiter = self._loop.create_future()
        self._early = None
        timer = self._loop.call_at(deadline, self._tell, Late())
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    async def _catch_up(self, result: Result, deadline: float) -> None:
        """Wait for the guest's last lines, which the caller wants; what the runtime does meanwhile is kept for later."""
        assert self._output is not None
        self._waiter = self._loop.create_future()
        self._waiter.set_result(result)
        try:
            await self._output.catch_up(deadline)
        finally:
            self._waiter = None

    def _tell(self, news: News) -> None:
        waiter = self._waiter
        if waiter is not None:
            if waiter.done():
                self._early = news  # in one breath with what is waited for: a result, and the question for more
            else:
                waiter.set_result(news)
            return
        if isinstance(news, Ready):
            if self.state is State.FINISHING:
                self._finished()
        elif self.state in (State.IDLE, State.FINISHING):
            self._move(Event.FAILED)  # at once: an invocation that comes before it is cleared away starts another
            self._tasks.create_task(self._guarded(self._died(self._runtime)))

    def _finished(self) -> None:
        if self._finish_timer is not None:
            self._finish_timer.cancel()
            self._finish_timer = None
        self._move(Event.READY)
        self._changed()

    async def _died(self, runtime: AsyncExitStack | None) -> None:
        """The runtime ended while nobody waited for it."""
        if self._runtime is runtime:  # and no invocation has been quicker
            await self._leave_runtime()
        self._changed()

    # --- the end of an invocation ------------------------------------------------------------------------------------

    def _begin_init(self) -> None:
        self._init_began = self._clock.monotonic()
        self._chronicle.init_start()

    def _answered(
        self, invocation: Invocation, started: float, deadline: float, result: Result, *, tail: bool
    ) -> Outcome:
        self._move(Event.RESPONSE)
        ended = self._clock.monotonic()
        if isinstance(self._early, Ready):
            self._move(Event.READY)
        elif self._early is not None:
            self._loop.call_soon(self._tell, self._early)
        else:
            self._finish_timer = self._loop.call_at(deadline, self._tell, Late())
        status, function_error = ("success", None) if result.error_type is None else ("error", "Unhandled")
        self._books = partial(self._report, invocation, ended - started, status)
        if tail:
            self._close_books()
        else:
            self._loop.call_soon(self._settle_books, self._books)
        return Outcome(result.body, function_error, self._journal.tail())

    def _settle_books(self, books: Callable[[], None]) -> None:
        """Close the books when all is read that was written before the answer: of a flood, some has to wait in the pipe."""
        if books is not self._books:
            return
        assert self._output is not None
        if self._output.drain():
            self._write_books(books)
        else:
            self._output.call_when_read(partial(self._write_books, books))

    def _close_books(self) -> None:
        """Write what is still to be said of the last invocation: once, and before anything else of this environment."""
        books = self._books
        if books is not None:
            assert self._output is not None
            _ = self._output.drain()  # which writes them itself when it reads the last of what they wait for
            self._write_books(books)

    def _write_books(self, books: Callable[[], None]) -> None:
        if books is self._books:
            self._books = None
            books()

    def _report(self, invocation: Invocation, took_s: float, status: str) -> None:
        assert self.sandbox is not None
        assert self._output is not None
        self._output.end_event()
        self._chronicle.memory_used_mib = self.sandbox.memory_peak_mib()
        self._chronicle.end(invocation, took_s, status, None)

    def _failed(self, invocation: Invocation, started: float, failure: Failure, body: bytes | None) -> Outcome:
        request_id = invocation.request_id
        if body is None:
            self._chronicle.failure(request_id, failure)
            body = failure.body(request_id)
        timeout = failure.status == "timeout"
        took_s = self._clock.monotonic() - started
        self._chronicle.end(invocation, took_s, failure.status, None if timeout else failure.error_type)
        return Outcome(body, "Unhandled", self._journal.tail())

    def _move(self, event: Event) -> None:
        self.state = after(self.state, event)


@asynccontextmanager
async def environment(made: Environment) -> AsyncGenerator[Environment]:
    """The environment past its init phase, for as long as the block lasts; leaving it ends the guest."""
    try:
        await made.initialise()
        yield made
    finally:
        await made.stop()
