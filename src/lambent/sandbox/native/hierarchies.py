"""Finds the mounted control group hierarchies, and where in each this process stands.

Version 2, version 1, and both at once, which is common: version 2 then often carries no controller, and still freezes and
kills. Read from /proc alone; a container's partial view (a mount whose root is not the hierarchy's) is understood.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

CONTROLLERS: Final = ("memory", "cpu", "pids")


class Hierarchies(NamedTuple):
    """Where on this machine our groups go, by what is found there."""

    controllers: dict[str, Path]  # memory, cpu, pids: our parent directory in the hierarchy that carries it
    unified: Path | None  # our parent directory in version 2, if it is mounted
    freezer: Path | None  # in version 1
    top: Path | None  # where version 2 is mounted
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
    unified = freezer = top = None
    for line in (process / "mountinfo").read_text().splitlines():
        fields = line.split(" ")
        root, point = fields[3], Path(fields[4])
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        if kind == "cgroup2" and "" in own:
            top, unified = point, _below(point, root, own[""])
        elif kind == "cgroup":
            for name in options.split(","):
                if name in CONTROLLERS and name in own:
                    controllers[name] = _below(point, root, own[name])
                elif name == "freezer" and name in own:
                    freezer = _below(point, root, own[name])
    if unified is not None:
        offered = (unified / "cgroup.controllers").read_text().split()
        controllers |= {name: unified for name in CONTROLLERS if name in offered}
    in_version_1 = freezer is not None or any(path != unified for path in controllers.values())
    version = {(True, True): "hybrid", (True, False): "2", (False, True): "1", (False, False): "none"}
    return Hierarchies(controllers, unified, freezer, top, version[unified is not None, in_version_1])


def _below(point: Path, root: str, own: str) -> Path:
    """Return the directory of the group `own` under a mount whose root is the group `root`."""
    relative = os.path.relpath(own, root) if root != "/" else own.lstrip("/")
    return point if relative.startswith("..") else point / relative
