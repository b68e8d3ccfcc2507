"""What every sandbox does, whichever backend made it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.sandbox.contract import (
    GATEWAY_PORT,
    LISTENER_PORTS,
    RUNTIME_API_PORT,
    Exit,
    Limits,
    Mount,
    SandboxError,
)
from tests.contract.conftest import chosen
from tests.contract.stage import GUARD_S, PUPPET, WAYS, Puppet, Stage
from tests.mortal import mortal

by_every_way = pytest.mark.parametrize("way", WAYS)

SILENCE_S = 0.3  # how long a frozen guest is listened to


def processes_with(token: str) -> list[int]:
    """The host's processes that have the token among their arguments or variables."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if token.encode() in text:
                found.append(int(entry.name))
    return found


async def eventually(count: int, token: str) -> None:
    """Wait until at least so many processes have the token, or none: one in the middle of an exec has no arguments."""
    async with asyncio.timeout(GUARD_S):
        while (there := len(processes_with(token))) < count or (count == 0 and there):
            await asyncio.sleep(0.01)


async def ended(puppet: Puppet) -> Exit:
    async with asyncio.timeout(GUARD_S):
        return await puppet.sandbox.exited()


@by_every_way
async def test_a_guest_runs_with_its_code_and_variables(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way, environment={"PUPPET_API": "127.0.0.1:9001", "COLOUR": "grün"})
    assert await puppet.does("import os; return os.environ['COLOUR']") == "grün"
    assert await puppet.does("return open('handler.txt').read()") == "code"
    assert await puppet.does("import os; return os.getcwd()") == stage.backend.visible(stage.task)


@by_every_way
async def test_a_sandbox_that_waits_becomes_a_function_when_it_is_assigned(stage: Stage, way: str) -> None:
    waiting = await stage.backend.prepare(stage.templates[way])
    assert waiting.alive
    puppet = stage.keep(await stage.backend.assign(waiting, stage.assignment(way)))
    assert await (await puppet.connected()).does("return open('handler.txt').read()") == "code"


@by_every_way
async def test_what_waits_can_be_killed_twice_and_is_not_alive_then(stage: Stage, way: str) -> None:
    waiting = await stage.backend.prepare(stage.templates[way])
    await waiting.kill()
    await waiting.kill()
    assert not waiting.alive


async def test_a_template_rehearses_before_its_first_fork_and_a_fork_does_while_it_waits(stage: Stage) -> None:
    waiting = await stage.backend.prepare(stage.templates["rehearsed"])
    has_waited = stage.keep(await stage.backend.assign(waiting, stage.assignment()))
    await has_waited.connected()
    has_not = await stage.puppet("rehearsed")
    rehearsed = "import puppet; return puppet.REHEARSED"
    assert await has_waited.does(rehearsed) == ([False, True] if stage.backend.name == "native" else [False])
    assert await has_not.does(rehearsed) == [False]


@pytest.mark.parametrize("ahead", [True, False])
async def test_a_program_that_boots_has_the_options_of_its_template(stage: Stage, ahead: bool) -> None:
    template = replace(stage.templates["boot"], options=(("-Xint_max_str_digits", 700),))
    backend, assignment = stage.backend, stage.assignment()
    started = (
        backend.assign(await backend.prepare(template), assignment) if ahead else backend.start(template, assignment)
    )
    puppet = await stage.keep(await started).connected()
    assert await puppet.does("import sys; return sys.flags.int_max_str_digits") == 700


async def test_both_doors_are_answered_from_outside(stage: Stage) -> None:
    puppet = await stage.puppet(environment={"PUPPET_API": "127.0.0.1:9001", "DOOR": "http://127.0.0.1:4566/x"})
    assert set(puppet.sandbox.listeners) == set(LISTENER_PORTS) == {RUNTIME_API_PORT, GATEWAY_PORT}
    puppet.tell("""
        import os, socket
        port = os.environ["DOOR"].split(":")[2].split("/")[0]
        door = socket.create_connection(("127.0.0.1", int(port)))
        door.sendall(b"knock")
        return door.recv(100).decode()
    """)
    loop = asyncio.get_running_loop()
    visitor, _ = await loop.sock_accept(puppet.sandbox.listeners[GATEWAY_PORT])
    with visitor:
        assert await loop.sock_recv(visitor, 100) == b"knock"
        await loop.sock_sendall(visitor, b"come in")
        assert await puppet.answer() == "come in"


