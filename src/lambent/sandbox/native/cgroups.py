"""Control groups: what a sandbox may use of the machine, how it is stopped, and what it has used.

    <group of this process>/lambent-<instance>/<sandbox>     in each hierarchy that carries something we need

One interface over version 2, version 1, and both at once (where version 2 carries no controller it still freezes and kills).
`discover` finds the hierarchies, `opened` makes this instance's tree and removes those that dead instances left, `Group` is
one sandbox's. Defends against: a guest that takes all memory, processors or processes. Does not: account for the pages that a
forked guest shares with its spawner, which are the spawner's.

Limits of version 1 that cannot be mended: swap is bounded only where the kernel accounts for it (memsw).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from lambent.sandbox.contract import Limits, Usage

CONTROLLERS: Final = ("memory", "cpu", "pids")
PREFIX: Final = "lambent-"
CPU_PERIOD_US: Final = 20_000  # as Lambda has it: a function with little memory is stopped often and briefly
_LEAST_QUOTA_US: Final = 1_000  # the kernel's
_MIB: Final = 1 << 20


class Hierarchies(NamedTuple):
    """Where on this machine our groups go, by what is found there."""

    controllers: dict[str, Path]  # memory, cpu, pids: our parent directory in the hierarchy that carries it
    unified: Path | None  # our parent directory in version 2, if it is mounted
    freezer: Path | None  # in version 1
    version: str  # "2", "1", "hybrid" or "none"; for people

    @property
    def directories(self) -> list[Path]:
        """Each parent directory once; version 2 last."""
        paths = dict.fromkeys(self.controllers[name] for name in CONTROLLERS if name in self.controllers)
        if self.unified is not None:
            _ = paths.pop(self.unified, None)
        elif self.freezer is not None:
            paths[self.freezer] = None
        return [*paths, *([self.unified] if self.unified is not None else [])]

    def is_unified(self, controller: str) -> bool:
        return self.controllers[controller] == self.unified


def discover(process: Path = Path("/proc/self")) -> Hierarchies:
    """Read where this process stands in every mounted hierarchy. `process` is its directory in /proc."""
    own: dict[str, str] = {}
    for line in (process / "cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            own[name] = path
    controllers: dict[str, Path] = {}
    unified = freezer = None
    for line in (process / "mountinfo").read_text().splitlines():
        fields = line.split(" ")
        root, point = fields[3], Path(fields[4])
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        if kind == "cgroup2" and "" in own:
            unified = _below(point, root, own[""])
        elif kind == "cgroup":
            for name in options.split(","):
                if name in CONTROLLERS and name in own:
                    controllers[name] = _below(point, root, own[name])
                elif name == "freezer" and name in own:
                    freezer = _below(point, root, own[name])
    if unified is not None:
        for name in _words(unified / "cgroup.controllers"):
            if name in CONTROLLERS:
                controllers[name] = unified
    in_version_1 = freezer is not None or any(path != unified for path in controllers.values())
    version = {(True, True): "hybrid", (True, False): "2", (False, True): "1", (False, False): "none"}
    return Hierarchies(controllers, unified, freezer, version[unified is not None, in_version_1])


def _below(point: Path, root: str, own: str) -> Path:
    """Return the directory of the group `own` under a mount whose root is the group `root`."""
    relative = os.path.relpath(own, root) if root != "/" else own.lstrip("/")
    return point if relative.startswith("..") else point / relative


class Group:
    """One sandbox's groups. Every method may be called after `remove`, and then does nothing."""

    def __init__(self, name: str, parents: Mapping[Path, Path], hierarchies: Hierarchies) -> None:
        """Make the directories. `parents`: from a parent directory of this process to that of the instance."""
        self._hierarchies: Final = hierarchies
        self._directories: Final = {parent: directory / name for parent, directory in parents.items()}
        self._frozen = False
        self._removed = False
        for directory in self._directories.values():
            directory.mkdir()
        unified = self._directories.get(hierarchies.unified) if hierarchies.unified else None
        state = unified / "cgroup.freeze" if unified else None
        if state is None and hierarchies.freezer is not None:
            state = self._directories[hierarchies.freezer] / "freezer.state"
        self._words: Final = (b"1", b"0") if unified else (b"FROZEN", b"THAWED")
        self._freezer: Final = -1 if state is None else os.open(state, os.O_WRONLY | os.O_CLOEXEC)
        self._unified: Final = unified

    def open_for_joining(self) -> tuple[int | None, list[int]]:
        """Return the descriptor of the version 2 directory, to be forked into, and those of files for a process to write "0" to.

        Version 1's `tasks`, and not `cgroup.procs`: a thread that moves itself need not wait for the others of its group to
        be quiet, which takes 15 ms at the 95th percentile. The caller closes them.
        """
        files = [path / "tasks" for path in self._directories.values() if path != self._unified]
        into = None if self._unified is None else os.open(self._unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return into, [os.open(file, os.O_WRONLY | os.O_CLOEXEC) for file in files]

    def limit(self, limits: Limits) -> None:
        """Set all limits that this machine can enforce."""
        bytes_ = str(limits.memory_mib * _MIB)
        if (memory := self._of("memory")) is not None:
            if self._hierarchies.is_unified("memory"):
                _write(memory / "memory.max", bytes_)
                _write_if_there(memory / "memory.swap.max", "0")
                _write_if_there(memory / "memory.oom.group", "1")
            else:
                _write(memory / "memory.limit_in_bytes", bytes_)
                _write_if_there(memory / "memory.memsw.limit_in_bytes", bytes_)
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
        directory = self._of("memory")
        if directory is None:
            return False
        file = "memory.events" if self._hierarchies.is_unified("memory") else "memory.oom_control"
        return _table(directory / file).get("oom_kill", 0) > 0

    def usage(self) -> Usage:
        peak_bytes = 0
        if (memory := self._of("memory")) is not None:
            names = ("memory.peak", "memory.current", "memory.max_usage_in_bytes")
            peak_bytes = next((value for name in names if (value := _number(memory / name)) is not None), 0)
        cpu_us = 0 if self._unified is None else _table(self._unified / "cpu.stat").get("usage_usec", 0)
        return Usage(memory_peak_mib=-(-peak_bytes // _MIB), cpu_s=cpu_us / 1e6)

    def remove(self) -> bool:
        """Remove the groups; False while a process in one of them is still on its way out, then call again."""
        for directory in self._directories.values():
            try:
                directory.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        if not self._removed and self._freezer >= 0:
            os.close(self._freezer)
        self._removed = True
        return True

    def _of(self, controller: str) -> Path | None:
        parent = self._hierarchies.controllers.get(controller)
        return None if parent is None or self._removed else self._directories[parent]
