"""A guest that takes all it can get."""

from __future__ import annotations

import asyncio
import errno
import signal
from pathlib import Path
from typing import Final

import pytest

from lambent.lambda_.runtimes.templates import MIB_PER_CPU
from lambent.sandbox.contract import Exit, Limits
from tests.contract.stage import GUARD_S, Puppet, Stage

SMALL = {"limits": Limits(memory_mib=128, tmp_mib=32, processes=64, open_files=128)}
# What a function of 128 MB has: a fourteenth of a processor, in which a killed crowd would be long in dying.
DEFAULT = {"limits": Limits(memory_mib=128, cpus=128 / MIB_PER_CPU)}
small = pytest.mark.parametrize("attacker", [SMALL], indirect=True, ids=["small"])
OUT_OF_MEMORY = Exit(code=None, signal=signal.SIGKILL, out_of_memory=True)


CROWD: Final = 50


def processes() -> int:
    """Those of the outer namespace that the tests run in."""
    return sum(path.name.isdigit() for path in Path("/proc").iterdir())


async def ended(puppet: Puppet) -> Exit:
    async with asyncio.timeout(GUARD_S):
        return await puppet.sandbox.exited()


@pytest.mark.parametrize("attacker", [SMALL, DEFAULT], indirect=True, ids=["small", "default"])
async def test_a_fork_bomb_stays_in_its_sandbox_and_can_be_killed(stage: Stage, attacker: Puppet) -> None:
    attacker.tell("""
        import os
        def explode():
            while True:
                try: os.fork()
                except OSError: pass
        if os.fork() == 0: explode()
    """)
    async with asyncio.timeout(GUARD_S):
        while processes() < CROWD:
            await asyncio.sleep(0.01)
    neighbour = await stage.puppet("exec")
    assert await neighbour.does("import os; return os.waitpid(os.fork() or os._exit(3), 0)[1] >> 8") == 3
    async with asyncio.timeout(GUARD_S):
        await attacker.sandbox.kill()
    assert (await ended(attacker)).signal == signal.SIGKILL


@small
async def test_a_thread_bomb_hits_the_same_wall(attacker: Puppet) -> None:
    made = await attacker.does("""
        import threading
        stop, made = threading.Event(), 0
        threading.stack_size(65536)
        try:
            for made in range(1000): threading.Thread(target=stop.wait, daemon=True).start()
        except RuntimeError: pass
        stop.set()
        return made
    """)
    assert made < 64


@small
async def test_a_memory_bomb_ends_its_sandbox(attacker: Puppet) -> None:
    attacker.tell("""
        while True: memory[len(memory)] = bytearray(b"x") * (8 << 20)
    """)
    assert await ended(attacker) == OUT_OF_MEMORY


@small
async def test_a_memory_bomb_of_many_processes_stays_in_its_sandbox(attacker: Puppet) -> None:
    attacker.tell("""
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                while True: memory[len(memory)] = bytearray(b"x") * (4 << 20)
        while True: memory[len(memory)] = bytearray(b"x") * (4 << 20)
    """)
    assert (await ended(attacker)).out_of_memory


@small
async def test_anonymous_files_count_as_memory(attacker: Puppet) -> None:
    attacker.tell("""
        import os
        while True:
            fd = os.memfd_create("bomb")
            for _ in range(8): os.write(fd, b"x" * (1 << 20))
            if fd > 100: raise SystemExit
    """)
    assert await ended(attacker) == OUT_OF_MEMORY


@small
async def test_shared_memory_counts_as_memory(attacker: Puppet) -> None:
    attacker.tell("""
        import ctypes
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        while True:
            segment = libc.shmat(libc.shmget(0, 8 << 20, 0o1600), None, 0)
            ctypes.memset(segment, 1, 8 << 20)
    """)
    assert await ended(attacker) == OUT_OF_MEMORY


@small
async def test_what_is_sent_and_not_read_counts_as_memory_or_blocks(attacker: Puppet) -> None:
    await attacker.does("""
        import socket
        for _ in range(40):
            one, other = socket.socketpair()
            one.setblocking(False)
            memory[one] = other
            try:
                while True: one.send(b"x" * 65536)
            except BlockingIOError: pass
    """)
    assert await attacker.does("return 'alive'") == "alive"


@small
async def test_a_disk_bomb_fills_its_own_tmp(stage: Stage, attacker: Puppet) -> None:
    refused = await attacker.refuses("""
        with open("/tmp/bomb", "wb", 0) as file:
            while True: file.write(b"x" * (1 << 20))
    """)
    assert refused.errno == errno.ENOSPC
    neighbour = await stage.puppet("fork")
    await neighbour.does("open('/tmp/mine', 'wb').write(b'x' * (8 << 20))")


@small
async def test_an_inode_bomb_fills_its_own_tmp(attacker: Puppet) -> None:
    refused = await attacker.refuses("""
        for number in range(10_000_000): open(f"/tmp/{number}", "w").close()
    """)
    assert refused.errno == errno.ENOSPC
    assert await attacker.does("return 'alive'") == "alive"


@small
async def test_deep_directories_and_long_names_do_not_hinder_its_end(attacker: Puppet) -> None:
    await attacker.does("""
        import os
        os.chdir("/tmp")
        for _ in range(1500):
            os.mkdir("d" * 200); os.chdir("d" * 200)
    """)
    async with asyncio.timeout(GUARD_S):
        await attacker.sandbox.kill()


@small
async def test_open_files_run_out_for_it_alone(stage: Stage, attacker: Puppet) -> None:
    refused = await attacker.refuses("""
        import os
        while True: os.open("/dev/null", os.O_RDONLY)
    """)
    assert refused.errno == errno.EMFILE
    neighbour = await stage.puppet("fork")
    await neighbour.does("open('/dev/null').close()")


@small
async def test_ipc_objects_stay_in_its_sandbox(stage: Stage, attacker: Puppet) -> None:
    await attacker.does("""
        import ctypes
        libc = ctypes.CDLL(None)
        for _ in range(2000): libc.shmget(0, 4096, 0o1600); libc.msgget(0, 0o1600); libc.semget(0, 1, 0o1600)
    """)
    neighbour = await stage.puppet("fork")
    assert await neighbour.does("import ctypes; return ctypes.CDLL(None).shmget(0, 4096, 0o1600)") >= 0
