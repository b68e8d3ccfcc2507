"""Getting versions ready in the background: Pending becomes Active, InProgress becomes Successful, or either Failed.

    change ──▶ prepare each settling version ──┬──────────────────────────────────────────▶ commit what came of it
                                               └─ an update: invoke it, wait for its least ─┘

A job per change: see that the code of each settling version is unpacked, that this machine has its architecture and its
interpreter, and let the data plane warm what it shares; then commit what came of it, of $LATEST and of the version that was
published with it in one transaction. An operation that changes a function starts the job, and so does a start after a crash,
for whatever it finds settling: a row is never left Pending for good. A job changes only what is still as the job saw it.

AWS takes a second or more for an update, and programs rely on seeing it: the answer's RevisionId in the next GetFunction, a
second update refused. So an update stays InProgress for a least time (`update_least_s`). Only the status waits: what is
prepared is invoked at once. A crash meanwhile leaves a row that settles, and the next start takes it up.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.errors import FunctionNotFound
from lambent.lambda_.functions import Function, FunctionVersion, Refusal
from lambent.lambda_.layers.opt import has_extensions, restore_opt
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Runtime
from lambent.lambda_.runtimes.interpreters import Interpreter, Missing
from lambent.lambda_.states import Phase, Reason
from lambent.lambda_.store import Functions

log: Final = structlog.get_logger()

JOBS_AT_ONCE: Final = 8
ARCHITECTURES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}

FindInterpreter = Callable[[Runtime], Awaitable[Interpreter | Missing | None]]  # `Interpreters.find`
Prepare = Callable[[FunctionVersion], Awaitable[None]]  # raises CannotRun, or whatever is our own fault
Outcomes = list[tuple[FunctionVersion, Refusal | None]]  # of what was prepared; None: it can run


class CannotRun(Exception):
    """This version cannot run on this machine; its owner reads why."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.refusal = Refusal(reason, message)
        super().__init__(message)


async def nothing_to_prepare(_: FunctionVersion) -> None:
    """The `Prepare` of a control plane without a data plane."""


class Activation:
    """Starts jobs; made by `activating`."""

    def __init__(
        self,
        functions: Functions,
        code: CodeStore,
        find: FindInterpreter,
        prepare: Prepare,
        ids: Ids,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        update_least_s: float,
    ) -> None:
        self._functions = functions
        self._code = code
        self._find = find
        self._prepare = prepare
        self._ids = ids
        self._clock = clock
        self._tasks = tasks
        self._update_least_s = update_least_s
        self._turns = asyncio.Semaphore(JOBS_AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, function: Function, *, at_once: bool = False) -> None:
        """Get every version of the function ready that is not; `at_once`, an update is over as soon as it can be."""
        if not any(version.settling for version in function):
            return
        is_held = function.latest.phase is Phase.UPDATING and not at_once
        job = self._tasks.create_task(self._settle(function, self._update_least_s if is_held else 0.0))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def cancel(self) -> None:
        """End the jobs under way; the next start takes their versions up again."""
        for job in self._jobs:
            job.cancel()

    async def _settle(self, function: Function, least_s: float) -> None:
        """Prepare what settles; commit what came of it, but not before `least_s` have passed."""
        over_at = self._clock.monotonic() + least_s
        async with self._turns:
            outcomes = await self._prepare_all(function)
        if over_at > self._clock.monotonic():
            if (function.latest, None) in outcomes:
                await self._commit(function, lambda now: now.serve_latest(function.latest))
            await self._clock.sleep(over_at - self._clock.monotonic())
        revision_id = self._ids.uuid()

        def settle(now: Function) -> Function:
            for version, refusal in outcomes:
                now = now.settled(version, refusal, revision_id)
            return now

        async with self._turns:
            if outcomes and await self._commit(function, settle):
                for version, refusal in outcomes:
                    if refusal is not None:
                        log.warning("function.cannot_run", function=version.key, reason=refusal.message)

    async def _commit(self, function: Function, decide: Callable[[Function], Function]) -> bool:
        """Change the function; return whether that was possible."""
        try:
            await self._functions.change(function.arn, decide)
        except FunctionNotFound:
            return False  # deleted meanwhile
        except Exception:
            log.exception("function.settling_failed", function=str(function.arn))  # the next start tries again
            return False
        return True

    async def _prepare_all(self, function: Function) -> Outcomes:
        """Prepare the settling versions, $LATEST first; leave out those that were deleted or replaced before their turn."""
        return [
            (version, await self._refusal(version))
            for version in function
            if version.settling and self._is_still(version)
        ]

    def _is_still(self, version: FunctionVersion) -> bool:
        """Whether the version is there as it was seen."""
        function = self._functions.known(version.arn)
        return function is not None and any(now.arn == version.arn and now.is_still(version) for now in function)

    async def _refusal(self, version: FunctionVersion) -> Refusal | None:
        """Prepare a version; return why it cannot run. Its contents stay meanwhile, even if the function is deleted."""
        try:
            with ExitStack() as held:
                for digest in version.digests():
                    held.enter_context(self._code.holding(digest))
                await self._check(version)
        except CannotRun as error:
            return error.refusal
        except AwsError as error:
            return Refusal(Reason.INVALID_ZIP_FILE, str(error))
        except Exception:
            if self._is_still(version):  # else what failed was taken from under us, and nobody waits for it
                log.exception("function.preparation_failed", function=version.key)
            return Refusal(Reason.INTERNAL_ERROR, "The function could not be prepared because of an internal error.")
        return None

    async def _check(self, version: FunctionVersion) -> None:
        if version.image is not None:
            raise CannotRun(Reason.INVALID_IMAGE, "This version of Lambent cannot run container images.")
        machine = ARCHITECTURES.get(platform.machine(), platform.machine())
        if version.architecture != machine:
            raise CannotRun(
                Reason.INVALID_CONFIGURATION,
                f"The function's architecture is {version.architecture}, and this machine is {machine}.",
            )
        interpreter = await self._find(CATALOGUE[version.runtime])
        if isinstance(interpreter, Missing):
            raise CannotRun(Reason.INVALID_RUNTIME, str(interpreter))
        await self._code.restore(version.code.digest)
        await restore_opt(self._code, version.layers)
        if version.layers and has_extensions(self._code, version.layers):
            log.warning("function.extensions_not_started", function=version.key)
        await self._prepare(version)


@asynccontextmanager
async def activating(
    functions: Functions,
    code: CodeStore,
    find: FindInterpreter,
    ids: Ids,
    clock: Clock,
    prepare: Prepare = nothing_to_prepare,
    update_least_s: float = 0.0,
) -> AsyncGenerator[Activation]:
    """Jobs run while the block lasts; it begins with those that a crash left, and unfinished ones end with it."""
    async with asyncio.TaskGroup() as tasks:
        activation = Activation(functions, code, find, prepare, ids, clock, tasks, update_least_s)
        for function in functions.everything():
            activation.start(function)
        try:
            yield activation
        finally:
            activation.cancel()
