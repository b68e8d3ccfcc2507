"""What this machine offers of what isolation is made of, read from /proc without trying anything; for people.

    survey()     one line for each mechanism, for `lambent doctor`
    obstacles()  what is known to stand in the way, for whoever was refused by the kernel and is told "not permitted"

What is true is decided by `probe`, which makes a sandbox; this explains it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

from lambent.sandbox.native import instance, linux
from lambent.sandbox.native.hierarchies import CONTROLLERS, discover
from lambent.sandbox.native.users import users

OLDEST_KERNEL: Final = (5, 12)  # mount_setattr
_PROC: Final = Path("/proc")
_NAMESPACES: Final = ("pid", "mnt", "net", "ipc", "uts", "cgroup", "user")
_NEEDED: Final = ("pid", "mnt", "net", "ipc", "uts")
_VERSIONS: Final = {"1": "version 1", "2": "version 2", "hybrid": "versions 1 and 2 (hybrid)"}
_CAP_SYS_ADMIN: Final = 21
_FILTERED: Final = 2


class Mechanism(NamedTuple):
    """One line of the survey."""

    name: str
    there: bool
    detail: str


def survey() -> list[Mechanism]:
    """Every mechanism. Makes control groups for a moment, since only that tells whether they can be made."""
    return [_kernel(), _users(), _namespaces(), _mounts(), _seccomp(), *_groups()]


def obstacles() -> list[str]:
    """What this user lacks to make namespaces, as far as the machine tells it."""
    return [sentence for sentence in (*_of_users(), *_of_containers()) if sentence]


def kernel_version() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(minor)


def _kernel() -> Mechanism:
    is_new = kernel_version() >= OLDEST_KERNEL and linux.supported()
    needed = f"needs {'.'.join(map(str, OLDEST_KERNEL))} on x86_64 or aarch64"
    return Mechanism(
        "kernel", is_new, f"Linux {os.uname().release} on {linux.MACHINE}{'' if is_new else f'; {needed}'}"
    )


def _users() -> Mechanism:
    how = (
        "each sandbox in a user namespace of its own" if users().nested else "root: each sandbox with a uid of its own"
    )
    obstacle = "; ".join(_of_users())
    return Mechanism("users", not obstacle, obstacle or how)


def _namespaces() -> Mechanism:
    there = [name for name in _NAMESPACES if (_PROC / "self" / "ns" / name).exists()]
    lacking = [name for name in _NEEDED if name not in there]
    return Mechanism("namespaces", not lacking, f"without {', '.join(lacking)}" if lacking else ", ".join(there))


def _mounts() -> Mechanism:
    known = {line.split()[-1] for line in _text("filesystems").splitlines()}
    lacking = [name for name in ("tmpfs", "proc") if name not in known]
    overlay = "overlay" if "overlay" in known else "no overlay so far, which a module may bring"
    return Mechanism("mounts", not lacking, f"without {', '.join(lacking)}" if lacking else f"tmpfs, proc; {overlay}")


def _seccomp() -> Mechanism:
    actions = _text("sys/kernel/seccomp/actions_avail").split()
    there = "errno" in actions or _status("Seccomp") is not None
    return Mechanism("seccomp", there, "system calls can be filtered" if there else "this kernel has no filters")


def _groups() -> list[Mechanism]:
    hierarchies = discover()
    with instance.opened(hierarchies) as groups:
        version = _VERSIONS.get(groups.version, "none")
        why = "; ".join(groups.why)
        limits = [
            Mechanism(
                f"{name} limit",
                name not in groups.missing,
                "for each process only" if name in groups.missing else f"in {hierarchies.controllers[name]}",
            )
            for name in CONTROLLERS
        ]
        return [Mechanism("control groups", groups.usable, f"{version}; {why}" if why else version), *limits]


def _of_users() -> list[str]:
    if os.geteuid() == 0 and not (_status("CapEff") or 0) >> _CAP_SYS_ADMIN & 1:
        return ["this root has no CAP_SYS_ADMIN; a container must be started with --privileged"]
    if not users().nested:
        return []
    switches = (
        ("sys/user/max_user_namespaces", "0", "no user namespace may be made (sysctl user.max_user_namespaces is 0)"),
        (
            "sys/kernel/unprivileged_userns_clone",
            "0",
            "only root may make user namespaces (sysctl kernel.unprivileged_userns_clone=1 allows it)",
        ),
        (
            "sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "AppArmor restricts user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0 allows them)",
        ),
    )
    return [
        *[sentence for file, off, sentence in switches if _text(file).strip() == off],
        *["in a chroot only root can make user namespaces (user_namespaces(7))"] * ("/" not in _mount_points()),
    ]


def _mount_points() -> list[str]:
    return [line.split(" ")[4] for line in _text("self/mountinfo").splitlines()]


def _of_containers() -> list[str]:
    points = _mount_points()
    covered = any(point.startswith("/proc/") for point in points)
    return [
        "parts of /proc are covered, as containers have it, and then no other may be mounted" * covered,
        "this process is under a seccomp filter, as containers have it" * (_status("Seccomp") == _FILTERED),
    ]


def _status(name: str) -> int | None:
    """A number of this process's status; capabilities are hexadecimal, and so are single digits."""
    for line in _text("self/status").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1], 16)
    return None


def _text(file: str) -> str:
    """A file of /proc; "" where this kernel does not have it."""
    try:
        return (_PROC / file).read_text()
    except OSError:
        return ""
