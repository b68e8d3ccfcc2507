"""The files a guest sees: a root built once per template, and what each sandbox adds to it.

The root is a small tmpfs, read-only once built: the host's /usr and the template's own mounts (read-only, no set-uid, no
devices), a generated /etc, five device nodes, empty directories. It is mounted over /sys of the builder's private mount
namespace, a directory that every Linux has and the builder does not need, so that no name appears in the host's file system.
The builder makes it the root and drops the rest of the tree. A sandbox copies the namespace, and adds /tmp, its own /proc in
place of the host's, and its code; it has no /dev/shm, as AWS has none. Mounts are veiled (`linux.veiled_tree`), so that none
names a path of the host.

Defends against: reading the host's files, writing anything but /tmp, set-uid programs, devices, kernel settings
by /proc. Does not: hide what the host keeps in /usr, or the machine's load and model in /proc/{stat,cpuinfo,meminfo}.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from lambent.sandbox.native import linux, network

ROOT: Final = "/sys"
HOSTNAME: Final = "sandbox"
TARGETS: Final = ("/var/task", "/opt")  # where an assignment may mount something; named by their index

_DEVICES: Final = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS: Final = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_USR_LINKS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DIRECTORIES: Final = (
    *("proc", "tmp", "dev", "etc", "opt", "run", "root", "home", "media", "mnt", "srv", "sys"),
    *("var/task", "var/runtime", "var/lang", "var/cache", "var/lib", "var/log", "var/tmp"),
)
_ETC_BINDS: Final = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates/extracted",
)
_ETC_FILES: Final = {
    "hosts": f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost\n",
    "hostname": f"{HOSTNAME}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": "options timeout:1 attempts:1\n",  # no server: a name that is not in hosts fails at once
}
_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"  # Debian's name, and those of Amazon Linux
_BUNDLE_LINKS: Final = (
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
)
# What other container programs hide of /proc, too: physical memory, keys, kernel addresses, timing of other programs.
_HIDDEN: Final = (
    "acpi",
    "asound",
    "interrupts",
    "kallsyms",
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "modules",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
)
_NEUTRAL: Final = ("usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "libx32")  # what every Linux has
_EMPTY: Final = "/run"  # an empty directory inside, which hides others


class Mount(NamedTuple):
    """A mount of the contract."""

    source: str
    target: str
    only: Sequence[str] | None = None
    instead: tuple[str, str] | None = None


def build(mounts: Iterable[Mount], base: Iterable[str], users: Iterable[int]) -> None:
    """Make the template's root at ROOT of this (private) mount namespace. Raises OSError, naming the mount that failed."""
    linux.mount("tmpfs", ROOT, "tmpfs", linux.MS_NOSUID, "size=4m,nr_inodes=4096,mode=755")
    for name in _DIRECTORIES:
        os.makedirs(f"{ROOT}/{name}", exist_ok=True)
    os.chmod(f"{ROOT}/tmp", 0o1777)
    mounts = [*mounts, *(Mount(path, path) for path in _ETC_BINDS if os.path.exists(path))]
    if not any(mount.target == "/usr" for mount in mounts):
        mounts.append(Mount("/usr", "/usr"))
    for mount in sorted(mounts, key=lambda mount: mount.target.count("/")):
        if mount.only is not None:
            _add_only(mount.source, ROOT + mount.target, mount.only)
        elif mount.instead is not None:
            _add_rewritten(mount.source, ROOT + mount.target, *mount.instead)
        else:
            _add(mount.source, ROOT + mount.target)
    _link_to_usr()
    _generate_etc(users)
    _link_certificates()
    for directory in base:
        _copy(directory, ROOT)
    _make_devices()
    linux.set_attributes(ROOT, linux.ATTR_READ_ONLY | linux.ATTR_NOSUID)
    linux.mount("/proc", f"{ROOT}/proc", None, linux.MS_BIND | linux.MS_REC)  # the spawner needs one, to make others


def hidden() -> list[str]:
    """Return the paths of /proc that a guest could read on this kernel, and must not: directories end in a slash."""
    paths = [f"/proc/{name}" for name in _HIDDEN]
    readable = [path for path in paths if os.path.exists(path) and os.stat(path).st_mode & stat.S_IROTH]
    return [path + "/" if os.path.isdir(path) else path for path in readable]


def complete(tmp: int | None, tmp_mib: int, hide: Sequence[str]) -> int:
    """Add, in a new mount namespace, what is the sandbox's own. Its pid namespace must be new, too.

    `tmp` is what an earlier call returned, if there was one for this sandbox: its /tmp as a detached mount, by which it
    outlives the namespace. The caller closes both.
    """
    scratch = linux.MS_NOSUID | linux.MS_NODEV
    if tmp is None:
        linux.mount("tmpfs", "/tmp", "tmpfs", scratch, f"{tmp_options(tmp_mib)},mode=1777")
    else:
        linux.attach(tmp, "/tmp")
    linux.mount("proc", _EMPTY, "proc", scratch | linux.MS_NOEXEC)  # while the host's is there: else the kernel refuses
    linux.detach("/proc")
    linux.move(_EMPTY, "/proc")
    for path in hide:
        linux.bind(_EMPTY if path.endswith("/") else "/dev/null", path.rstrip("/"))
    network.bound("/proc/sys/net")
    linux.set_attributes("/proc", linux.ATTR_READ_ONLY)  # no kernel setting is written, whatever its mode
    return linux.detached("/tmp")