@by_every_way
async def test_stdout_and_stderr_are_one_pipe_in_the_order_written_that_ends_with_the_guest(
    stage: Stage, way: str
) -> None:
    puppet = await stage.puppet(way)
    puppet.tell("""
        import os, sys
        print("one", flush=True); print("two", file=sys.stderr, flush=True); os.write(1, b"three\\n")
        os._exit(0)
    """)
    assert await ended(puppet) == Exit(code=0, signal=None)
    await puppet.sandbox.kill()
    assert puppet.output() == b"one\ntwo\nthree\n"
    assert os.read(puppet.sandbox.output, 1) == b""


@pytest.mark.parametrize("code", [0, 1, 7, 255])
async def test_an_exit_code_is_told(stage: Stage, code: int) -> None:
    puppet = await stage.program("/bin/sh", "-c", f"exit {code}")
    assert await ended(puppet) == Exit(code=code, signal=None)


@by_every_way
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_a_death_by_a_signal_is_told_with_the_signal(stage: Stage, way: str, number: signal.Signals) -> None:
    puppet = await stage.puppet(way)
    puppet.tell(f"""
        import os, signal
        if {number} != signal.SIGKILL: signal.signal({number}, signal.SIG_DFL)
        os.kill(os.getpid(), {number})
    """)
    assert await ended(puppet) == Exit(code=None, signal=number)


async def test_the_end_is_told_to_all_who_wait_and_to_who_comes_late(stage: Stage) -> None:
    puppet = await stage.program("/bin/sh", "-c", "exit 3")
    first, second = await asyncio.gather(ended(puppet), ended(puppet))
    assert first == second == await ended(puppet) == Exit(code=3, signal=None)


async def test_a_program_that_is_not_there_ends_as_a_shell_would_say(stage: Stage) -> None:
    puppet = await stage.program("/nowhere/bootstrap")
    assert await ended(puppet) == Exit(code=127, signal=None)


async def test_a_file_that_cannot_be_executed_ends_as_a_shell_would_say(stage: Stage) -> None:
    puppet = await stage.program(f"{stage.backend.visible(stage.task)}/handler.txt")
    assert await ended(puppet) == Exit(code=126, signal=None)


async def test_an_executed_program_has_exactly_the_variables_it_was_given(stage: Stage) -> None:
    puppet = await stage.program("/usr/bin/env", environment={"A": "1", "B": "two words", "EMPTY": ""})
    assert (await ended(puppet)).code == 0
    assert sorted(puppet.output().decode().splitlines()) == ["A=1", "B=two words", "EMPTY="]


async def test_an_executed_program_has_its_arguments_and_three_descriptors_the_first_of_which_is_empty(
    stage: Stage,
) -> None:
    puppet = await stage.program("/bin/sh", "-c", 'echo "$0|$1"; ls /proc/self/fd; cat', "zero", "a b")
    assert (await ended(puppet)).code == 0
    named, *descriptors = puppet.output().decode().split("\n")
    assert named == "zero|a b"
    assert "".join(descriptors) == "0123"  # the last is what ls looks at


@by_every_way
async def test_a_guest_inherits_no_descriptor_of_the_server(stage: Stage, way: str) -> None:
    secret, _ = os.pipe()
    os.set_inheritable(secret, True)
    puppet = await stage.puppet(way)
    held = await puppet.does("""
        import os
        held = {}
        for fd in os.listdir("/proc/self/fd"):
            try: held[fd] = os.readlink("/proc/self/fd/" + fd)
            except OSError: pass
        return held
    """)
    os.close(secret)
    assert held.pop("0") == "/dev/null"
    assert held.pop("1") == held.pop("2")
    others = [target for target in held.values() if not target.startswith("/proc")]
    assert len(others) == 1, held  # the puppet's strings


