"""The filter says what its table says, for every number, on both architectures; and what we run can live under it."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from lambent.sandbox.native import seccomp
from tests.sandbox.native.bpf import AARCH64, ALLOW, ARM, ASK, ENOSYS, EPERM, I386, KILL, X86_64, verdict

TABLE: Final = Path(seccomp.__file__).with_name("syscalls.txt")
NUMBERS_TRIED: Final = 1100  # beyond the newest call, and beyond x86_64's reserved 512..547
BOTH: Final = pytest.mark.parametrize(("arch", "audit"), [("x86_64", X86_64), ("aarch64", AARCH64)])
PLAIN: Final = {"allow": ALLOW, "deny": EPERM, "missing": ENOSYS}

ESCAPES: Final = (
    "unshare setns mount umount2 open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr pivot_root chroot "
    "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp bpf perf_event_open keyctl add_key "
    "request_key userfaultfd kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff "
    "quotactl quotactl_fd acct settimeofday clock_settime sethostname setdomainname open_by_handle_at syslog "
    "fanotify_init move_pages migrate_pages open_tree_attr"
)


def table(arch: str) -> dict[str, tuple[int, str]]:
    column = {"x86_64": 1, "aarch64": 2}[arch]
    rows = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {row[0]: (int(row[column]), row[3]) for row in rows if row[column] != "-"}


class Filter:
    def __init__(self, arch: str, audit: int) -> None:
        self.blob = seccomp.program(arch)
        self.numbers = {name: number for name, (number, _) in table(arch).items()}
        self.audit = audit

    def says(self, name: str, *arguments: int) -> int:
        return verdict(self.blob, self.audit, self.numbers[name], *arguments)[0]


@pytest.fixture(params=["x86_64", "aarch64"])
def compiled(request: pytest.FixtureRequest) -> Filter:
    arch: str = request.param
    return Filter(arch, {"x86_64": X86_64, "aarch64": AARCH64}[arch])


@BOTH
def test_every_number_gets_what_the_table_says_and_an_unknown_one_is_refused(arch: str, audit: int) -> None:
    blob = seccomp.program(arch)
    by_number = dict(table(arch).values())
    newest = max(by_number)
    for number in range(NUMBERS_TRIED):
        word = by_number.get(number, "deny" if number < newest else "missing")
        if word in PLAIN:
            assert verdict(blob, audit, number, 1, 2, 3)[0] == PLAIN[word], number


@BOTH
def test_a_plain_verdict_does_not_depend_on_arguments(arch: str, audit: int) -> None:
    blob = seccomp.program(arch)
    for number, word in table(arch).values():
        if word in PLAIN:
            every_bit = (2**64 - 1,) * 6
            assert verdict(blob, audit, number)[0] == verdict(blob, audit, number, *every_bit)[0]


@BOTH
def test_no_number_takes_more_than_two_dozen_instructions(arch: str, audit: int) -> None:
    blob = seccomp.program(arch)
    steps = [verdict(blob, audit, number, 2, 1, 6)[1] for number in range(NUMBERS_TRIED)]
    assert max(steps) <= 24


@BOTH
def test_a_call_by_another_architecture_kills(arch: str, audit: int) -> None:
    blob = seccomp.program(arch)
    for other in {X86_64, AARCH64, I386, ARM, 0, 0xFFFFFFFF} - {audit}:
        for number in (0, 39, 63, 172, 0x40000000):
            assert verdict(blob, other, number)[0] == KILL


def test_the_second_interface_of_x86_64_kills() -> None:
    blob = seccomp.program("x86_64")
    for number in (0x40000000, 0x40000000 + 39, 0x7FFFFFFF, 0xFFFFFFFF):
        assert verdict(blob, X86_64, number)[0] == KILL


def test_what_an_escape_begins_with_is_refused(compiled: Filter) -> None:
    for name in ESCAPES.split():
        assert compiled.says(name) == EPERM, name


def test_calls_that_have_an_older_twin_are_reported_missing(compiled: Filter) -> None:
    for name in ("clone3", "io_uring_setup", "io_uring_enter", "io_uring_register"):
        assert compiled.says(name) == ENOSYS


def test_a_process_or_thread_may_be_made_but_no_namespace(compiled: Filter) -> None:
    fork, thread = 0x01200011, 0x003D0F00
    assert compiled.says("clone", fork) == ALLOW
    assert compiled.says("clone", thread) == ALLOW
    for namespace in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert compiled.says("clone", namespace) == EPERM
        assert compiled.says("clone", fork | namespace) == EPERM
        assert compiled.says("clone", 1 << 40 | namespace) == EPERM


def test_nobody_types_into_a_terminal_even_by_a_request_with_high_bits(compiled: Filter) -> None:
    tcgets, tiocsti, tioclinux, tiocsetd = 0x5401, 0x5412, 0x541C, 0x5423
    assert compiled.says("ioctl", 0, tcgets) == ALLOW
    for request in (tiocsti, tioclinux, tiocsetd):
        assert compiled.says("ioctl", 0, request) == EPERM
        assert compiled.says("ioctl", 0, 1 << 32 | request) == EPERM


def test_sockets_are_unix_internet_or_a_look_at_the_routes(compiled: Filter) -> None:
    unix, inet, inet6, netlink = 1, 2, 10, 16
    close_on_exec = 0o2000000
    for family in (inet, inet6):
        for kind in (1, 2, 1 | close_on_exec):
            assert compiled.says("socket", family, kind, 0) == ALLOW
        assert compiled.says("socket", family, 1, 6) == ALLOW
        assert compiled.says("socket", family, 1, 132) == EPERM  # SCTP
        assert compiled.says("socket", family, 5, 0) == EPERM  # SEQPACKET, which is SCTP
        assert compiled.says("socket", family, 6, 0) == EPERM  # DCCP
        assert compiled.says("socket", family, 10, 0) == EPERM  # PACKET, the old way
    assert compiled.says("socket", unix, 5, 0) == ALLOW
    assert compiled.says("socket", netlink, 3, 0) == ALLOW
    assert compiled.says("socket", netlink, 3, 12) == EPERM  # netfilter
    allowed = {family for family in range(64) if compiled.says("socket", family, 1, 0) == ALLOW}
    assert allowed == {unix, inet, inet6, netlink}
    paired = {family for family in range(64) if compiled.says("socketpair", family, 1, 0) == ALLOW}
    assert paired == {unix}


def test_what_keeps_memory_is_asked_about_when_there_is_somebody_to_ask(compiled: Filter) -> None:
    asked = Filter.__new__(Filter)
    arch = "x86_64" if compiled.audit == X86_64 else "aarch64"
    asked.blob, asked.numbers, asked.audit = seccomp.program(arch, gated=True), compiled.numbers, compiled.audit
    unix, inet, inet6, netlink = 1, 2, 10, 16
    for family, kind in ((inet, 1), (inet, 2), (inet6, 1), (inet6, 2), (netlink, 2), (netlink, 3)):
        for call in ((family, kind, 0), (1 << 32 | family, 1 << 32 | kind, 0), (family, 0o2000000 | kind, 0)):
            assert asked.says("socket", *call) == ASK
            assert compiled.says("socket", *call) == ALLOW
    assert asked.says("socket", unix, 1, 0) == ALLOW
    assert asked.says("socket", inet, 1, 262) == EPERM  # MPTCP
    assert asked.says("seccomp", 1) == asked.says("prctl", 22) == ASK
    assert asked.says("seccomp", 2) == asked.says("prctl", 15) == ALLOW


def test_socket_options_that_keep_memory_are_not_there(compiled: Filter) -> None:
    no_option, nothing_done = 0x00050000 | 92, 0x00050000
    for level, option in ((1, 26), (1, 37), (1, 60), (1, 65), (6, 31), (41, 32), (132, 1), (284, 1)):
        assert compiled.says("setsockopt", 3, level, option) == no_option
        assert compiled.says("setsockopt", 3, 1 << 32 | level, 1 << 32 | option) == no_option
    for level, option in ((1, 2), (1, 7), (1, 9), (0, 11), (6, 1), (17, 103), (41, 26), (270, 11)):
        assert compiled.says("setsockopt", 3, level, option) == ALLOW
    assert compiled.says("setsockopt", 3, 1, 8) == nothing_done


def test_nobody_has_the_machine_write_its_files(compiled: Filter) -> None:
    nothing_done = 0x00050000
    for call in ("sync", "syncfs", "fsync", "fdatasync"):
        assert compiled.says(call, 3) == nothing_done
    assert compiled.says("msync", 0, 4096, 4) == compiled.says("msync", 0, 4096, 1 << 32 | 6) == nothing_done
    assert compiled.says("msync", 0, 4096, 1) == ALLOW


def test_personality_takes_the_known_values_only(compiled: Filter) -> None:
    no_randomisation = 0x40000
    assert compiled.says("personality", 0xFFFFFFFF) == ALLOW
    assert compiled.says("personality", 0) == ALLOW
    assert compiled.says("personality", no_randomisation) == EPERM


def test_the_numbers_are_those_of_this_machines_headers() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip("the kernel's headers for x86_64 are not installed")
    known = {name: number for name, (number, _) in table("x86_64").items()}
    for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()):
        assert known.get(name, int(number)) == int(number)
    listed = {number for number, _ in table("x86_64").values()}
    assert listed >= {int(number) for number in re.findall(r"#define __NR_\w+ (\d+)", header.read_text())}


# -- and now the kernel -----------------------------------------------------------------------------------------------

LAUNCHER: Final = f"""
import ctypes, os, sys
sys.path.insert(0, {str(TABLE.parent)!r})
import seccomp
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
seccomp.Filter(seccomp.program(os.uname().machine)).install()
os.execvp(sys.argv[1], sys.argv[1:])
"""
on_linux: Final = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"), reason="the filter is for Linux"
)


def filtered(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *argv], capture_output=True, text=True, timeout=60, check=False
    )


def python(source: str) -> str:
    done = filtered(sys.executable, "-c", source)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@on_linux
@pytest.mark.parametrize(
    "call",
    [
        "libc.unshare(0x10000000)",
        "libc.unshare(0x20000)",
        "libc.ptrace(0, 0, 0, 0)",
        "libc.mount(b'none', b'/proc/nowhere', b'tmpfs', 0, 0)",
        "libc.umount2(b'/proc/nowhere', 0)",
        "libc.chroot(b'/proc/nowhere')",
        "libc.syscall(321, 0, 0, 0) if x86 else libc.syscall(280, 0, 0, 0)",  # bpf
        "libc.setns(-1, 0)",
        "libc.socket(40, 1, 0)",
        "libc.socket(38, 5, 0)",
        "libc.socket(17, 3, 0)",
        "libc.socket(2, 5, 132)",
        "libc.personality(0x40000)",
        "libc.ioctl(0, 0x5412, b'x')",
        "libc.ioctl(0, ctypes.c_ulong(1 << 32 | 0x5412), b'x')",
    ],
)
def test_a_real_process_is_told_that_it_may_not(call: str) -> None:
    source = f"""
