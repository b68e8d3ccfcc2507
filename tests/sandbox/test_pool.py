"""Sandboxes that wait: for the templates that were asked for last, and for no more of them than the pool has room for."""

from __future__ import annotations

import asyncio
from typing import Final, cast

import pytest

from lambent.sandbox.contract import Assignment, Backend, Limits, Sandbox, Template
from lambent.sandbox.pool import TEMPLATES_MAX, pooled

ASSIGNMENT: Final = Assignment((), {}, (), Limits(128))


class Waiting:
    def __init__(self, template: Template, waiting: list[Waiting]) -> None:
        self.template, self.alive, self.stale, self._waiting = template, True, False, waiting
        waiting.append(self)

    async def kill(self) -> None:
        self.alive = False
        self._waiting.remove(self)


class Pretended:
    """A backend of which the pool sees what it needs: who waits, and what was started without."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.unprepared: list[Template] = []
        self.preparing = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def prepare(self, template: Template) -> Waiting:
        self.preparing.set()
        await self.gate.wait()
        return Waiting(template, self.waiting)

    async def assign(self, waiting: Waiting, assignment: Assignment) -> Sandbox:
        self.waiting.remove(waiting)
        return cast("Sandbox", waiting)

    async def start(self, template: Template, assignment: Assignment) -> Sandbox:
        self.unprepared.append(template)
        return cast("Sandbox", None)


def size(number: int) -> Template:
    return Template("node", boot=("node",), options=(("--max-old-space-size", number),))


async def settled(backend: Pretended, numbers: list[int]) -> None:
    """Sandboxes wait for these, and for no others."""
    async with asyncio.timeout(10):
        while sorted(waiting.template.options[0][1] for waiting in backend.waiting) != sorted(numbers):
            await asyncio.sleep(0.005)


async def test_what_was_asked_for_longest_ago_gives_way() -> None:
    backend = Pretended()
    async with pooled(cast("Backend", backend), 1) as pool:
        for number in range(TEMPLATES_MAX):
            await pool.warm(size(number))
        await pool.start(size(0), ASSIGNMENT)
        await settled(backend, [*range(TEMPLATES_MAX)])
        await pool.warm(size(99))
        await settled(backend, [0, *range(2, TEMPLATES_MAX), 99])
        assert backend.unprepared == []
        await pool.start(size(1), ASSIGNMENT)  # is started without, and waits from now on
        await settled(backend, [0, 1, *range(3, TEMPLATES_MAX), 99])
        assert backend.unprepared == [size(1)]
    assert backend.waiting == []


async def test_what_is_being_made_gives_way_too() -> None:
    backend = Pretended()
    async with pooled(cast("Backend", backend), 1) as pool:
        await pool.start(size(0), ASSIGNMENT)
        backend.gate.clear()
        await backend.preparing.wait()
        for number in range(1, TEMPLATES_MAX + 1):
            await pool.start(size(number), ASSIGNMENT)
        backend.gate.set()
        await settled(backend, [*range(1, TEMPLATES_MAX + 1)])
        await pool.start(size(0), ASSIGNMENT)
        await settled(backend, [0, *range(2, TEMPLATES_MAX + 1)])


@pytest.mark.parametrize("pool_size", [0, 1, 3])
async def test_so_many_wait_for_each(pool_size: int) -> None:
    backend = Pretended()
    async with pooled(cast("Backend", backend), pool_size) as pool:
        await pool.warm(size(1))
        await settled(backend, [1] * pool_size)
        await pool.start(size(1), ASSIGNMENT)
        await settled(backend, [1] * pool_size)
        assert len(backend.unprepared) == (1 if pool_size == 0 else 0)
