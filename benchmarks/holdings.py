"""What a Lambent holds of the machine: descriptors, processes, mounts, control groups, network namespaces, memory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.memory import descendants, pss_mib

FLAT = 0.05  # how much more than before there may be
SLACK = (2, 0, 0, 0, 0, 3.0, 10.0)  # and so much in any case: of a small number, 5 % is less than one


class Holdings(NamedTuple):
    descriptors: int  # of the server
    processes: int  # the server and all below it
    mounts: int  # in the server's namespace
    groups: int
    networks: int
    server_mib: float  # resident
    all_mib: float  # of all processes; a page that several share is shared out

    def flat(self, before: Holdings) -> list[str]:
        """What has grown, in words."""
        return [
            f"{name} {old:.0f} -> {new:.0f}"
            for name, new, old, slack in zip(self._fields, self, before, SLACK, strict=True)
            if new > old * (1 + FLAT) + slack
        ]


def held(server: int) -> Holdings:
    """What the server of this process id holds now, with all that it has started."""
    process = Path("/proc", str(server))
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    family = descendants(server)
    networks: set[str] = set()
    for pid in family:
        with suppress(OSError):
            networks.add(str(Path(f"/proc/{pid}/ns/net").readlink()))
    return Holdings(
        descriptors=len(list((process / "fd").iterdir())),
        processes=len(family),
        mounts=len((process / "mountinfo").read_text().splitlines()),
        groups=_groups(server),
        networks=len(networks),
        server_mib=int(status["VmRSS"].split()[0]) / 1024,
        all_mib=pss_mib(family),
    )


def _groups(server: int) -> int:
    """How many control groups there are in its trees, one of which stands in each hierarchy."""
    count = 0
    for directory, below, _ in os.walk("/sys/fs/cgroup"):
        name = Path(directory).name
        if name.startswith(f"lambent-{server}-"):
            count += 1 + len(below)
        if name.startswith("lambent-"):
            below.clear()
    return count
