"""What a fork inherits is shared with few, for a while, and with nobody of another account."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from lambent.sandbox.contract import Template
from lambent.sandbox.native.backend import NativeConfig, native
from lambent.sandbox.native.generations import Terms
from lambent.sandbox.pool import pooled
from tests.contract.stage import GUARD_S, Puppet, Stage, staged

pytestmark = pytest.mark.timeout(60)

SHARED: Final = """
    import json
    code = [line.split("-")[0] for line in open("/proc/self/maps") if "python" in line or "libc" in line]
    return [hash("a word"), id(json.loads), code[0], code[-1]]
"""


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def stage_with(directory: Path, clock: Callable[[], float], **terms: float) -> AsyncGenerator[Stage]:
    limits = "enforced" if os.geteuid() == 0 else "best-effort"
    config = NativeConfig(limits=limits, terms=replace(Terms(), **terms))
    async with native(config, clock) as backend, staged(backend, directory) as stage:
        yield stage


async def shared(puppet: Puppet) -> tuple[object, ...]:
    return tuple(await puppet.does(SHARED))


async def start(stage: Stage, template: Template) -> Puppet:
    return await stage.keep(await stage.backend.start(template, stage.assignment("fork"))).connected()


async def after_renewal(stage: Stage, template: Template, before: tuple[object, ...]) -> Puppet:
    """The first guest that does not share what those before it did."""
    async with asyncio.timeout(GUARD_S):
        while await shared(puppet := await start(stage, template)) == before:
            await puppet.sandbox.kill()
    return puppet


def spawner_of(puppet: Puppet) -> int:
    status = Path(f"/proc/{puppet.sandbox.pid}/status").read_text()  # type: ignore[attr-defined]
    [spawner] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")]
    return spawner


async def gone(process: int) -> None:
    async with asyncio.timeout(GUARD_S):
        while Path(f"/proc/{process}").exists():
            await asyncio.sleep(0.005)


def different(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return all(mine != theirs for mine, theirs in zip(one, other, strict=True))


async def test_a_new_spawner_has_another_secret_of_hashes_and_other_addresses(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock(), forks=3) as stage:
        template = stage.templates["fork"]
        first, second = await start(stage, template), await start(stage, template)
        before = await shared(first)
        assert await shared(second) == before
        later = await after_renewal(stage, template, before)
        assert different(await shared(later), before)
        assert await first.does("return 'still here'") == "still here"


async def test_an_old_spawner_stays_until_its_last_sandbox_is_gone(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock(), forks=2) as stage:
        template = stage.templates["fork"]
        first, second = await start(stage, template), await start(stage, template)
        old = spawner_of(first)
        later = await after_renewal(stage, template, await shared(first))
        assert spawner_of(later) != old
        await first.sandbox.kill()
        assert await second.does("return 'still here'") == "still here"
        await second.sandbox.kill()
        await gone(old)
        assert await later.does("return 'not with it'") == "not with it"


async def test_a_sandbox_of_an_old_spawner_is_restarted_by_the_new_one(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock(), forks=2) as stage:
        template = stage.templates["fork"]
        first = await start(stage, template)
        await first.does("open('/tmp/kept', 'w').write('x')")
        before, old = await shared(first), spawner_of(first)
        _ = await after_renewal(stage, template, before)
        await first.sandbox.vacate()
        again = await stage.keep(await stage.backend.restart(first.sandbox, stage.assignment("fork"))).connected()
        assert await again.does("import os; return os.listdir('/tmp')") == ["kept"]
        assert different(await shared(again), before)
        await gone(old)


async def test_age_alone_renews_a_spawner(tmp_path: Path) -> None:
    clock = Clock()
    async with stage_with(tmp_path, clock, age_s=600.0) as stage:
        template = stage.templates["fork"]
        before = await shared(await start(stage, template))
        for _ in range(5):
            assert await shared(await start(stage, template)) == before
        clock.now_s += 601
        assert different(await shared(await after_renewal(stage, template, before)), before)


async def test_nobody_waits_for_a_renewal(tmp_path: Path) -> None:
    """The start that finds the spawner worn, and those while the next is not ready, are forked from the worn one."""
    clock = Clock()
    async with stage_with(tmp_path, clock) as stage:
        template = stage.templates["fork"]
        before = await shared(await start(stage, template))
        clock.now_s += 601
        assert await shared(await start(stage, template)) == before


async def test_no_spawner_serves_two_accounts(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock()) as stage:
        ours, theirs = (replace(stage.templates["fork"], account=f"{number:012}") for number in (1, 2))
        one, other = await start(stage, ours), await start(stage, theirs)
        assert spawner_of(one) != spawner_of(other)
        assert different(await shared(one), await shared(other))
        assert await shared(await start(stage, ours)) == await shared(one)


async def test_templates_that_differ_in_options_alone_share_a_spawner(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock()) as stage:
        template = stage.templates["boot"]
        sizes = [replace(template, options=(("-Xint_max_str_digits", digits),)) for digits in (700, 800)]
        puppets = [await stage.keep(await stage.backend.start(size, stage.assignment())).connected() for size in sizes]
        assert [await puppet.does("import sys; return sys.flags.int_max_str_digits") for puppet in puppets] == [
            700,
            800,
        ]
        assert spawner_of(puppets[0]) == spawner_of(puppets[1])


async def test_what_an_idle_account_has_is_ended_when_another_asks(tmp_path: Path) -> None:
    clock = Clock()
    async with stage_with(tmp_path, clock, idle_s=600.0) as stage:
        idle, busy, asks = (replace(stage.templates["fork"], account=f"{number:012}") for number in (1, 2, 3))
        waiting = await stage.backend.prepare(idle)
        guest = await start(stage, busy)
        last = await start(stage, idle)
        ended = spawner_of(last)
        clock.now_s += 601
        _ = await start(stage, asks)
        assert waiting.alive, "its account has a guest"
        await last.sandbox.kill()
        _ = await start(stage, asks)
        await gone(ended)
        async with asyncio.timeout(GUARD_S):
            while waiting.alive:
                await asyncio.sleep(0.005)
        assert await guest.does("return 'in use'") == "in use"
        assert await (await start(stage, idle)).does("return 'anew'") == "anew"


async def test_an_account_that_is_alone_keeps_what_it_has(tmp_path: Path) -> None:
    clock = Clock()
    async with stage_with(tmp_path, clock, idle_s=600.0, age_s=1e9) as stage:
        waiting = await stage.backend.prepare(stage.templates["fork"])
        clock.now_s += 100_000
        _ = await stage.puppet("exec")
        assert waiting.alive


async def test_accounts_that_are_made_up_do_not_add_up(tmp_path: Path) -> None:
    async with stage_with(tmp_path, Clock(), kept=3) as stage:
        processes: list[int] = []
        for number in range(8):
            puppet = await start(stage, replace(stage.templates["fork"], account=f"{number:012}"))
            processes.append(spawner_of(puppet))
            await puppet.sandbox.kill()
        for process in processes[:4]:
            await gone(process)
        assert Path(f"/proc/{processes[-1]}").exists()


async def test_what_waits_is_replaced_once_its_spawner_is_old(tmp_path: Path) -> None:
    clock = Clock()
    async with stage_with(tmp_path, clock) as stage, pooled(stage.backend, 2) as pool:
        template = stage.templates["fork"]
        await pool.warm(template)
        before = await shared(await stage.keep(await pool.start(template, stage.assignment("fork"))).connected())
        clock.now_s += 601
        async with asyncio.timeout(GUARD_S):
            while (
                later := await shared(
                    await stage.keep(await pool.start(template, stage.assignment("fork"))).connected()
                )
            ) == before:
                await asyncio.sleep(0.05)
        assert different(later, before)
