"""A guest that asks the kernel for what is not its own. The arguments are such that even a yes would do no harm."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import uuid
from pathlib import Path

import pytest

from tests.contract.stage import Puppet, Stage

PRELUDE = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nx86 = os.uname().machine == 'x86_64'\n"
FORBIDDEN = {
    "a user namespace": "libc.unshare(0x10000000)",
    "a mount namespace": "libc.unshare(0x20000)",
    "a network namespace": "libc.unshare(0x40000000)",
    "a user namespace by clone": "libc.syscall(56 if x86 else 220, 0x10000000 | 17, 0, 0, 0, 0)",
    "the first process's namespace": "libc.setns(libc.syscall(434, 1, 0), 0x20000)",
    "a mount": "libc.mount(b'none', b'/tmp', b'tmpfs', 0, b'size=1m')",
    "a bind mount": "libc.mount(b'/tmp', b'/tmp', None, 4096, None)",
    "a new root": "libc.syscall(155 if x86 else 41, b'/tmp', b'/tmp')",
    "an open tree": "libc.syscall(428, -100, b'/', 1)",
    "a file system context": "libc.syscall(430, b'tmpfs', 0)",
    "another host name": "libc.sethostname(b'x', 1)",
    "a bpf program": "libc.syscall(321 if x86 else 280, 0, 0, 0)",
    "performance counters": "libc.syscall(298 if x86 else 241, 0, 0, -1, -1, 0)",
    "page faults of its own": "libc.syscall(323 if x86 else 282, 0)",
    "the session keyring": "libc.syscall(250 if x86 else 219, 0, -3, 0)",
    "a key": "libc.syscall(248 if x86 else 217, b'user', b'x', b'y', 1, -3)",
    "a key of others": "libc.syscall(249 if x86 else 218, b'user', b'x', 0, -3)",
    "the kernel's log": "libc.klogctl(3, ctypes.create_string_buffer(16), 16)",
    "a file by its handle": "libc.syscall(304 if x86 else 265, -100, 0, 0)",
    "a raw packet": "libc.socket(17, 3, 0)",
    "a raw internet packet": "libc.socket(2, 3, 1)",
    "a line to the hypervisor": "libc.socket(40, 1, 0)",
    "the kernel's ciphers": "libc.socket(38, 5, 0)",
    "a keystroke": "libc.ioctl(0, ctypes.c_ulong(0x5412), b'x')",
    "a keystroke, disguised": "libc.ioctl(0, ctypes.c_ulong(1 << 32 | 0x5412), b'x')",
    "another user": "libc.setuid(0)",
    "real-time priority": "libc.sched_setscheduler(0, 1, ctypes.byref(ctypes.c_int(1)))",
    "all capabilities": (
        "libc.capset(ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)),"
        " ctypes.byref((ctypes.c_uint32 * 6)(1 << 21, 1 << 21, 0, 0, 0, 0)))"
    ),
}


@pytest.mark.parametrize("call", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_the_kernel_refuses(guest: Puppet, call: str) -> None:
    assert await guest.does(PRELUDE + f"return [{call}, ctypes.get_errno()]") == [-1, errno.EPERM]


async def test_io_uring_is_not_there(guest: Puppet) -> None:
    assert await guest.does(PRELUDE + "return [libc.syscall(425, 1, 0), ctypes.get_errno()]") == [-1, errno.ENOSYS]


async def test_the_clock_can_be_read_but_not_set(guest: Puppet) -> None:
    refused = await guest.refuses("import time; time.clock_settime(time.CLOCK_REALTIME, time.time())")
    assert refused.errno == errno.EPERM
    assert await guest.does("import time; return time.time() > 0")


async def test_niceness_can_only_grow(guest: Puppet) -> None:
    assert (await guest.refuses("import os; os.setpriority(os.PRIO_PROCESS, 0, -5)")).errno in (
        errno.EPERM,
        errno.EACCES,
    )


async def test_shared_memory_and_queues_of_the_host_are_not_there(guest: Puppet) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x1A3B0000 | os.getpid() & 0xFFFF
    create = 0o1666
    segment, queue, semaphore = libc.shmget(key, 4096, create), libc.msgget(key, create), libc.semget(key, 1, create)
    try:
        assert min(segment, queue, semaphore) >= 0
        seen = await guest.does(
            PRELUDE
            + f"""
key = {key}
answers = []
for call in (lambda: libc.shmget(key, 0, 0), lambda: libc.msgget(key, 0), lambda: libc.semget(key, 0, 0)):
    answers.append([call(), ctypes.get_errno()])
return answers"""
        )
        assert seen == [[-1, errno.ENOENT]] * 3
    finally:
        libc.shmctl(segment, 0, 0)
        libc.msgctl(queue, 0, 0)
        libc.semctl(semaphore, 0, 0)


async def test_a_shared_memory_file_of_the_host_is_not_there(guest: Puppet) -> None:
    file = Path(f"/dev/shm/lambent-{uuid.uuid4()}")
    file.write_text("secret")
    try:
        assert (await guest.refuses(f"return open({str(file)!r}).read()")).errno == errno.ENOENT
        assert (await guest.refuses("import os; os.listdir('/dev/shm')")).errno == errno.ENOENT
    finally:
        file.unlink()


async def test_control_groups_are_neither_seen_nor_reached(guest: Puppet) -> None:
    groups = await guest.does("return open('/proc/self/cgroup').read()")
    for line in groups.splitlines():
        path = line.split(":", 2)[2]
        assert path == "/" or ".." not in path, f"the group's name is told: {line}"
    for source in (
        "import os; return os.listdir('/sys/fs/cgroup')",
        PRELUDE + "if libc.mount(b'c', b'/tmp', b'cgroup2', 0, None): raise OSError(ctypes.get_errno(), 'mount')",
    ):
        assert (await guest.refuses(source)).errno in (errno.ENOENT, errno.EPERM, errno.EACCES)


async def test_limits_cannot_be_raised(guest: Puppet) -> None:
    for limit in ("RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_MEMLOCK", "RLIMIT_CORE"):
        source = f"""
            import resource
            soft, hard = resource.getrlimit(resource.{limit})
            resource.setrlimit(resource.{limit}, (hard + 1, hard + 1))
        """
        refused = await guest.refuses(source)
        assert refused.kind in ("ValueError", "PermissionError")


async def test_what_nobody_reads_blocks_the_guest_and_not_the_server(stage: Stage) -> None:
    guest = await stage.puppet("fork")
    guest.tell("""
        import os
        while True: os.write(1, b"x" * 65536)
    """)
    other = await stage.puppet("fork")
    assert await asyncio.gather(other.does("return 1"), other_work(stage)) == [1, 2]
    await guest.sandbox.kill()


async def other_work(stage: Stage) -> int:
    return await (await stage.puppet("exec")).does("return 2")
