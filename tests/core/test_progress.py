"""Waiting ends when nothing gets on any more, and not because a machine is slow."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys

import pytest

from lambent.core.progress import LONGEST, progress, used_below, used_by

IDLE_S = 0.05


async def test_what_gets_on_is_waited_for_longer_than_the_bound() -> None:
    looks = itertools.count()
    done = asyncio.Event()

    def used() -> int:
        number = next(looks)
        if number == 20:  # four times as many as there are looks within the bound
            done.set()
        return number

    async with progress(IDLE_S, used):
        await done.wait()


async def test_what_stands_still_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        async with progress(IDLE_S, lambda: 7):
            await asyncio.Event().wait()


async def test_what_got_on_once_and_stands_still_is_given_up() -> None:
    values = itertools.chain(range(5), itertools.repeat(5))
    with pytest.raises(TimeoutError):
        async with progress(IDLE_S, lambda: next(values)):
            await asyncio.Event().wait()
    assert next(values) == 5


async def test_what_runs_in_circles_is_given_up_in_the_end() -> None:
    looks = itertools.count()
    with pytest.raises(TimeoutError):
        async with progress(IDLE_S, lambda: next(looks)):
            await asyncio.Event().wait()
    assert next(looks) > LONGEST


async def test_what_is_raised_within_passes() -> None:
    with pytest.raises(KeyError):
        async with progress(IDLE_S, lambda: 7):
            raise KeyError("x")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_the_time_of_all_descendants_counts() -> None:
    spin = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    command = f"{sys.executable} -c '{spin}'; :"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"\n"
        assert used_below(shell.pid) >= 0.1 * os.sysconf("SC_CLK_TCK")
        assert used_below(os.getpid()) >= used_below(shell.pid)
        assert shell.stdin is not None
        shell.stdin.write(b"\n")
        shell.stdin.close()
    assert used_by(shell.pid) == used_below(shell.pid) == 0
