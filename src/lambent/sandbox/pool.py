"""Sandboxes that wait: made and locked down ahead, so that a start is only an assignment.

    warm(template)                  start(template, assignment)
        └─▶ waiting (size of them) ──┬─▶ assigned, and another is made in the background
                                     └─▶ none waits: prepared and assigned at once

To make one takes a processor as long as to start one, so it is made a moment after the start that took the last one,
which has the machine to itself meanwhile.

A template is kept warm from when it is first asked for, as one of so many: the one that was asked for longest ago gives
way. Knows nothing of Lambda, and changes nothing of what a sandbox is: a pool of size 0 only passes on. What waits costs its
memory and no processor time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from lambent.sandbox.contract import Assignment, Backend, Sandbox, SandboxError, Template, Waiting

log: Final = structlog.get_logger()

TEMPLATES_MAX: Final = (
    16  # for which sandboxes wait, at about 11 MB each that nobody shares; callers make them up (memory)
)
REST_S: Final = 0.02  # between a start and the replacement of what it took: longer than a start takes


class Pool:
    """Made by `pooled`."""

    def __init__(self, backend: Backend, size: int, tasks: asyncio.TaskGroup) -> None:
        self._backend: Final = backend
        self._size: Final = size
        self._tasks: Final = tasks
        self._waiting: Final[dict[Template, deque[Waiting]]] = {}  # the template asked for longest ago comes first
        self._refills: Final[dict[Template, asyncio.Task[None]]] = {}
        self._closed = False

    async def warm(self, template: Template) -> None:
        """Return when as many as the pool's size wait. Raises SandboxError."""
        if template in self._waiting:
            return
        if self._size == 0:
            waiting = await self._backend.prepare(template)  # whatever the template shares is started now
            await waiting.kill()
            _ = self._asked(template)
            return
        ready = [await self._backend.prepare(template) for _ in range(self._size)]
        self._asked(template).extend(ready)

    async def start(self, template: Template, assignment: Assignment) -> Sandbox:
        """A sandbox with its assignment. Raises SandboxError."""
        waiting = self._taken(template)
        if waiting is None:
            return await self._backend.start(template, assignment)
        self._refill(template)
        return await self._backend.assign(waiting, assignment)

    async def restart(self, vacated: Sandbox, assignment: Assignment) -> Sandbox:
        """Another guest in what a vacated sandbox has left: none that waits has its /tmp. Raises SandboxError."""
        return await self._backend.restart(vacated, assignment)

    def _taken(self, template: Template) -> Waiting | None:
        ready = self._asked(template)
        while ready:
            waiting = ready.popleft()
            if waiting.alive:
                return waiting
        self._refill(template)
        return None

    def _asked(self, template: Template) -> deque[Waiting]:
        """What waits for the template, which is now the last that gives way."""
        ready = self._waiting[template] = self._waiting.pop(template, deque())
        if len(self._waiting) > TEMPLATES_MAX:
            self._give_up(next(iter(self._waiting)))
        return ready

    def _give_up(self, template: Template) -> None:
        """End what waits for it, and what is being made to wait."""
        for waiting in self._waiting.pop(template):
            _ = self._tasks.create_task(waiting.kill())
        if (refill := self._refills.pop(template, None)) is not None:
            refill.cancel()

    def _refill(self, template: Template) -> None:
        if self._size and not self._closed and template not in self._refills:
            self._refills[template] = self._tasks.create_task(self._fill(template, self._waiting[template]))

    async def _fill(self, template: Template, ready: deque[Waiting]) -> None:
        """Prepare until enough wait that are not stale. Starts that find none meanwhile make their own, and do not wait."""
        try:
            await asyncio.sleep(REST_S)
            while sum(not waiting.stale for waiting in ready) < self._size and not self._closed:
                ready.append(await self._backend.prepare(template))
                if ready[-1].stale:
                    break  # there is nothing better now
            while len(ready) > self._size:  # the stale ones: they are the oldest
                await ready.popleft().kill()
        except SandboxError:
            log.exception("pool.refill_failed", template=template.name)  # the next start tries again, and is told
        finally:
            if self._refills.get(template) is asyncio.current_task():  # else the template was given up
                del self._refills[template]

    async def close(self) -> None:
        """End what waits."""
        self._closed = True
        for refill in list(self._refills.values()):
            refill.cancel()
        for ready in self._waiting.values():
            while ready:
                await ready.popleft().kill()


@asynccontextmanager
async def pooled(backend: Backend, size: int) -> AsyncGenerator[Pool]:
    """A pool of `size` waiting sandboxes for each template in use; leaving ends those that wait."""
    async with asyncio.TaskGroup() as tasks:
        pool = Pool(backend, size, tasks)
        try:
            yield pool
        finally:
            await pool.close()
