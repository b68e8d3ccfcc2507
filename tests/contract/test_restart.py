"""A guest that is started again in a vacated sandbox: what stays is /tmp, and nothing else of the guest before."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from pathlib import Path

import pytest

from lambent.sandbox.contract import RUNTIME_API_PORT, Exit, Limits, Mount, SandboxError
from tests.contract.stage import GUARD_S, WAYS, Puppet, Stage
from tests.contract.test_contract import ended, eventually, processes_with

by_every_way = pytest.mark.parametrize("way", WAYS)


async def restarted(stage: Stage, vacated: Puppet, way: str = "exec", *, limits: Limits | None = None) -> Puppet:
    """Another puppet in what a vacated one has left."""
    async with asyncio.timeout(GUARD_S):
        await vacated.sandbox.vacate()
        sandbox = await stage.backend.restart(vacated.sandbox, stage.assignment(way, limits=limits))
        return await stage.keep(sandbox).connected()


@by_every_way
async def test_another_guest_can_be_started_again_and_again(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way)
    for _ in range(3):
        await puppet.does("import os; print('alive', flush=True); os.environ['MARK'] = memory['mark'] = 'old'")
        before, puppet = puppet, await restarted(stage, puppet, way)
        assert await puppet.does("import os; return memory, os.environ.get('MARK')") == [{}, None]
        assert await puppet.does("return open('handler.txt').read()") == "code"
        assert puppet.sandbox is not before.sandbox
        assert before.output() == b"alive\n"
        assert puppet.output() == b""


@by_every_way
async def test_tmp_is_the_same_and_still_writable_and_of_its_size(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way)
    await puppet.does("""
        import os
        os.makedirs("/tmp/a/b", 0o700)
        open("/tmp/a/b/kept", "w").write("from before")
        os.symlink("/etc/passwd", "/tmp/link")
    """)
    for _ in range(2):
        puppet = await restarted(isolated, puppet, way)
        assert await puppet.does("import os; return sorted(os.listdir('/tmp'))") == ["a", "link"]
        assert await puppet.does("return open('/tmp/a/b/kept').read()") == "from before"
        await puppet.does("open('/tmp/a/b/kept', 'r+').write('from before')")
    size = await puppet.does("import os; s = os.statvfs('/tmp'); return s.f_frsize * s.f_blocks")
    assert size == 16 << 20


async def test_in_tmp_there_are_still_no_devices_and_no_set_uid_programs(isolated: Stage) -> None:
    puppet = await restarted(isolated, await isolated.puppet("fork"), "fork")
    mounts = await puppet.does("return open('/proc/self/mounts').read().splitlines()")
    [tmp] = [line.split() for line in mounts if line.split()[1] == "/tmp"]
    assert {"nosuid", "nodev", "rw"} <= set(tmp[3].split(","))


@by_every_way
async def test_no_process_of_the_guest_before_is_left(stage: Stage, way: str) -> None:
    token = f"token-{uuid.uuid4()}"
    puppet = await stage.puppet(way)
    await puppet.does(f"""
        import subprocess
        subprocess.run(["setsid", "-f", "/bin/sh", "-c", "sleep 1000; : {token}"], check=True)
        deaf = "trap '' TERM HUP INT; (setsid sh -c 'sleep 1000; : {token}' &) &"
        subprocess.run(["/bin/sh", "-c", deaf], check=True)
    """)
    await eventually(2, token)
    await puppet.sandbox.vacate()
    assert processes_with(token) == []
    puppet = await restarted(stage, puppet, way)
    assert await puppet.does("return 'here'") == "here"


async def test_nothing_that_a_guest_can_leave_in_the_kernel_is_left(isolated: Stage) -> None:
    puppet = await isolated.puppet("fork")
    await puppet.does("""
        import ctypes, os, resource, socket
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.shmget(1234, 4096, 0o1666) >= 0
        assert libc.semget(1234, 1, 0o1666) >= 0
        assert libc.msgget(1234, 0o1666) >= 0
        assert libc.mq_open(b"/left", os.O_CREAT | os.O_RDWR, 0o666, None) >= 0
        door = memory["door"] = socket.create_server(("127.0.0.1", 8080))
        name = memory["name"] = socket.socket(socket.AF_UNIX)
        name.bind("\\0left")
        for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):  # of the sandbox's first process
            resource.prlimit(1, number, (20, 20))
        os.setpriority(os.PRIO_PROCESS, 1, 10)
    """)
    puppet = await restarted(isolated, puppet, "fork")
    found = await puppet.does("""
        import ctypes, os, resource, socket
        libc = ctypes.CDLL(None, use_errno=True)
        found = {name: len(open("/proc/sysvipc/" + name).readlines()) - 1 for name in ("shm", "sem", "msg")}
        found["mq"] = libc.mq_open(b"/left", os.O_RDWR)
        found["sockets"] = sum(len(open("/proc/net/" + name).readlines()) - 1 for name in ("tcp6", "udp", "unix"))
        found["files"] = min(resource.getrlimit(resource.RLIMIT_NOFILE)) - 1024
        found["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
        with socket.create_server(("127.0.0.1", 8080)), socket.socket(socket.AF_UNIX) as name:
            name.bind("\\0left")
        return found
    """)
    assert found == {
        **dict.fromkeys(("shm", "sem", "msg", "sockets", "files", "nice"), 0),
        "mq": -1,
    }


async def test_what_the_guest_before_left_at_a_door_is_not_taken_for_the_new_ones(stage: Stage) -> None:
    puppet = await stage.puppet()
    await puppet.does("""
        import os, socket
        address = os.environ["PUPPET_API"].split(":")
        for _ in range(200):  # more than the door lets wait
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex((address[0], int(address[1])))
            try: knock.send(b"old\\n")
            except OSError: pass
            memory[knock.fileno()] = knock
    """)
    await puppet.sandbox.vacate()
    sandbox = await stage.backend.restart(puppet.sandbox, stage.assignment())
    new = await stage.keep(sandbox).connected()  # the first to be accepted
    assert await new.does("return 'new'") == "new"
    with pytest.raises(BlockingIOError):
        sandbox.listeners[RUNTIME_API_PORT].accept()


@by_every_way
async def test_a_frozen_guest_can_be_followed_by_another(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way)
    puppet.sandbox.freeze()
    puppet = await restarted(stage, puppet, way)
    assert await puppet.does("return 'awake'") == "awake"
    puppet.sandbox.freeze()
    puppet.sandbox.thaw()
    assert await puppet.does("return 'awake'") == "awake"


@by_every_way
async def test_a_guest_that_has_ended_can_be_followed_by_another(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way)
    puppet.tell("import os; open('/tmp/' + str(os.getpid()), 'w'); os._exit(3)")
    assert await ended(puppet) == Exit(code=3, signal=None)
    again = await restarted(stage, puppet, way)
    assert await again.does("return 'here'") == "here"
    assert await ended(puppet) == Exit(code=3, signal=None)


async def test_a_guest_whose_memory_ran_out_is_followed_by_one_that_is_told_apart(isolated: Stage) -> None:
    limits = Limits(memory_mib=128, tmp_mib=16)
    puppet = await isolated.puppet("fork", limits=limits)
    if puppet.sandbox.usage().memory_peak_mib == 0:
        pytest.skip("no cgroup limits memory here")
    await puppet.does("open('/tmp/kept', 'w').write('x')")
    puppet.tell("memory['much'] = bytearray(b'x') * (300 << 20)")
    assert (await ended(puppet)).out_of_memory
    again = await restarted(isolated, puppet, "fork", limits=limits)
    assert await again.does("import os; return os.listdir('/tmp')") == ["kept"]
    assert again.sandbox.memory_peak_mib() < 100 < puppet.sandbox.memory_peak_mib()
    again.tell("import os; os.kill(os.getpid(), 9)")
    assert await ended(again) == Exit(code=None, signal=signal.SIGKILL, out_of_memory=False)


async def test_what_is_in_tmp_comes_on_top_of_the_memory_of_the_next_guest(isolated: Stage) -> None:
    limits = Limits(memory_mib=128, tmp_mib=100)
    puppet = await isolated.puppet("fork", limits=limits)
    if puppet.sandbox.usage().memory_peak_mib == 0:
        pytest.skip("no cgroup limits memory here")
    await puppet.does("""
        with open('/tmp/large', 'wb') as large:
            for _ in range(80): large.write(b'x' * (1 << 20))
    """)
    again = await restarted(isolated, puppet, "fork", limits=limits)
    assert again.sandbox.memory_peak_mib() >= 80
    assert await again.does("memory['some'] = bytearray(b'x') * (64 << 20); return len(memory)") == 1
    again.tell("memory['much'] = bytearray(b'x') * (128 << 20)")
    assert (await ended(again)).out_of_memory


async def test_a_sandbox_whose_first_process_was_killed_keeps_its_tmp(isolated: Stage) -> None:
    puppet = await isolated.puppet("fork")
    await puppet.does("open('/tmp/kept', 'w').write('x')")
    os.kill(puppet.sandbox.pid, signal.SIGKILL)
    assert (await ended(puppet)).signal == signal.SIGKILL
    again = await restarted(isolated, puppet, "fork")
    assert await again.does("import os; return os.listdir('/tmp')") == ["kept"]


async def test_a_sandbox_whose_spawner_was_killed_keeps_its_tmp(isolated: Stage) -> None:
    puppet = await isolated.puppet("fork")
    await puppet.does("open('/tmp/kept', 'w').write('x')")
    status = Path(f"/proc/{puppet.sandbox.pid}/status").read_text()
    [spawner] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:")]
    os.kill(spawner, signal.SIGKILL)
    assert (await ended(puppet)).signal == signal.SIGKILL
    async with asyncio.timeout(GUARD_S):
        while Path(f"/proc/{spawner}").exists():
            await asyncio.sleep(0.001)
    again = await restarted(isolated, puppet, "fork")
    assert await again.does("open('/tmp/kept', 'a').write('y'); return open('/tmp/kept').read()") == "xy"


async def test_a_sandbox_that_runs_cannot_be_restarted_and_is_gone_then(isolated: Stage) -> None:
    puppet = await isolated.puppet()
    with pytest.raises(SandboxError):
        await isolated.backend.restart(puppet.sandbox, isolated.assignment())
    assert (await ended(puppet)).signal == signal.SIGKILL
    await puppet.sandbox.kill()


async def test_a_restart_that_is_cancelled_has_used_the_sandbox_up(isolated: Stage) -> None:
    puppet = await isolated.puppet()
    await puppet.sandbox.vacate()
    assert puppet.sandbox.vacant
    restart = asyncio.ensure_future(isolated.backend.restart(puppet.sandbox, isolated.assignment()))
    while puppet.sandbox.vacant:
        await asyncio.sleep(0)
    restart.cancel()
    with pytest.raises(asyncio.CancelledError):
        await restart
    assert not puppet.sandbox.vacant


async def test_a_sandbox_that_was_killed_cannot_be_restarted(isolated: Stage) -> None:
    puppet = await isolated.puppet()
    await puppet.sandbox.kill()
    with pytest.raises(SandboxError):
        await isolated.backend.restart(puppet.sandbox, isolated.assignment())


async def test_a_restart_that_fails_leaves_nothing_and_the_next_sandbox_is_new(isolated: Stage) -> None:
    puppet = await isolated.puppet()
    await puppet.does("open('/tmp/old', 'w').write('x')")
    await puppet.sandbox.vacate()
    missing = Mount(isolated.directory / "missing", "/opt")
    with pytest.raises(SandboxError, match="missing"):
        await isolated.backend.restart(puppet.sandbox, isolated.assignment(mounts=(missing,)))
    await puppet.sandbox.kill()
    assert await (await isolated.puppet()).does("import os; return os.listdir('/tmp')") == []


async def test_a_vacant_sandbox_can_be_vacated_and_killed_again_and_does_nothing(stage: Stage) -> None:
    puppet = await stage.puppet()
    sandbox = puppet.sandbox
    async with asyncio.timeout(GUARD_S):
        await sandbox.vacate()
        await sandbox.vacate()
        sandbox.freeze()
        sandbox.thaw()
        sandbox.set_cpus(0.5)
        sandbox.weigh(0.5)
        assert sandbox.usage() == sandbox.usage()
        await sandbox.kill()
        await sandbox.kill()
        await sandbox.vacate()
