"""No descriptor is left: that costs the sandbox that would need it, and nothing else."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from lambent.sandbox.contract import Sandbox, SandboxError
from lambent.sandbox.native import channel
from tests.contract.conftest import chosen
from tests.contract.stage import GUARD_S, Stage, staged

pytestmark = pytest.mark.timeout(120)

ENOUGH: Final = 24  # descriptors: more than a start needs


def open_descriptors(process: int | str = "self") -> set[int]:
    numbers = {int(path.name) for path in Path(f"/proc/{process}/fd").iterdir()}
    return {number for number in numbers if process != "self" or _is_open(number)}  # not the one that listed them


def _is_open(number: int) -> bool:
    try:
        _ = os.fstat(number)
    except OSError:
        return False
    return True


@contextmanager
def only(free: int, process: int | str = "self") -> Generator[None]:
    """Let a process have only so many descriptors more."""
    taken = open_descriptors(process)
    unused = [number for number in range(max(taken) + free + 2) if number not in taken]
    pid = os.getpid() if process == "self" else int(process)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    _ = resource.prlimit(pid, resource.RLIMIT_NOFILE, (unused[free], before[1]))
    try:
        yield
    finally:
        _ = resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def spawner_of(sandbox: Sandbox) -> int:
    status = Path(f"/proc/{sandbox.pid}/status").read_text()
    [spawner] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")]
    return spawner


async def started(stage: Stage, way: str) -> Sandbox | None:
    """A sandbox, or None where it could not be made; that it hangs is a failure."""
    async with asyncio.timeout(GUARD_S):
        try:
            if way != "waiting":
                return await stage.backend.start(stage.templates[way], stage.assignment(way))
            waiting = await stage.backend.prepare(stage.templates["fork"])
            return await stage.backend.assign(waiting, stage.assignment("fork"))
        except SandboxError:
            return None


async def close(sandbox: Sandbox) -> None:
    await sandbox.kill()
    for listener in sandbox.listeners.values():
        listener.close()
    os.close(sandbox.output)


async def settled(count: int, process: int | str = "self") -> None:
    """Wait until a process holds no more descriptors than that."""
    async with asyncio.timeout(GUARD_S):
        while len(open_descriptors(process)) > count:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("way", ["fork", "exec", "boot", "waiting"])
async def test_a_server_without_descriptors_fails_only_what_it_starts(tmp_path: Path, way: str) -> None:
    async with chosen("native") as backend, staged(backend, tmp_path) as stage:
        bystander = await stage.puppet("fork" if way == "waiting" else way)
        await close(await started(stage, way) or pytest.fail("nothing can be started"))
        await asyncio.sleep(0)
        before = len(open_descriptors())
        outcomes: list[bool] = []
        for free in range(ENOUGH):
            with only(free):
                sandbox = await started(stage, way)
            outcomes.append(sandbox is not None)
            if sandbox is not None:
                await close(sandbox)
            await settled(before)
            assert await bystander.does("return 'unharmed'") == "unharmed"
        assert not outcomes[0]
        assert outcomes[-1]
        await close(await started(stage, way) or pytest.fail("nothing can be started any more"))


@pytest.mark.parametrize("way", ["fork", "exec", "waiting"])
async def test_a_spawner_without_descriptors_fails_only_what_it_starts(tmp_path: Path, way: str) -> None:
    async with chosen("native") as backend, staged(backend, tmp_path) as stage:
        bystander = await stage.puppet("fork" if way == "waiting" else way)
        spawner = spawner_of(bystander.sandbox)
        before = len(open_descriptors(spawner))
        for free in range(ENOUGH):
            with only(free, spawner):
                sandbox = await started(stage, way)
            if sandbox is not None:
                await close(sandbox)
            await settled(before, spawner)
            assert await bystander.does("return 'unharmed'") == "unharmed"
        sandbox = await started(stage, way) or pytest.fail("nothing can be started any more")
        assert spawner_of(sandbox) == spawner
        await close(sandbox)


async def test_many_starts_at_once_with_few_descriptors_fail_one_by_one(tmp_path: Path) -> None:
    async with chosen("native") as backend, staged(backend, tmp_path) as stage:
        bystander = await stage.puppet("fork")
        before = len(open_descriptors())
        with only(60):
            sandboxes = await asyncio.gather(*(started(stage, "fork") for _ in range(20)))
        assert None in sandboxes
        for sandbox in filter(None, sandboxes):
            await close(sandbox)
        await settled(before)
        assert await bystander.does("return 'unharmed'") == "unharmed"


def test_a_message_says_that_descriptors_are_lost_and_the_next_is_whole() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        channel.send(near, {"number": 1}, [0, 1, 2])
        channel.send(near, {"number": 2}, [0])
        before = open_descriptors()
        with only(2):
            cut = channel.receive(far)
        assert cut is not None
        assert cut.content == {"number": 1}
        assert cut.cut
        assert len(cut.descriptors) == 2
        with pytest.raises(OSError, match="limit of open files"):
            cut.require_all()
        cut.close()
        assert open_descriptors() == before
        whole = channel.receive(far)
        assert whole is not None
        assert (whole.content, whole.cut, len(whole.descriptors)) == ({"number": 2}, False, 1)
        whole.close()


def test_what_is_no_message_leaves_no_descriptor() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        before = open_descriptors()
        for data in (b"[]", b"nonsense", b"x" * (channel.MESSAGE_BYTES + 1)):
            _ = socket.send_fds(near, [data], [0, 1])
            with pytest.raises(channel.Malformed):
                _ = channel.receive(far)
        assert open_descriptors() == before
