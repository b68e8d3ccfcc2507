"""A guest that looks for the host's files."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from lambent.sandbox.contract import Mount
from lambent.sandbox.native.resources import CORE_BYTES, core_bytes
from tests.contract.stage import Puppet, Refused, Stage

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lay this trap")


async def test_the_root_directory_holds_a_system_and_nothing_of_the_host(guest: Puppet) -> None:
    names = set(await guest.does("import os; return os.listdir('/')"))
    system = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "dev", "proc", "tmp", "var", "opt", "run"}
    system |= {"root", "home"}  # where the interpreter is, or empty
    empty = {"media", "mnt", "srv", "sys"}
    assert names <= system | empty
    assert await guest.does(f"import os; return [os.listdir('/' + name) for name in {sorted(empty)}]") == [[]] * 4


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/gshadow", "/etc/ssh", "/root/.ssh", "/root/.bashrc", "/boot"])
async def test_the_hosts_secrets_are_not_there(guest: Puppet, path: str) -> None:
    refused = await guest.refuses(f"import os; os.stat({path!r}); return open({path!r}, 'rb').read(10).hex()")
    assert refused.errno in (errno.ENOENT, errno.EACCES)


async def test_the_servers_own_files_are_not_there(guest: Puppet, tmp_path: Path) -> None:
    secret = tmp_path / "root-key"
    secret.write_text("secret")
    secret.chmod(0o644)
    for path in (secret, tmp_path, Path.cwd() / "pyproject.toml"):
        refused = await guest.refuses(f"import os; return os.stat({str(path)!r}).st_size")
        assert refused.errno in (errno.ENOENT, errno.EACCES)


@pytest.mark.parametrize("way_out", ["..", "../../..", "/..", "/proc/self/root/..", "/proc/1/root", "/proc/2/root/.."])
async def test_no_path_leads_above_the_root(guest: Puppet, way_out: str) -> None:
    seen = await guest.does(f"""
        import os
        inside = os.listdir("/")
        try: return sorted(os.listdir({way_out!r} if {way_out!r}[0] == "/" else "/" + {way_out!r})) == sorted(inside)
        except PermissionError: return True
    """)
    assert seen


async def test_an_open_directory_is_no_way_out_either(guest: Puppet) -> None:
    assert await guest.does("""
        import os
        fd = os.open("/tmp", os.O_RDONLY)
        for _ in range(50): fd = os.open("..", os.O_RDONLY, dir_fd=fd)
        return sorted(os.listdir(fd)) == sorted(os.listdir("/"))
    """)
    refused = await guest.refuses("import os; os.mkdir('/tmp/jail'); os.chroot('/tmp/jail')")
    assert refused.errno == errno.EPERM


async def test_a_link_in_the_code_leads_nowhere_but_inside(stage: Stage) -> None:
    (stage.code / "link").symlink_to("/etc/shadow")
    (stage.code / "up").symlink_to("../../../../../../../../etc/shadow")
    (stage.code / "tree").symlink_to(stage.directory)
    guest = await stage.puppet()
    for name in ("link", "up", "tree/code/handler.txt"):
        assert (await guest.refuses(f"return open('/var/task/{name}').read()")).errno == errno.ENOENT


async def test_links_in_tmp_do_not_lead_out_of_it(guest: Puppet) -> None:
    assert (await guest.refuses("import os; os.link('/var/task/handler.txt', '/tmp/hard')")).errno in (
        errno.EXDEV,
        errno.EPERM,
    )
    await guest.does("import os; os.symlink('/var/task/handler.txt', '/tmp/soft'); os.symlink('/etc/shadow', '/tmp/s')")
    assert (await guest.refuses("open('/tmp/soft', 'w')")).errno in (errno.EROFS, errno.EACCES)
    assert (await guest.refuses("open('/tmp/s')")).errno == errno.ENOENT


async def test_tmp_replaced_by_a_link_is_not_possible(guest: Puppet) -> None:
    assert (await guest.refuses("import os; os.rename('/tmp', '/other')")).errno in (
        errno.EROFS,
        errno.EBUSY,
        errno.EACCES,
        errno.EXDEV,
    )
    assert (await guest.refuses("import os; os.symlink('/etc', '/tmp2')")).errno in (errno.EROFS, errno.EACCES)


@as_root
async def test_a_set_uid_program_gives_no_rights(stage: Stage) -> None:
    program = stage.code / "id"
    shutil.copy("/usr/bin/id", program)
    program.chmod(0o6755)
    guest = await stage.puppet()
    mine, effective = await guest.does("""
        import os, subprocess
        return [os.getuid(), int(subprocess.check_output(["/var/task/id", "-u"]))]
    """)
    assert mine == effective != 0


async def test_no_mount_but_scratch_can_be_written_and_none_honours_set_uid(guest: Puppet) -> None:
    lines = await guest.does("return [line.split() for line in open('/proc/self/mounts')]")
    writable = {target for _, target, _, options, *_ in lines if "rw" in options.split(",")}
    assert writable <= {"/tmp", "/proc"}
    assert [line for line in lines if "nosuid" not in line[3].split(",") and not line[1].startswith("/dev/")] == []


async def test_devices_are_the_five_harmless_ones_and_no_other_can_be_made(guest: Puppet) -> None:
    names = await guest.does("import os; return os.listdir('/dev')")
    assert set(names) <= {"null", "zero", "full", "random", "urandom", "fd", "stdin", "stdout", "stderr"}
    refused = await guest.refuses("import os, stat; os.mknod('/tmp/memory', 0o600 | stat.S_IFCHR, os.makedev(1, 1))")
    assert refused.errno == errno.EPERM


@as_root
async def test_a_device_node_in_the_code_is_dead(stage: Stage) -> None:
    os.mknod(stage.code / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    (stage.code / "zero").chmod(0o666)
    guest = await stage.puppet()
    assert (await guest.refuses("return open('/var/task/zero', 'rb').read(1).hex()")).errno == errno.EACCES


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sysrq-trigger",
        "/sys/kernel/uevent_helper",
        "/sys/fs/cgroup/cgroup.procs",
        "/proc/irq/default_smp_affinity",
    ],
)
async def test_no_setting_of_the_kernel_can_be_opened_for_writing(guest: Puppet, path: str) -> None:
    source = (
        f"import os; fd = os.open({path!r}, os.O_WRONLY); return os.fstat(fd).st_rdev == os.stat('/dev/null').st_rdev"
    )
    try:
        assert await guest.does(source), "only the null device, in place of it, may be opened"
    except Refused as refused:
        assert refused.errno in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.EPERM)


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/kallsyms", "/proc/timer_list"])
async def test_what_the_kernel_tells_of_itself_is_empty_or_closed(guest: Puppet, path: str) -> None:
    try:
        assert await guest.does(f"return open({path!r}, 'rb').read(100).hex()") == ""
    except Refused as refused:
        assert refused.errno in (errno.EACCES, errno.ENOENT, errno.EPERM)


async def test_the_file_that_another_sandbox_mounts_is_not_seen(stage: Stage, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "secret").write_text("secret")
    other = await stage.puppet("fork", mounts=(Mount(theirs, "/opt"),))
    assert await other.does("return open('/opt/secret').read()") == "secret"
    guest = await stage.puppet("fork")
    assert (await guest.refuses("return open('/opt/secret').read()")).errno == errno.ENOENT


async def test_a_crash_leaves_no_more_than_an_empty_core_of_its_own(stage: Stage) -> None:
    guest = await stage.puppet("fork")
    left = await guest.does("""
        import os, signal
        memory["much"] = b"x" * (8 << 20)
        os.chdir("/tmp")
        pid = os.fork()
        if pid == 0: os.kill(os.getpid(), signal.SIGABRT)
        os.waitpid(pid, 0)
        return {name: os.stat("/tmp/" + name).st_blocks * 512 for name in os.listdir("/tmp")}
    """)
    assert len(left) == (core_bytes() > 0)
    assert all(size < 1 << 20 for size in left.values())


async def test_a_guest_cannot_have_its_memory_in_a_core(guest: Puppet) -> None:
    assert await guest.does("return int(open('/proc/self/coredump_filter').read(), 16)") == 0
    refused = await guest.refuses("open('/proc/self/coredump_filter', 'w')")
    assert refused.errno in (errno.EROFS, errno.EACCES)


@pytest.mark.parametrize(
    ("pattern", "suid_dumpable", "size"),
    [
        ("core", "0", CORE_BYTES),
        ("/var/crash/%e.%p", "1", CORE_BYTES),  # a path in the guest's own root
        ("/var/crash/%e.%p", "2", 0),  # in the host's, as root, of a program that the guest may not read
        ("|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h", "2", 0),
        ("|/usr/share/apport/apport -p%p", "0", 0),
        ("@/run/cores.socket", "0", 0),
    ],
)
def test_cores_are_allowed_where_they_are_the_guests_own_files(
    tmp_path: Path, pattern: str, suid_dumpable: str, size: int
) -> None:
    for name, text in (("kernel/core_pattern", pattern), ("fs/suid_dumpable", suid_dumpable)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(f"{text}\n")
    assert core_bytes(tmp_path) == size
