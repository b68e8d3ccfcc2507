"""After a start: the runtimes of the functions that there are, started ahead, in the background.

No spawner and no waiting sandbox outlives a restart, so that the first invocation of each runtime would have to wait for
both. This makes them before it comes: one runtime after the other, those with the most functions first, and only so many,
since what waits costs memory. It is no promise: an invocation that comes earlier starts its own sandbox, and a runtime
that cannot be started is left to its first invocation, whose caller is told. Functions that are not ready yet are the
affair of `activation`, which does the same for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.lambda_.activation import CannotRun, Prepare
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.sandbox.contract import SandboxError

log: Final = structlog.get_logger()

RUNTIMES_MAX: Final = 6


def commonest(functions: Iterable[Function]) -> Iterator[FunctionVersion]:
    """One version for each of the runtimes that most versions have, the commonest runtime first."""
    by_runtime: dict[str, list[FunctionVersion]] = {}
    for function in functions:
        for version in function.invoked():
            if version.invocable and not version.settling:
                by_runtime.setdefault(version.runtime, []).append(version)
    most = sorted(by_runtime.values(), key=len, reverse=True)
    yield from (versions[0] for versions in most[:RUNTIMES_MAX])


@asynccontextmanager
async def warming(functions: Iterable[Function], prepare: Prepare) -> AsyncGenerator[None]:
    """Warm while the block runs; leaving ends what is unfinished."""
    async with asyncio.TaskGroup() as tasks:
        warm = tasks.create_task(_warm(functions, prepare))
        try:
            yield
        finally:
            warm.cancel()


async def _warm(functions: Iterable[Function], prepare: Prepare) -> None:
    for version in commonest(functions):
        try:
            await prepare(version)
        except (CannotRun, SandboxError) as reason:
            log.warning("runtime.not_warmed", runtime=version.runtime, reason=str(reason))
