"""What the first process of a sandbox gives up, in the one order that works, before anything foreign runs below it.

Its user: as root, a uid of this sandbox alone (signals, ptrace and process limits go by uid); in a user namespace, one nested
in it, so that the sandbox has no rights over its own mounts and network. Then every capability, also from the bounding set;
the right to gain privileges by exec; the session keyring; and system calls, by a seccomp filter. Descendants inherit all of
it. Defends against: a guest using the kernel's privileged surface. Does not: a bug in the unprivileged one.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
from collections.abc import Mapping
from typing import Final

from lambent.sandbox.native import linux, seccomp

GUEST_UID: Final = 993  # inside a user namespace, where every sandbox has the same; AWS's number
GUEST_GID: Final = 990

_CORE_FILTER: Final = "/proc/self/coredump_filter"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_KEYCTL_JOIN_SESSION_KEYRING: Final = 1
_CAPABILITY_VERSION_3: Final = 0x20080522
_CAPABILITY_HEADER: Final = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)  # made once, and not in every fork
_NO_CAPABILITIES: Final = (ctypes.c_uint32 * 6)()


def limit(limits: Mapping[str, int], process: int = 0) -> None:
    """Bound a process of this user, and its descendants to come, by resource limits named as in `resource`.

    Where the machine allows this process less, and it may not change that, it is bounded by that.
    """
    for name, wanted in limits.items():
        number: int = getattr(resource, name)
        try:
            _ = resource.prlimit(process, number, (wanted, wanted))
        except PermissionError:
            _, hard = resource.prlimit(process, number)
            _ = resource.prlimit(process, number, (hard, hard))


def empty_cores() -> None:
    """Have the kernel leave out all memory of cores of this process and its descendants: what is left is a few KB (core(5)).

    Programs that are executed inherit it, and a guest cannot undo it: its /proc is read-only.
    """
    if os.path.exists(_CORE_FILTER):  # else this kernel writes none
        with open(_CORE_FILTER, "w", encoding="ascii") as file:
            _ = file.write("0")


def become_user(uid: int) -> None:
    """Take the sandbox's own uid, for good. Drops effective and permitted capabilities with it."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def become_user_of_nested_namespace(itself: int) -> None:
    """Leave the user namespace that owns this sandbox's mounts and network for one that owns nothing.

    `itself` is this process's directory in a writable /proc: that of the sandbox is read-only already.
    """
    enter_user_namespace(itself, GUEST_UID, GUEST_GID)


def enter_user_namespace(itself: int, uid: int, gid: int) -> None:
    """Make a user namespace that knows one user, the present one, as `uid` and `gid`."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{gid} {outer_gid} 1"),
    ):
        descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=itself)
        try:
            _ = os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def shrink_bounding_set(last_capability: int) -> None:
    """Make every capability unobtainable by exec. Takes none away, and needs CAP_SETPCAP."""
    linux.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(last_capability + 1):
        linux.prctl(_PR_CAPBSET_DROP, capability)


def drop_capabilities() -> None:
    _ = linux.call("capset", _CAPABILITY_HEADER, _NO_CAPABILITIES)


def seal(filter_: seccomp.Filter, parent: int) -> int:
    """Do the rest, which an unprivileged process may do; return the listener of the filter, for a `Gate`.

    `parent` is a pidfd of the spawner, with whom this process dies.
    """
    _ = linux.call("keyctl", _KEYCTL_JOIN_SESSION_KEYRING, None)
    linux.prctl(_PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(_PR_SET_DUMPABLE, 0)
    die_with_parent()  # after the change of user, which clears it
    if select.select([parent], [], [], 0)[0]:
        raise ProcessLookupError("the spawner is gone")
    return filter_.install(gated=True)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent has ended, whose own death must be looked for after that."""
    linux.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def make_dumpable() -> None:
    """Let a process look at itself in /proc again; its parent, the sandbox's first process, stays closed to it."""
    linux.prctl(_PR_SET_DUMPABLE, 1)