def attach_all(trees: Iterable[tuple[int, str]]) -> None:
    """Mount detached trees at their targets, and close their descriptors."""
    for tree, target in trees:
        linux.attach(tree, target)
        os.close(tree)


def hide_ours() -> None:
    """Take away what the spawner has been executed from, once it is imported."""
    linux.detach(_EMPTY)


def enter() -> None:
    """Make ROOT the root, and the only tree there is."""
    linux.pivot_into(ROOT)


def tree_of(source: str) -> int:
    """Return a detached, read-only mount of the directory or file `source`, outside; the caller closes it. Raises OSError.

    It does not tell where that is, if it is in no directory that every Linux has. Where the kernel makes no overlay of it (it
    has none, or the source is one of two already), what guests see of mounts names it: it is as closed as any other.
    """
    if source.split("/", 2)[1] in _NEUTRAL or not os.path.exists(source):
        return linux.read_only_tree(source)
    try:
        return linux.veiled_tree(source, f"{ROOT}/var/task")
    except OSError:
        return linux.read_only_tree(source)


def resize_tmp(tmp_mib: int) -> None:
    """Give the calling process's /tmp another size."""
    linux.mount("tmpfs", "/tmp", None, linux.MS_REMOUNT | linux.MS_NOSUID | linux.MS_NODEV, tmp_options(tmp_mib))


def tmp_options(tmp_mib: int) -> str:
    """Return tmpfs options: a file costs the kernel about a kilobyte, so that their number needs a bound as well."""
    return f"size={tmp_mib}m,nr_inodes={tmp_mib * 128}"


def _add(source: str, target: str) -> None:
    """Attach a mount of the template, making its mount point where the root, and not a mount, holds it."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    tree = tree_of(source)
    try:
        linux.attach(tree, target)
    finally:
        os.close(tree)


def _add_only(source: str, target: str, names: Sequence[str]) -> None:
    """Attach what has these names in a directory, in place of what is at the target."""
    os.makedirs(target, exist_ok=True)
    linux.mount("tmpfs", target, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=64k,nr_inodes=64,mode=755")
    for name in names:
        _add(f"{source}/{name}", f"{target}/{name}")


def _add_rewritten(source: str, target: str, before: str, after: str) -> None:
    """Attach a file that differs from its source, and has no name of its own."""
    name = f"{ROOT}/rewritten"
    with open(source, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    with open(name, "w", encoding="utf-8", errors="surrogateescape") as file:
        _ = file.write(text.replace(before, after))
    linux.bind(name, target)
    os.unlink(name)


def _link_to_usr() -> None:
    """Repeat the host's merged /usr; where it is not merged, mount the directories themselves."""
    for name in _USR_LINKS:
        if os.path.lexists(f"{ROOT}/{name}") or not os.path.exists(f"/{name}"):
            continue
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{ROOT}/{name}")
        else:
            _add(f"/{name}", f"{ROOT}/{name}")


def _generate_etc(users: Iterable[int]) -> None:
    """Write what the C library looks up; nothing of the host's users, networks or names."""
    passwd = ["root:x:0:0:root:/root:/usr/sbin/nologin", "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin"]
    group = ["root:x:0:", "nogroup:x:65534:"]
    for user in users:
        passwd.append(f"sbx_user1051:x:{user}:{user}::/home/sbx_user1051:/sbin/nologin")
        group.append(f"sbx_user1051:x:{user}:")
    files = {**_ETC_FILES, "passwd": "\n".join(passwd) + "\n", "group": "\n".join(group) + "\n"}
    for name, text in files.items():
        with open(f"{ROOT}/etc/{name}", "w", encoding="ascii") as file:
            _ = file.write(text)
    os.symlink("/usr/share/zoneinfo/UTC", f"{ROOT}/etc/localtime")


def _link_certificates() -> None:
    """Give the host's certificates the names that they have on Amazon Linux, but not in directories of the host."""
    if not os.path.exists(_BUNDLE):
        return
    hosts = tuple(f"{path}/" for path in _ETC_BINDS if os.path.exists(path))  # mounted, and read-only
    for name in _BUNDLE_LINKS:
        if not name.startswith(hosts) and not os.path.lexists(f"{ROOT}{name}"):
            os.makedirs(f"{ROOT}{os.path.dirname(name)}", exist_ok=True)
            os.symlink(_BUNDLE, f"{ROOT}{name}")


def _copy(source: str, target: str) -> None:
    """Lay the files of a directory into one that is there. Scripts and programs can be executed."""
    for entry in os.scandir(source):
        name = f"{target}/{entry.name}"
        if entry.is_dir():
            os.makedirs(name, exist_ok=True)
            _copy(entry.path, name)
        else:
            with open(entry.path, "rb") as file:
                content = file.read()
            with open(name, "wb") as file:
                _ = file.write(content)
            os.chmod(name, 0o755 if content.startswith(b"#!") else 0o644)


def _make_devices() -> None:
    """Bind the host's harmless device nodes: making nodes needs a privilege that a user namespace does not have."""
    for name in _DEVICES:
        os.close(os.open(f"{ROOT}/dev/{name}", os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        linux.bind(f"/dev/{name}", f"{ROOT}/dev/{name}")
    for name, suffix in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/fd{suffix}", f"{ROOT}/dev/{name}")
