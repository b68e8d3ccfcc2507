"""The system calls that Python's `os` does not have, each with the one set of arguments that is needed here.

Called through PyDLL, which keeps the interpreter's lock: the spawner has one thread, and `clone` must not change hands in the
middle. Every failure is an OSError that names the call and its object. Needs Linux 5.12 (mount_setattr); x86_64 or aarch64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
CLONE_PIDFD: Final = 0x00001000
CLONE_INTO_CGROUP: Final = 0x200000000

MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REMOUNT: Final = 32
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_MOVE: Final = 8192
MS_PRIVATE: Final = 1 << 18

ATTR_READ_ONLY: Final = 1
ATTR_NOSUID: Final = 2
ATTR_NODEV: Final = 4

_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_ATTRIBUTES: Final = ATTR_READ_ONLY | ATTR_NOSUID | ATTR_NODEV
_OPEN_MOUNT: Final = 1 | os.O_CLOEXEC  # OPEN_TREE_CLONE
_OPEN_TREE: Final = _OPEN_MOUNT | _AT_RECURSIVE
_MOVE_MOUNT_F_EMPTY_PATH: Final = 4
_MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40
_MNT_DETACH: Final = 2
_FSOPEN_CLOEXEC: Final = 1
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CMD_CREATE: Final = 6
_FSMOUNT_CLOEXEC: Final = 1
_ARGUMENTS: Final = slice(45, 47)  # start and end, of the fields of /proc/self/stat behind the name
_SIG_SETMASK: Final = 2
_SIGNAL_SET_BYTES: Final = 128

MACHINE: Final = os.uname().machine
_SYSTEM_CALLS: Final = {
    "x86_64": {"pivot_root": 155, "capset": 126, "keyctl": 250, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "capset": 91, "keyctl": 219, "seccomp": 277},
}
_NUMBERS: Final = {
    **_SYSTEM_CALLS.get(MACHINE, {}),
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "clone3": 435,
    "close_range": 436,
    "mount_setattr": 442,
}

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_umount2: Final = _libc.umount2  # looked up once, and not in every fork


def supported() -> bool:
    """Tell whether the numbers of this machine's system calls are known."""
    return MACHINE in _SYSTEM_CALLS


def call(name: str, *arguments: object, about: str = "") -> int:
    """Make a system call by name; bytes become pointers. Raises OSError."""
    return _checked(int(_libc.syscall(_NUMBERS[name], *arguments)), name, about)


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    result = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind and kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _ = _checked(int(result), "mount", target)


def bind(source: str, target: str) -> None:
    """Make what is at `source`, without what is mounted below it, appear at `target`, with its mount's own flags."""
    mount(source, target, None, MS_BIND)


def detach(target: str) -> None:
    _ = _checked(int(_umount2(os.fsencode(target), _MNT_DETACH)), "umount", target)


def read_only_tree(source: str) -> int:
    """Return a detached copy of the mounts at `source`: read-only, no set-uid, no devices. The caller closes it.

    The attributes are set before it is attached anywhere, so that no writable moment exists.
    """
    tree = call("open_tree", _AT_FDCWD, os.fsencode(source), _OPEN_TREE, about=source)
    try:
        _set_attributes(tree, b"", _ATTRIBUTES, source)
    except OSError:
        os.close(tree)
        raise
    return tree


def veiled_tree(source: str, empty: str) -> int:
    """Return a detached mount of the directory or file `source` that does not tell where it is.

    A bind mount shows its path on the host to whoever sees it (mountinfo(5), the fourth field). So this is an overlay of
    `empty`, an empty directory, over that one, both named by descriptors: read-only, no set-uid, no devices, without what is
    mounted below. It has the owner and the mode of `empty`. The caller closes it.
    """
    directory, name = (source, "") if os.path.isdir(source) else os.path.split(source)
    overlay = _overlay(directory, empty, source)
    if not name:
        return overlay
    try:
        return call("open_tree", overlay, os.fsencode(name), _OPEN_MOUNT, about=source)
    finally:
        os.close(overlay)


