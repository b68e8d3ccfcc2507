"""Spawners come and go: no guest shares with many others, or for long, what a fork inherits.

    asked for ── none yet ──────────> started, while whoever asks waits
              ── young ─────────────> the present one
              ── worn (age, forks) ─> the present one, while a new one is started in the background; then that

Forks of one spawner have the same address space layout and the same secret of string hashes, so that who knows his own knows
theirs. A new spawner is executed, not forked, and has new ones. The old one makes no more sandboxes, and is killed when its
last is gone. Each template has its own, and a template is of one account.

Spawners of accounts that are idle are ended when another account asks; one account alone keeps what it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from msgspec import Struct

from lambent.sandbox.contract import SandboxError, Template
from lambent.sandbox.native.spawners import Spawner

RETRY_S: Final = 60.0  # after a renewal that failed

Start = Callable[[Template], Awaitable[Spawner]]

log: Final = structlog.get_logger("lambent.sandbox.native")


class Terms(Struct, frozen=True):
    """How long a spawner serves."""

    age_s: float = 600.0
    forks: int = 1000
    idle_s: float = 600.0  # without being asked, while other accounts ask
    kept: int = 32  # spawners, while other accounts ask: they have about 40 MB each, and callers may make accounts up


class _Line:
    """The spawners of one template, one after the other."""

    def __init__(self) -> None:
        self.starting: Final = asyncio.Lock()
        self.spawner: Spawner | None = None
        self.renewal: asyncio.Task[None] | None = None
        self.renew_at_s = 0.0
        self.asked_s = 0.0


class Generations:
    """Made by the backend: `start` returns a new spawner, or raises SandboxError; `clock` returns seconds."""

    def __init__(self, terms: Terms, tasks: asyncio.TaskGroup, clock: Callable[[], float], start: Start) -> None:
        self._terms: Final = terms
        self._start: Final = start
        self._tasks: Final = tasks
        self._clock: Final = clock
        self._lines: Final[dict[Template, _Line]] = {}  # the one asked for longest ago comes first
        self._old: Final[set[Spawner]] = set()

    async def spawner(self, template: Template, *, newest: bool) -> Spawner:
        """Return one to fork from. `newest`: wait for the next, if the present one is worn. Raises SandboxError."""
        line = self._lines[template] = self._lines.pop(template, None) or _Line()
        line.asked_s = self._clock()
        self._end_idle(template.account)
        async with line.starting:
            spawner = line.spawner
            if spawner is None or not spawner.alive:
                spawner = line.spawner = await self._start(template)
                line.renew_at_s = self._clock() + self._terms.age_s
        if line.renewal is None and (spawner.forks >= self._terms.forks or self._clock() >= line.renew_at_s):
            line.renewal = self._tasks.create_task(self._renew(template, line))
        if newest and line.renewal is not None:
            _ = await asyncio.wait([line.renewal])
            spawner = line.spawner or spawner
        return spawner

    def release(self, spawner: Spawner) -> None:
        """One of its sandboxes is gone: an old spawner goes with its last."""
        if spawner.old and not spawner.sandboxes:
            self._old.discard(spawner)
            _ = self._tasks.create_task(spawner.kill())

    async def retire(self, template: Template) -> None:
        """End a template's spawners, and their sandboxes with them."""
        line = self._lines.get(template)
        if line is None:
            return
        async with line.starting:
            spawner, line.spawner = line.spawner, None
            if spawner is not None:
                await spawner.kill()

    async def end(self) -> None:
        """End all; nothing is started any more."""
        for line in self._lines.values():
            if line.renewal is not None:
                _ = line.renewal.cancel()
        present = [line.spawner for line in self._lines.values() if line.spawner is not None]
        _ = await asyncio.gather(*(spawner.end() for spawner in (*present, *self._old)))

    async def _renew(self, template: Template, line: _Line) -> None:
        try:
            spawner = await self._start(template)
        except SandboxError:
            log.exception("spawner.not_renewed", template=template.name, retry_s=RETRY_S)
            line.renew_at_s = self._clock() + RETRY_S
        else:
            before, line.spawner = line.spawner, spawner
            line.renew_at_s = self._clock() + self._terms.age_s
            if before is not None:
                before.old = True
                self._old.add(before)
                self.release(before)
        finally:
            line.renewal = None

    def _end_idle(self, account: str) -> None:
        """End what other accounts have not asked for in a while, or too long ago for all to be kept."""
        too_many = len(self._lines) - self._terms.kept
        for template, line in list(self._lines.items()):
            idle = self._clock() - line.asked_s >= self._terms.idle_s
            if template.account == account or not (idle or too_many > 0):
                continue
            if line.renewal is None and not line.starting.locked() and not (line.spawner and line.spawner.assigned):
                too_many -= 1
                del self._lines[template]
                if line.spawner is not None:
                    _ = self._tasks.create_task(line.spawner.kill())  # and what waits there dies with it