import ctypes, os
x86 = os.uname().machine == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)
result = {call}
print(result, ctypes.get_errno())
"""
    assert python(source) == "-1 1"


@on_linux
def test_io_uring_and_clone3_look_as_on_an_older_kernel() -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number in (425, 435, 600):
    print(libc.syscall(number, 0, 0), ctypes.get_errno())
"""
    assert python(source).splitlines() == ["-1 38"] * 3


@on_linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the second interface is x86_64's")
def test_a_call_by_the_second_interface_kills_the_process() -> None:
    done = filtered(sys.executable, "-c", "import ctypes; ctypes.CDLL(None).syscall(0x40000000 | 39)")
    assert done.returncode == -31  # SIGSYS


@on_linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="int 0x80 is x86's")
def test_a_call_by_the_32_bit_interface_kills_the_process() -> None:
    source = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
    assert filtered(sys.executable, "-c", source).returncode == -31


@on_linux
def test_the_filter_cannot_be_taken_off() -> None:
    source = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.prctl(22, 0, 0, 0, 0), libc.prctl(22, 2, 0, 0, 0))  # PR_SET_SECCOMP
print(open("/proc/self/status").read().split("Seccomp:")[1].split()[0])
"""
    assert python(source).splitlines() == ["-1 -1", "2"]


PYTHON_AT_WORK: Final = """
import asyncio, multiprocessing, socket, subprocess, threading, tempfile, concurrent.futures as futures, os

