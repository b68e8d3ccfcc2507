"""One sandbox's control groups: what it may use of the machine, how it is stopped, and what it has used.

    <group of this process>/lambent-<instance>/<sandbox>     in each hierarchy that carries something we need

One interface over version 2, version 1, and both at once. Defends against: a guest that takes all memory, processors or
processes; from version 1, too, one that keeps memory in buffers of TCP and UDP. Does not: account for the pages that a
forked guest shares with its spawner, which are the spawner's; bound swap where version 1 does not account for it; charge
what the kernel charges to nobody (`gate`). What is in /tmp is memory, and counts; what is in /tmp when another guest is
started counts no more.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from lambent.sandbox.contract import Limits, Usage
from lambent.sandbox.native.hierarchies import Hierarchies

CPU_PERIOD_US: Final = 20_000  # as Lambda has it: a function with little memory is stopped often and briefly
_LEAST_QUOTA_US: Final = 1_000  # the kernel's
_SHARES: Final = 1024  # version 1's, and version 2's, of a group that nobody has weighed
_WEIGHT: Final = 100
_MIB: Final = 1 << 20
_NUMBER_BYTES: Final = 32
_TCP_SHARE: Final = (
    4  # version 1 counts buffers of TCP and UDP apart, and not at all without a limit: a quarter as much
)
_LEAST_TCP_BYTES: Final = 16 * _MIB


class Group:
    """One sandbox's groups. Every method may be called after `remove`, and then does nothing."""

    def __init__(self, name: str, parents: Mapping[Path, Path], hierarchies: Hierarchies) -> None:
        """Make the directories. `parents`: from a parent directory of this process to that of the instance.

        Raises OSError, and leaves none then.
        """
        self._hierarchies: Final = hierarchies
        self._directories: Final = {parent: directory / name for parent, directory in parents.items()}
        self._frozen = False
        self._removed = False
        self._weight = 1.0
        self._kills_before = 0  # and processor time that a guest before the present one was charged with
        self._cpu_us_before = 0
        self._unified: Final = self._directories.get(hierarchies.unified) if hierarchies.unified else None
        self._words: Final = (b"1", b"0") if self._unified else (b"FROZEN", b"THAWED")
        self._freezer = self._peak = -1
        try:
            for directory in self._directories.values():
                directory.mkdir()
            self._freezer = self._opened_freezer()
            self._peak = self._opened_peak()
        except OSError:  # a directory too many, or no descriptor left
            _ = self.remove()
            raise

    def open_for_joining(self) -> tuple[int | None, list[int]]:
        """Return the version 2 directory, to be forked into, and files to which a process writes "0" to join.

        Version 1's `tasks`, and not `cgroup.procs`: a thread that moves itself need not wait for the others of its group to
        be quiet, which takes 15 ms at the 95th percentile. The caller closes them.
        """
        files = [path / "tasks" for path in self._directories.values() if path != self._unified]
        opened: list[int] = []
        try:
            for file in files:
                opened.append(os.open(file, os.O_WRONLY | os.O_CLOEXEC))  # noqa: PERF401  # closed if another fails
            into = (
                None if self._unified is None else os.open(self._unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            )
        except OSError:
            for descriptor in opened:
                os.close(descriptor)
            raise
        return into, opened

    def limit(self, limits: Limits, held_mib: int = 0) -> None:
        """Set all limits that this machine can enforce; `held_mib` is what guests before have left in /tmp.

        That comes on top of the memory: else a function whose /tmp is full would have none, at each of its invocations.
        """
        bytes_ = str((limits.memory_mib + held_mib) * _MIB)
        if (memory := self._of("memory")) is not None:
            if self._hierarchies.is_unified("memory"):
                _write(memory / "memory.max", bytes_)
                _write_if_there(memory / "memory.swap.max", "0")
                _write_if_there(memory / "memory.oom.group", "1")
            else:
                _write_if_there(memory / "memory.memsw.limit_in_bytes", "-1")  # it may never be below the other
                _write(memory / "memory.limit_in_bytes", bytes_)
                _write_if_there(memory / "memory.memsw.limit_in_bytes", bytes_)
            sockets = max(_LEAST_TCP_BYTES, limits.memory_mib * _MIB // _TCP_SHARE)
            _write_if_there(memory / "memory.kmem.tcp.limit_in_bytes", str(sockets))  # in version 2 they are memory
        if (pids := self._of("pids")) is not None:
            _write(pids / "pids.max", str(limits.processes + 1))  # the sandbox's first process is ours
        self.set_cpus(limits.cpus)

    def set_cpus(self, cpus: float) -> None:
        directory = self._of("cpu")
        if directory is None:
            return
        quota = max(_LEAST_QUOTA_US, round(cpus * CPU_PERIOD_US))
        if self._hierarchies.is_unified("cpu"):
            _write(directory / "cpu.max", f"{quota} {CPU_PERIOD_US}")
        else:
            _write(directory / "cpu.cfs_period_us", str(CPU_PERIOD_US))
            _write(directory / "cpu.cfs_quota_us", str(quota))

    def weigh(self, weight: float) -> None:
        """Set what it gets beside other groups when processors are short. What it has already costs nothing to set."""
        directory = self._of("cpu")
        if directory is None or weight == self._weight:
            return
        self._weight = weight
        if self._hierarchies.is_unified("cpu"):
            _write(directory / "cpu.weight", str(round(weight * _WEIGHT)))
        else:
            _write(directory / "cpu.shares", str(round(weight * _SHARES)))

    def release(self) -> None:
        """Take the limits away under which processes would be long in dying: a fork bomb with its share of a processor
        dies at the pace of that share, and forks meanwhile. What has been killed needs time, and no more processes.
        """
        if (pids := self._of("pids")) is not None:
            _write_if_there(pids / "pids.max", "0")
        if (cpu := self._of("cpu")) is not None:
            _write_if_there(cpu / "cpu.max", "max")
            _write_if_there(cpu / "cpu.cfs_quota_us", "-1")

    @property
    def freezes(self) -> bool:
        return self._freezer >= 0

    def freeze(self) -> None:
        if not self._frozen and not self._removed:
            self._frozen = True
            _ = os.write(self._freezer, self._words[0])

    def thaw(self) -> None:
        if self._frozen and not self._removed:
            self._frozen = False
            _ = os.write(self._freezer, self._words[1])

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel has killed a process of the group for want of memory."""
        return self._kills() > self._kills_before

    def memory_peak_mib(self) -> int:
        """Read how much memory the group had at most, from a file that is open: it is asked after every invocation."""
        if self._peak < 0 or self._removed:
            return 0
        return -(-int(os.pread(self._peak, _NUMBER_BYTES, 0)) // _MIB)

    def usage(self) -> Usage:
        return Usage(memory_peak_mib=self.memory_peak_mib(), cpu_s=(self._cpu_us() - self._cpu_us_before) / 1e6)

    def count_anew(self) -> None:
        """Tell from now on only of the guest to come: not what the last one used, nor that it ran out of memory."""
        self._kills_before = self._kills()
        self._cpu_us_before = self._cpu_us()
        if self._peak >= 0:
            with contextlib.suppress(OSError):  # version 2 before Linux 6.12: the peak remains that of all guests
                _ = os.write(self._peak, b"0")

    def remove(self) -> bool:
        """Remove the groups; False while a process in one of them is still on its way out, then call again."""
        for directory in self._directories.values():
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        if not self._removed:
            for descriptor in (self._freezer, self._peak):
                if descriptor >= 0:
                    os.close(descriptor)
        self._removed = True
        return True

    def _opened_freezer(self) -> int:
        if self._unified is not None:
            return os.open(self._unified / "cgroup.freeze", os.O_WRONLY | os.O_CLOEXEC)
        if self._hierarchies.freezer is not None:
            state = self._directories[self._hierarchies.freezer] / "freezer.state"
            return os.open(state, os.O_WRONLY | os.O_CLOEXEC)
        return -1

    def _opened_peak(self) -> int:
        """Open the file that tells the peak, or (before Linux 5.19, in version 2) the present; -1 where nothing does."""
        memory = self._of("memory")
        for name in ("memory.peak", "memory.current", "memory.max_usage_in_bytes"):
            if memory is not None and (memory / name).exists():
                try:
                    return os.open(memory / name, os.O_RDWR | os.O_CLOEXEC)  # to write is to reset
                except PermissionError:
                    return os.open(memory / name, os.O_RDONLY | os.O_CLOEXEC)
        return -1

    def _kills(self) -> int:
        """Return how many processes the kernel has killed for want of memory."""
        directory = self._of("memory")
        if directory is None:
            return 0
        file = "memory.events" if self._hierarchies.is_unified("memory") else "memory.oom_control"
        return _table(directory / file).get("oom_kill", 0)

    def _cpu_us(self) -> int:
        return 0 if self._unified is None else _table(self._unified / "cpu.stat").get("usage_usec", 0)

    def _of(self, controller: str) -> Path | None:
        parent = self._hierarchies.controllers.get(controller)
        return None if parent is None or self._removed else self._directories[parent]


def _write(path: Path, value: str) -> None:
    """Write a setting. Not `write_text`, which would create what is not there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        _ = os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def _write_if_there(path: Path, value: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        _write(path, value)


def _table(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