def _overlay(directory: str, empty: str, about: str) -> int:
    opened: list[int] = []
    try:
        opened += [os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for layer in (empty, directory)]
        layers = ":".join(f"/proc/self/fd/{layer}" for layer in opened).encode()
        context = call("fsopen", b"overlay", _FSOPEN_CLOEXEC, about=about)
        opened.append(context)
        _ = call("fsconfig", context, _FSCONFIG_SET_STRING, b"source", b"code", 0, about=about)
        _ = call("fsconfig", context, _FSCONFIG_SET_STRING, b"lowerdir", layers, 0, about=about)
        _ = call("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0, about=about)
        return call("fsmount", context, _FSMOUNT_CLOEXEC, _ATTRIBUTES, about=about)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def detached(target: str) -> int:
    """Return a detached copy of the mount at `target`, by which its file system outlives it. The caller closes it."""
    return call("open_tree", _AT_FDCWD, os.fsencode(target), _OPEN_MOUNT, about=target)


def attach(tree: int, target: str) -> None:
    """Mount a detached tree at `target`."""
    _ = call("move_mount", tree, b"", _AT_FDCWD, os.fsencode(target), _MOVE_MOUNT_F_EMPTY_PATH, about=target)


def move(source: str, target: str) -> None:
    """Make the mount at `source` the one at `target`."""
    mount(source, target, None, MS_MOVE)


def set_command_line(text: bytes) -> None:
    """Replace what this process, and whatever is forked from it, shows as its command line."""
    with open("/proc/self/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    start, end = map(int, fields[_ARGUMENTS])
    _ = ctypes.memset(start, 0, end - start)
    _ = ctypes.memmove(start, text, min(len(text), end - start - 1))


def set_attributes(target: str, attributes: int) -> None:
    """Add mount attributes to the mount at `target` and all below it."""
    _set_attributes(_AT_FDCWD, os.fsencode(target), attributes, target)


def pivot_into(directory: str) -> None:
    """Make the mount at `directory` the root, and drop everything else of the namespace's tree."""
    os.chdir(directory)
    _ = call("pivot_root", b".", b".", about=directory)
    detach(".")
    os.chdir("/")


def own_tree() -> None:
    """Give the calling process a copy of its mounts that no other namespace learns of, whose root is its own.

    In a chroot, "/" is a directory of some mount. That cannot be made private by this name, and setns(2) would lead out of
    the chroot. So this steps out itself, into the copy, and makes the chroot's directory, with what is mounted below, the
    root of it. Needs CAP_SYS_CHROOT then, and a root that is no initramfs.
    """
    unshare(CLONE_NEWNS)
    try:
        mount("none", "/", None, MS_REC | MS_PRIVATE)
    except OSError as error:
        if error.errno != errno.EINVAL:  # "/" is no mount point
            raise
        _leave_chroot()


def _leave_chroot() -> None:
    opened = [os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        opened.append(os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
        inside, namespace = opened
        setns(namespace, CLONE_NEWNS)  # its root is this process's now
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        opened.append(tree := call("open_tree", inside, b"", _OPEN_TREE | _AT_EMPTY_PATH, about="/"))
        flags = _MOVE_MOUNT_F_EMPTY_PATH | _MOVE_MOUNT_T_EMPTY_PATH
        _ = call("move_mount", tree, b"", inside, b"", flags, about="/")
        pivot_into(f"/proc/self/fd/{tree}")
    finally:
        for descriptor in opened:
            os.close(descriptor)


def unshare(flags: int) -> None:
    _ = _checked(int(_libc.unshare(flags)), "unshare", hex(flags))


def setns(fd: int, kind: int) -> None:
    _ = _checked(int(_libc.setns(fd, kind)), "setns", hex(kind))


def prctl(option: int, argument: int = 0, second: int = 0) -> None:
    """Call prctl(2). Raises OSError."""
    _ = _checked(
        int(
            _libc.prctl(option, ctypes.c_ulong(argument), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0))
        ),
        "prctl",
        str(option),
    )


def close_from(first: int) -> None:
    """Close every descriptor from `first` on."""
    _ = call("close_range", ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), 0)


def children_descriptor() -> int:
    """Block SIGCHLD, and return a descriptor that is readable when a child has ended."""
    mask = (1 << (signal.SIGCHLD - 1)).to_bytes(_SIGNAL_SET_BYTES, "little")
    _ = _checked(int(_libc.sigprocmask(_SIG_SETMASK, mask, None)), "sigprocmask", "")
    return _checked(int(_libc.signalfd(-1, mask, os.O_CLOEXEC | os.O_NONBLOCK)), "signalfd", "")


def unblock_signals() -> None:
    _ = _checked(int(_libc.sigprocmask(_SIG_SETMASK, bytes(_SIGNAL_SET_BYTES), None)), "sigprocmask", "")


def fork(namespaces: int, cgroup: int | None) -> tuple[int, int]:
    """Fork into new namespaces, and into the cgroup of a v2 directory; return (pid, pidfd), or (0, -1) in the child.

    clone3 and not fork(2) because moving a process into a v2 cgroup afterwards waits for an RCU grace period: 14 ms
    (measured) against nothing. Neither the interpreter's fork hooks run (logging, random, threading: 200 page faults) nor the
    C library's: the caller has one thread, and the child may call into nothing but this package until it forks once more,
    by `os.fork`, which runs them all.
    """
    pidfd = ctypes.c_int(-1)
    flags = namespaces | CLONE_PIDFD | (CLONE_INTO_CGROUP if cgroup is not None else 0)
    # flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup
    arguments = (ctypes.c_uint64 * 11)(
        flags, ctypes.addressof(pidfd), 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0 if cgroup is None else cgroup
    )
    return call("clone3", ctypes.byref(arguments), ctypes.sizeof(arguments)), pidfd.value


def _set_attributes(directory: int, path: bytes, attributes: int, about: str) -> None:
    structure = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)  # set, clear, propagation, userns
    flags = _AT_RECURSIVE | (0 if path else _AT_EMPTY_PATH)
    _ = call("mount_setattr", directory, path, flags, ctypes.byref(structure), ctypes.sizeof(structure), about=about)


def _checked(result: int, name: str, about: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name} {about}: {os.strerror(error)}")
    return result