def double(number): return number * 2

async def conversation():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\\n")
    line = await reader.readline()
    child = await asyncio.create_subprocess_exec("/bin/echo", "child", stdout=subprocess.PIPE)
    out, _ = await child.communicate()
    writer.close()
    server.close()
    return line + out

if __name__ == "__main__":
    seen = []
    threads = [threading.Thread(target=seen.append, args=(n,)) for n in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
    assert sorted(seen) == list(range(8))
    assert subprocess.run(["/bin/sh", "-c", "cat | tr a b"], input=b"aa", capture_output=True).stdout == b"bb"
    assert asyncio.run(conversation()) == b"hello\\nchild\\n"
    for way in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(way).Pool(2) as pool:
            assert pool.map(double, [1, 2]) == [2, 4]
    with futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(double, range(4))) == [0, 2, 4, 6]
    with tempfile.TemporaryDirectory() as directory:
        os.symlink("/etc", directory + "/link")
        os.chmod(directory, 0o700)
    assert socket.getaddrinfo("127.0.0.1", 80)
    assert socket.if_nameindex()
    print("fine")
"""


@on_linux
def test_cpython_threads_subprocesses_asyncio_and_multiprocessing_work(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(PYTHON_AT_WORK)
    done = filtered(sys.executable, str(tmp_path / "work.py"))
    assert (done.stdout.strip(), done.returncode) == ("fine", 0), done.stderr


@on_linux
def test_a_shell_and_its_tools_work() -> None:
    done = filtered("/bin/sh", "-c", "echo a | sed s/a/b/ && ls / >/dev/null && (sleep 0 & wait) && echo $?")
    assert done.stdout.split() == ["b", "0"], done.stderr


NODE_AT_WORK: Final = """
const { Worker } = require('worker_threads');
const { execFileSync } = require('child_process');
const fs = require('fs'), http = require('http'), os = require('os');
os.networkInterfaces();
const worker = new Worker("require('worker_threads').parentPort.postMessage(7)", { eval: true });
worker.on('message', n => {
  const server = http.createServer((q, s) => s.end('hello')).listen(0, '127.0.0.1', async () => {
    const got = await (await fetch('http://127.0.0.1:' + server.address().port)).text();
    await fs.promises.readFile('/proc/self/status');
    console.log(n, got, execFileSync('/bin/echo', ['child']).toString().trim());
    process.exit(0);
  });
});
"""


@on_linux
@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_node_its_workers_children_and_sockets_work() -> None:
    done = filtered("node", "-e", NODE_AT_WORK)
    assert done.stdout.split() == ["7", "hello", "child"], done.stderr


@on_linux
@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_curl_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    source = f"""
import functools, http.server, subprocess, threading
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory={str(tmp_path)!r})
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://localhost:{{server.server_address[1]}}/file"
print(subprocess.run(["curl", "-s", "--noproxy", "*", url], capture_output=True, text=True).stdout)
"""
    assert python(source) == "hello"
