"""A guest that signals everybody, mounts, restarts the machine."""

from __future__ import annotations

import asyncio
import errno

import pytest

from lambent.sandbox.contract import Exit
from tests.contract.stage import GUARD_S, Puppet, Stage

PRELUDE = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nx86 = os.uname().machine == 'x86_64'\n"
FORBIDDEN = {
    "unmount everything": "libc.umount2(b'/', 2)",
    "unmount its own /proc": "libc.umount2(b'/proc', 2)",
    "unmount what hides": "libc.umount2(b'/proc/kcore', 2)",
    "make the root writable": "libc.mount(None, b'/', None, 32 | 4096, None)",
    "make /proc writable": "libc.mount(None, b'/proc', None, 32, None)",
    "make its code writable": "libc.mount(None, b'/var/task', None, 32 | 4096, None)",
    "cover /usr": "libc.mount(b'none', b'/usr', b'tmpfs', 0, None)",
    "mount the disk": "libc.mount(b'/dev/vda', b'/tmp', b'ext4', 0, None)",
    "share its mounts": "libc.mount(None, b'/', None, 16384 | 1 << 20, None)",
    "change mount attributes": "libc.syscall(442, -100, b'/', 0x8000, (ctypes.c_uint64 * 4)(0, 1, 0, 0), 32)",
    "restart": "libc.reboot(0x01234567)",
    "halt": "libc.reboot(0xcdef0123 - (1 << 32))",
    "load another kernel": "libc.syscall(246 if x86 else 104, 0, 0, 0, 0)",
    "load a module": "libc.syscall(175 if x86 else 105, b'', 0, b'')",
    "unload a module": "libc.syscall(176 if x86 else 106, b'loop', 0)",
    "swap off": "libc.swapoff(b'/dev/vdb')",
    "account": "libc.acct(None)",
    "set the clock": "libc.settimeofday((ctypes.c_long * 2)(1, 0), None)",
    "set the host's name": "libc.sethostname(b'mine', 4)",
    "touch ports": "libc.iopl(3) if x86 else libc.syscall(117, 16, 1, 0, 0)",
    "hang up": "libc.vhangup()",
}


@pytest.mark.parametrize("call", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_the_kernel_refuses(attacker: Puppet, call: str) -> None:
    assert await attacker.does(PRELUDE + f"return [{call}, ctypes.get_errno()]") == [-1, errno.EPERM]


async def test_a_guest_that_kills_everybody_kills_itself(attacker: Puppet) -> None:
    attacker.tell("""
        import os, signal
        try: os.kill(-1, signal.SIGKILL)
        except ProcessLookupError: pass
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    async with asyncio.timeout(GUARD_S):
        assert await attacker.sandbox.exited() == Exit(code=None, signal=9)


async def test_a_guest_that_kills_every_number_kills_itself(stage: Stage, attacker: Puppet) -> None:
    neighbour = await stage.puppet("exec")
    await attacker.does("""
        import os, signal
        for pid in range(1, 70000):
            if pid != os.getpid():
                for number in (signal.SIGSTOP, signal.SIGKILL):
                    try: os.kill(pid, number)
                    except (ProcessLookupError, PermissionError): pass
    """)
    assert await neighbour.does("return 'alive'") == "alive"
    assert await attacker.does("return 'and served'") == "and served"


async def test_a_guest_that_stops_everybody_is_killed_all_the_same(attacker: Puppet) -> None:
    attacker.tell("""
        import os, signal
        if os.fork(): os.kill(-1, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
    """)
    async with asyncio.timeout(GUARD_S):
        await attacker.sandbox.kill()
    assert (await attacker.sandbox.exited()).signal == 9
