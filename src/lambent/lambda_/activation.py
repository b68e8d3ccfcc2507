"""Getting versions ready in the background: Pending becomes Active, InProgress becomes Successful, or either Failed.

A job per version: see that its code is unpacked, that this machine has its architecture and its interpreter, and let
the data plane warm what it shares; then commit what came of it. Whoever changes a function starts the jobs of its
settling versions, and so does a start after a crash, for whatever it finds settling: a row is never left Pending for
good. A job that finds another revision than it began with changes nothing.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.errors import FunctionNotFound
from lambent.lambda_.functions import Function, FunctionVersion, Refusal
from lambent.lambda_.layers.opt import has_extensions, restore_opt
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Runtime
from lambent.lambda_.runtimes.interpreters import Interpreter, Missing
from lambent.lambda_.states import Reason
from lambent.lambda_.store import Functions

log: Final = structlog.get_logger()

JOBS_AT_ONCE: Final = 8
ARCHITECTURES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}

FindInterpreter = Callable[[Runtime], Awaitable[Interpreter | Missing | None]]  # `Interpreters.find`
Prepare = Callable[[FunctionVersion], Awaitable[None]]  # raises CannotRun, or whatever is our own fault


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
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._functions = functions
        self._code = code
        self._find = find
        self._prepare = prepare
        self._ids = ids
        self._tasks = tasks
        self._turns = asyncio.Semaphore(JOBS_AT_ONCE)
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, function: Function) -> None:
        """Get every version of the function ready that is not."""
        for version in function:
            if version.settling:
                job = self._tasks.create_task(self._settle(version))
                self._jobs.add(job)
                job.add_done_callback(self._jobs.discard)

    def cancel(self) -> None:
        """End the jobs under way; the next start takes their versions up again."""
        for job in self._jobs:
            job.cancel()

    async def _settle(self, version: FunctionVersion) -> None:
        async with self._turns:
            refusal = await self._refusal(version)
            revision_id = self._ids.uuid()
            try:
                await self._functions.change(
                    version.arn, lambda function: function.settled(version, refusal, revision_id)
                )
            except FunctionNotFound:
                return  # deleted meanwhile
            except Exception:
                log.exception("function.settling_failed", function=version.key)  # the next start tries again
                return
        if refusal is not None:
            log.warning("function.cannot_run", function=version.key, reason=refusal.message)

    async def _refusal(self, version: FunctionVersion) -> Refusal | None:
        try:
            await self._check(version)
        except CannotRun as error:
            return error.refusal
        except AwsError as error:
            return Refusal(Reason.INVALID_ZIP_FILE, str(error))
        except Exception:
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
    prepare: Prepare = nothing_to_prepare,
) -> AsyncGenerator[Activation]:
    """Jobs run while the block lasts; it begins with those that a crash left, and unfinished ones end with it."""
    async with asyncio.TaskGroup() as tasks:
        activation = Activation(functions, code, find, prepare, ids, tasks)
        for function in functions.everything():
            activation.start(function)
        try:
            yield activation
        finally:
            activation.cancel()
