"""The resource limits of a guest's processes: AWS's numbers, and in place of control groups where a machine lacks those.

    RLIMIT_NOFILE   1,024
    RLIMIT_NPROC    742 below 1 GiB of memory, above it more than AWS's quota of 1,024 processes and threads, which the
                    control group keeps
    RLIMIT_MEMLOCK  64 KiB
    RLIMIT_CORE     10 GiB where a core would be the guest's own file, else 0

RLIMIT_NPROC is Linux's own default: half as many threads as their stacks have room for in an eighth of the memory. AWS's 742
was recorded of a small function; its virtual machine has about 58 MiB beside the function's memory then. Of larger ones only
the quota is known, which 742 would not let them reach. The kernel counts the processes of a user, and of a user in a user
namespace from Linux 5.14 on: before that, all sandboxes of a server that is not root would be counted together.

Defends, where there are no groups, against a guest that takes the machine's memory or processes. And against one that crashes
on purpose, where the kernel hands cores to a program of the host, or writes them as root (`core_bytes`). What a core is
written of is next to nothing anyway (`lockdown.empty_cores`).
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Final, NamedTuple

from lambent.sandbox.contract import Limits

CORE_BYTES: Final = 10 << 30
_LOCKED_BYTES: Final = 65536
_MIB: Final = 1 << 20
_PROCESSES: Final = 742
_LARGE_MIB: Final = 1024
_PROCESSES_BY_MIB: Final = 4  # a thread's stack is 16 KiB: 1 MiB / 8 / 16 KiB / 2
_MACHINE_MIB: Final = 58
_COUNTS_BY_NAMESPACE: Final = (5, 14)
_ELSEWHERE: Final = ("|", "@")  # a core_pattern that names a program, or the socket of one (core(5))
_AS_ROOT: Final = "2"  # of fs.suid_dumpable: what must not be read is written all the same, in the host's tree


class Resources(NamedTuple):
    """What this machine says of them, once for all guests."""

    missing: Container[str]  # the control groups' controllers that limit nothing here
    core_bytes: int
    counted: bool  # whether processes are counted for each sandbox alone

    def of(self, limits: Limits) -> dict[str, int]:
        """Return them as `resource` names them. Without an amount of memory, only those that every guest has."""
        values = {
            "RLIMIT_NOFILE": limits.open_files,
            "RLIMIT_MEMLOCK": _LOCKED_BYTES,
            "RLIMIT_CORE": self.core_bytes,
        }
        if "memory" in self.missing and limits.memory_mib:
            values["RLIMIT_DATA"] = limits.memory_mib * _MIB
        if self.counted and limits.memory_mib:
            values["RLIMIT_NPROC"] = processes(limits.memory_mib)
        if "pids" in self.missing:
            values["RLIMIT_NPROC"] = min(limits.processes, values.get("RLIMIT_NPROC", limits.processes))
        return values


def of_this_machine(missing: Container[str], kernel: tuple[int, int], *, nested: bool) -> Resources:
    return Resources(missing, core_bytes(), not nested or kernel >= _COUNTS_BY_NAMESPACE)


def processes(memory_mib: int) -> int:
    """Return RLIMIT_NPROC of a function of that size."""
    return _PROCESSES if memory_mib < _LARGE_MIB else _PROCESSES_BY_MIB * (memory_mib + _MACHINE_MIB)


def core_bytes(kernel: Path = Path("/proc/sys")) -> int:
    """Return AWS's RLIMIT_CORE, or 0 where a core would be more than a file that the guest itself could have written."""
    pattern, as_root = (kernel / "kernel/core_pattern").read_text(), (kernel / "fs/suid_dumpable").read_text()
    return 0 if pattern.startswith(_ELSEWHERE) or as_root.strip() == _AS_ROOT else CORE_BYTES