@by_every_way
async def test_a_framed_log_is_a_second_way_into_the_output_in_the_order_written_and_always_waits_for_room(
    stage: Stage, way: str
) -> None:
    name = stage.templates[way].name
    template = replace(stage.templates[way], name=f"{name}-framed", framed_log=True)
    sandbox = await stage.backend.start(template, stage.assignment(way))
    puppet = await stage.keep(sandbox).connected()
    held = await puppet.does("""
        import fcntl, os
        os.set_blocking(1, False)
        for number, text in enumerate((b"one\\n", b"two\\n", b"three\\n")):
            os.write(4 if number == 1 else 1, text)
        same = os.readlink("/proc/self/fd/1") == os.readlink("/proc/self/fd/4")
        return same, os.get_blocking(1), os.get_blocking(4), fcntl.fcntl(4, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    """)
    assert held == [True, False, True, True]
    puppet.tell("""
        import os
        os.write(4, b"four\\n")
        os._exit(0)
    """)
    _ = await ended(puppet)
    await sandbox.vacate()
    assert puppet.output() == b"one\ntwo\nthree\nfour\n"
    assert os.read(sandbox.output, 1) == b""


@by_every_way
async def test_without_a_framed_log_there_is_no_such_descriptor(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way)
    refused = await puppet.refuses("""
        import os
        target = os.readlink("/proc/self/fd/1")
        others = [fd for fd in os.listdir("/proc/self/fd") if int(fd) > 2]
        for fd in others:
            try: assert os.readlink("/proc/self/fd/" + fd) != target
            except FileNotFoundError: pass
        raise LookupError
    """)
    assert refused.kind == "LookupError"


@by_every_way
async def test_a_frozen_guest_stands_still_with_its_children_and_goes_on_when_thawed(stage: Stage, way: str) -> None:
    puppet = await stage.puppet(way)
    await puppet.does("""
        import os, threading, time, mmap
        gaps = memory["gaps"] = mmap.mmap(-1, 64)
        def watch(at):
            last, longest = time.monotonic(), 0.0
            while True:
                time.sleep(0.001)
                now = time.monotonic()
                longest, last = max(longest, now - last), now
                gaps[at:at + 8] = b"%08d" % (longest * 1000)
        if os.fork() == 0: watch(8)
        threading.Thread(target=watch, args=(0,), daemon=True).start()
        while not (gaps[0] and gaps[8]): time.sleep(0.001)
    """)
    puppet.sandbox.freeze()
    puppet.sandbox.freeze()
    async with asyncio.timeout(GUARD_S):
        while not await puppet.silent_for(SILENCE_S):
            pass  # the contract: it may take effect a moment later
    puppet.sandbox.thaw()
    puppet.sandbox.thaw()
    assert await puppet.answer() == "awake"
    longest_ms = await puppet.does(
        "import time; time.sleep(0.05); return [int(memory['gaps'][0:8]), int(memory['gaps'][8:16])]"
    )
    assert min(longest_ms) > SILENCE_S * 1000 / 2


async def test_a_frozen_sandbox_can_be_killed(stage: Stage) -> None:
    puppet = await stage.puppet()
    puppet.sandbox.freeze()
    async with asyncio.timeout(GUARD_S):
        await puppet.sandbox.kill()
    assert (await ended(puppet)).signal == signal.SIGKILL


@by_every_way
async def test_kill_removes_every_descendant_and_may_be_repeated(stage: Stage, way: str) -> None:
    token = f"token-{uuid.uuid4()}"
    puppet = await stage.puppet(way)
    await puppet.does(f"""
        import subprocess
        subprocess.Popen(["/bin/sh", "-c", "sleep 1000; : {token}"])
        subprocess.run(["setsid", "-f", "/bin/sh", "-c", "sleep 1000; : {token}"], check=True)
        deaf = "trap '' TERM HUP INT; (setsid sh -c 'sleep 1000; : {token}' &) &"
        subprocess.run(["/bin/sh", "-c", deaf], check=True)
    """)
    await eventually(3, token)
    async with asyncio.timeout(GUARD_S):
        await puppet.sandbox.kill()
    assert processes_with(token) == []
    await puppet.sandbox.kill()
    puppet.sandbox.freeze()
    puppet.sandbox.thaw()


