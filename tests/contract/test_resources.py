"""The resource limits of a guest's processes are AWS's (recorded), whatever this machine gives the server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lambent.sandbox.contract import Limits
from lambent.sandbox.native.resources import Resources, core_bytes, of_this_machine, processes
from tests.contract.stage import WAYS, Puppet, Stage

CAP_SYS_RESOURCE = 24
SMALL, LARGE = Limits(memory_mib=128, tmp_mib=16), Limits(memory_mib=1024, tmp_mib=16)
READ = "import resource; return {name: resource.getrlimit(getattr(resource, name)) for name in %r}"
OF_AWS = {
    "RLIMIT_NPROC": [742, 742],
    "RLIMIT_MEMLOCK": [65536, 65536],
    "RLIMIT_CORE": [10737418240, 10737418240],
    "RLIMIT_NOFILE": [1024, 1024],
}


async def waiting(stage: Stage, way: str, limits: Limits) -> Puppet:
    """A sandbox that waited before it was assigned."""
    waits = await stage.backend.prepare(stage.templates[way])
    sandbox = await stage.backend.assign(waits, stage.assignment(way, limits=limits))
    return await stage.keep(sandbox).connected()


def skip_without_groups(puppet: Puppet) -> None:
    if not puppet.sandbox.memory_peak_mib():
        pytest.skip("RLIMIT_DATA stands in for a control group here, and stacks of threads count")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cold", [Stage.puppet, waiting], ids=["started", "waited"])
async def test_a_guest_has_the_limits_that_aws_has(
    isolated: Stage, way: str, cold: Callable[..., Awaitable[Puppet]]
) -> None:
    puppet = await cold(isolated, way, limits=SMALL)
    core = [core_bytes()] * 2
    assert await puppet.does(READ % (tuple(OF_AWS),)) == {**OF_AWS, "RLIMIT_CORE": core}


async def test_a_large_function_has_room_for_as_many_threads_as_the_quota_of_aws(isolated: Stage) -> None:
    assert processes(LARGE.memory_mib) > LARGE.processes
    puppet = await isolated.puppet("fork", limits=LARGE)
    skip_without_groups(puppet)
    made = await puppet.does("""
        import threading, time
        made = 0
        try:
            for made in range(1500): threading.Thread(target=time.sleep, args=(4,), daemon=True).start()
        except RuntimeError: pass
        return made
    """)
    assert 900 <= made <= 1024


async def test_a_sandbox_is_bounded_alone(isolated: Stage) -> None:
    """Users' processes are counted together by the kernel; two that have 500 each are more than either may have."""
    sleepers = """
        import threading
        memory["end"] = threading.Event()
        for _ in range(500): threading.Thread(target=memory["end"].wait, daemon=True).start()
        return threading.active_count()
    """
    one, other = await isolated.puppet("fork", limits=SMALL), await isolated.puppet("fork", limits=SMALL)
    skip_without_groups(one)
    assert await one.does(sleepers) > 500
    assert await other.does(sleepers) > 500
    refused = await one.refuses(sleepers)
    assert "can't start new thread" in str(refused)


LOWERED = """
import resource
from lambent.sandbox.native import lockdown
resource.setrlimit(resource.RLIMIT_CORE, (100, 100))
lockdown.limit({"RLIMIT_CORE": 200, "RLIMIT_MEMLOCK": 50})
print(resource.getrlimit(resource.RLIMIT_CORE)[1], resource.getrlimit(resource.RLIMIT_MEMLOCK)[1])
"""


def test_a_limit_of_the_server_bounds_its_guests_only_where_it_may_not_raise_it() -> None:
    """As a process of its own, which cannot undo it: even root cannot where it lacks CAP_SYS_RESOURCE."""
    done = subprocess.run([sys.executable, "-c", LOWERED], capture_output=True, text=True, check=True)
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    may_raise = int(status["CapEff"], 16) >> CAP_SYS_RESOURCE & 1
    assert done.stdout.split() == ["200" if may_raise else "100", "50"]


def test_processes_of_users_are_not_limited_where_they_would_be_counted_together() -> None:
    assert "RLIMIT_NPROC" not in of_this_machine((), (5, 13), nested=True).of(SMALL)
    assert "RLIMIT_NPROC" in of_this_machine((), (5, 14), nested=True).of(SMALL)


def test_without_control_groups_they_stand_in() -> None:
    limits = Resources({"memory", "pids"}, 0, counted=True).of(Limits(memory_mib=128, processes=24))
    assert (limits["RLIMIT_DATA"], limits["RLIMIT_NPROC"]) == (128 << 20, 24)
    assert Resources({"pids"}, 0, counted=False).of(SMALL)["RLIMIT_NPROC"] == SMALL.processes


def test_one_that_waits_has_no_limit_that_could_not_be_raised() -> None:
    assert Resources({"memory"}, 0, counted=True).of(Limits(memory_mib=0)).keys() == {*OF_AWS} - {"RLIMIT_NPROC"}
