"""The program that unpacks one large package, outside of the server's interpreter: `SERVER ROOM_BYTES ARCHIVE [ROOT]`.

A package may have 100,000 files, and each costs a tenth of a millisecond of Python, during which nothing else in the same
interpreter would run. So it has an interpreter of its own, which ends when it is done, or with the server. What it reads is
a stranger's, so it has no capabilities and no environment, and its memory, its files and its time are bounded.

It says what came of it in one line of JSON, a `Report`. Without a root it only looks.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from lambent.lambda_.code.packages import taken
from lambent.lambda_.errors import PackageEmpty, PackageTooLarge, PackageUnreadable
from lambent.sandbox.native import linux, lockdown

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38
LIMITS: Final = {
    "RLIMIT_AS": 1 << 30,  # a hundred thousand entries take a quarter of it
    "RLIMIT_CORE": 0,
    "RLIMIT_CPU": 300,  # seconds
    "RLIMIT_FSIZE": 300 << 20,  # more than the largest package unpacks to
    "RLIMIT_NOFILE": 64,
}
NICENESS: Final = 10  # invocations come first
NO_MEMORY: Final = "it takes too much memory to read"


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a package: bytes, or the name of the error and what it needs, or the system's error number."""

    unzipped_bytes: int = 0
    error: str = ""
    reason: str = ""
    errno: int = 0


def report(archive: Path, root: Path | None, room_bytes: int) -> Report:
    """Look at the archive; unpack it into `root`, an empty directory, if there is one."""
    try:
        return Report(taken(archive, root, room_bytes))
    except PackageUnreadable as error:
        return Report(error=PackageUnreadable.__name__, reason=str(error.fields["reason"]))
    except (PackageEmpty, PackageTooLarge) as error:
        return Report(error=type(error).__name__)
    except MemoryError:
        return Report(error=PackageUnreadable.__name__, reason=NO_MEMORY)
    except OSError as error:
        return Report(errno=error.errno or 0)


def main(server: int, room_bytes: int, archive: str, root: str = "") -> None:
    """`server` is the process that has asked, and with which this one ends."""
    linux.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to everybody; the server ends this process
    linux.prctl(PR_SET_NO_NEW_PRIVS, 1)
    lockdown.drop_capabilities()
    lockdown.limit(LIMITS)
    os.nice(NICENESS)
    sys.stdout.buffer.write(msgspec.json.encode(report(Path(archive), Path(root) if root else None, room_bytes)))
