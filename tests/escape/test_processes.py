"""A guest that looks for other processes."""

from __future__ import annotations

import errno
import os

import pytest

from tests.contract.stage import Puppet, Stage


async def test_no_process_of_the_host_is_seen(guest: Puppet) -> None:
    programs = await guest.does("""
        import os
        seen = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try: seen[pid] = open(f"/proc/{pid}/cmdline").read()
            except OSError: seen[pid] = None
        return seen
    """)
    assert len(programs) <= 2
    assert set(programs) <= {"1", "2", "3"}


async def test_the_process_ids_of_the_host_name_nobody(guest: Puppet) -> None:
    for pid in (os.getpid(), os.getppid(), guest.sandbox.pid):
        if pid > 10:
            assert (await guest.refuses(f"import os; os.kill({pid}, 0)")).errno == errno.ESRCH


async def test_the_servers_variables_are_nowhere_to_be_read(guest: Puppet) -> None:
    assert os.environ["LAMBENT_SECRET"] == "the-servers-secret"
    found = await guest.does("""
        import os
        found = ["variables"] if "LAMBENT_SECRET" in os.environ else []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("environ", "cmdline"):
                try: text = open(f"/proc/{pid}/{name}", "rb").read()
                except OSError: continue
                if b"the-servers-secret" in text: found.append(pid + name)
        return found
    """)
    assert found == []


async def test_the_memory_of_the_guest_holds_no_variable_of_the_server(guest: Puppet) -> None:
    found = await guest.does(r"""
        import re
        needle = re.compile(rb"LAMBENT_SECRE[T]=|the-server[s]-secret")  # does not match itself
        found = 0
        with open("/proc/self/mem", "rb", 0) as memory_file:
            for line in open("/proc/self/maps"):
                where, rights, *rest = line.split()
                if rights[0] != "r" or "[v" in line: continue
                start, end = (int(edge, 16) for edge in where.split("-"))
                memory_file.seek(start)
                try: found += len(needle.findall(memory_file.read(end - start)))
                except OSError: pass
        return found
    """)
    assert found == 0


@pytest.mark.parametrize("name", ["environ", "maps", "mem", "fd", "fdinfo", "cwd", "root", "ns/mnt", "task/1/environ"])
async def test_the_first_process_is_closed_to_the_guest(guest: Puppet, name: str) -> None:
    refused = await guest.refuses(f"""
        import os
        path = "/proc/1/{name}"
        if os.path.islink(path) or {name!r} in ("cwd", "root", "ns/mnt"): return os.readlink(path)
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(10).hex()
    """)
    assert refused.errno in (errno.EACCES, errno.EPERM)


@pytest.mark.parametrize("request_number", [16, 0x4206])  # PTRACE_ATTACH, PTRACE_SEIZE
async def test_nobody_can_be_traced(guest: Puppet, request_number: int) -> None:
    traced = await guest.does(f"""
        import ctypes, os, signal
        libc = ctypes.CDLL(None, use_errno=True)
        child = os.fork()
        if child == 0: signal.pause()
        answers = [[libc.ptrace({request_number}, pid, 0, 0), ctypes.get_errno()] for pid in (1, child)]
        os.kill(child, 9); os.waitpid(child, 0)
        return answers
    """)
    assert traced == [[-1, errno.EPERM]] * 2


async def test_nobodys_memory_can_be_read_by_the_back_door(guest: Puppet) -> None:
    assert await guest.does("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        return [libc.process_vm_readv(1, 0, 0, 0, 0, 0), ctypes.get_errno()]
    """) == [-1, errno.EPERM]


async def test_the_first_process_outlives_every_signal_of_the_guest(guest: Puppet) -> None:
    await guest.does("""
        import os, signal
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV, signal.SIGCHLD, signal.SIGUSR1):
            try: os.kill(1, number)
            except PermissionError: pass
    """)
    assert await guest.does("return 'here'") == "here"


async def test_a_waiting_sandbox_and_a_running_one_do_not_see_each_other(stage: Stage) -> None:
    one, other = await stage.puppet("fork"), await stage.puppet("exec")
    for puppet in (one, other):
        assert max(map(int, await puppet.does("import os; return [*filter(str.isdigit, os.listdir('/proc'))]"))) < 10


async def test_every_sandbox_of_root_has_a_user_of_its_own(stage: Stage) -> None:
    if os.geteuid() != 0:
        pytest.skip("an unprivileged user has one user id")
    users = {await (await stage.puppet("fork")).does("import os; return os.getuid()") for _ in range(3)}
    assert len(users) == 3
    assert os.getuid() not in users