@by_every_way
async def test_when_the_first_process_ends_its_descendants_end_too(stage: Stage, way: str) -> None:
    token = f"token-{uuid.uuid4()}"
    puppet = await stage.puppet(way)
    await puppet.does(f"""
        import subprocess
        subprocess.run(["setsid", "-f", "/bin/sh", "-c", "sleep 1000; : {token}"], check=True)
    """)
    await eventually(1, token)
    puppet.tell("import os; os._exit(0)")
    assert await ended(puppet) == Exit(code=0, signal=None)
    await eventually(0, token)


async def test_usage_tells_the_peak_of_memory_and_the_processor_time_also_after_the_end(stage: Stage) -> None:
    puppet = await stage.puppet(limits=Limits(memory_mib=512))
    await puppet.does("""
        import time
        memory["ballast"] = bytearray(b"x") * (80 << 20)
        del memory["ballast"]
        while time.process_time() < 0.3: pass
    """)
    before = puppet.sandbox.usage()
    if before.memory_peak_mib == 0 and before.cpu_s == 0:
        pytest.skip("this machine cannot tell")
    assert 80 <= before.memory_peak_mib <= 160
    assert 0.2 <= before.cpu_s <= 30
    await puppet.sandbox.kill()
    after = puppet.sandbox.usage()
    assert after.memory_peak_mib >= 80
    assert after.cpu_s >= 0.2


async def test_many_start_at_once_and_each_is_itself(stage: Stage) -> None:
    async def one(number: int) -> int:
        puppet = await stage.puppet(
            WAYS[number % len(WAYS)], environment={"PUPPET_API": "127.0.0.1:9001", "NUMBER": str(number)}
        )
        return await puppet.does("import os; return int(os.environ['NUMBER'])")

    assert await asyncio.gather(*map(one, range(16))) == list(range(16))


async def test_leaving_the_backend_kills_what_still_runs(backend_name: str, stage: Stage, tmp_path: Path) -> None:
    token = f"token-{uuid.uuid4()}"
    async with chosen(backend_name) as backend:
        another = Stage(backend, tmp_path, AsyncExitStack())
        puppet = await another.puppet()
        await puppet.does(f"import subprocess; subprocess.Popen(['/bin/sh', '-c', 'sleep 1000; : {token}'])")
        waiting = await backend.prepare(another.templates["fork"])
        await eventually(1, token)
    assert processes_with(token) == []
    assert not waiting.alive
    assert (await ended(puppet)).signal == signal.SIGKILL
    await puppet.close()


async def test_an_assignment_whose_mount_does_not_exist_is_refused_by_name(isolated: Stage) -> None:
    missing = Mount(Path("/nowhere/at/all"), "/opt")
    with pytest.raises(SandboxError, match="/nowhere/at/all"):
        await isolated.puppet(mounts=(missing,))
    assert await (await isolated.puppet()).does("return 'fine'") == "fine"


async def test_a_template_whose_interpreter_does_not_exist_is_refused(stage: Stage) -> None:
    fork = stage.templates["fork"]
    assert fork.fork_server
    broken = replace(fork, name="broken", fork_server=replace(fork.fork_server, interpreter="/nowhere/python3"))
    if stage.backend.name == "process":
        waiting = await stage.backend.prepare(broken)
        async with asyncio.timeout(GUARD_S):
            while waiting.alive:
                await asyncio.sleep(0.01)
        with pytest.raises(SandboxError):
            await stage.backend.assign(waiting, stage.assignment())
    else:
        with pytest.raises(SandboxError, match="/nowhere/python3"):
            await stage.backend.prepare(broken)
    assert await (await stage.puppet()).does("return 'fine'") == "fine"


async def test_no_guest_survives_a_server_that_is_killed(backend_name: str, stage: Stage, tmp_path: Path) -> None:
    token = f"token-{uuid.uuid4()}"
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PUPPET.with_name("doomed.py")),
        backend_name,
        str(tmp_path),
        stdout=subprocess.PIPE,
        preexec_fn=mortal,
        cwd=str(PUPPET.parents[2]),
        env={**os.environ, "TOKEN": token, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert server.stdout
    try:
        async with asyncio.timeout(GUARD_S):
            while line := await server.stdout.readline():  # after what it logs
                if line == b"playing\n":
                    break
        await eventually(3, token)
    finally:
        server.kill()
        await server.wait()
    await eventually(0, token)
