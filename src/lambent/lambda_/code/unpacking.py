"""Where packages are unpacked: small ones in a thread, large ones in a process of their own, each kind with its own turns.

A small package is quick, and its way must not lead behind a large one's. What is large is said by the archive's bytes and by
its number of entries, since every file costs Python. Between accounts turns go round (core/turns.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import msgspec
import structlog

from lambent.core.turns import Turns
from lambent.lambda_.code.packages import DIRECTORY_SIGNATURE, taken
from lambent.lambda_.code.unpacking_process import Report
from lambent.lambda_.errors import PackageEmpty, PackageTooLarge, PackageUnreadable
from lambent.lambda_.limits import UNZIPPED_MAX_BYTES

log: Final = structlog.get_logger()

SMALL_BYTES: Final = 1 << 20
SMALL_ENTRIES: Final = 200
SMALL_AT_ONCE: Final = 4
LARGE_AT_ONCE: Final = 2  # each may hold a core
TIMEOUT_S: Final = 600.0
ERRORS_BYTES: Final = 2000  # of what a process that failed has said, in the log
_SOURCE: Final = Path(__file__).parents[3]  # the directory that holds `lambent`
_PROGRAM: Final = (
    "import sys;sys.path.insert(0,sys.argv[1]);"
    "from lambent.lambda_.code.unpacking_process import main;main(int(sys.argv[2]),int(sys.argv[3]),*sys.argv[4:])"
)
_ENVIRONMENT: Final = {"LC_CTYPE": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin"}  # nothing of the server's


class UnpackingFailed(OSError):
    """A fault of ours, or of the machine: the process that unpacks has not said what came of it."""


class Unpacking:
    """Unpacks for everybody."""

    def __init__(self) -> None:
        self._small: Final = Turns(SMALL_AT_ONCE)
        self._large: Final = Turns(LARGE_AT_ONCE)

    async def unpack(self, archive: Path, root: Path | None, account: str, room_bytes: int = UNZIPPED_MAX_BYTES) -> int:
        """Unpack into `root`, an empty directory, or only look; return the unpacked bytes, at most `room_bytes`.

        Raises PackageEmpty, PackageTooLarge, PackageUnreadable, OSError (ENOSPC: it needs more than `room_bytes`),
        UnpackingFailed; then `root` is left half filled.
        """
        content = await asyncio.to_thread(small_content, archive)
        if content is not None:
            async with self._small.turn(account):
                return await asyncio.to_thread(taken, content, root, room_bytes)
        async with self._large.turn(account):
            return outcome(await in_process(archive, root, room_bytes))


def small_content(archive: Path) -> bytes | None:
    """The bytes of a small archive; None of a large one."""
    with archive.open("rb") as file:
        content = file.read(SMALL_BYTES + 1)
    if len(content) > SMALL_BYTES or content.count(DIRECTORY_SIGNATURE) > SMALL_ENTRIES:
        return None
    return content


async def in_process(archive: Path, root: Path | None, room_bytes: int) -> Report:
    """Let a process of its own do it. Raises UnpackingFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _PROGRAM, str(_SOURCE), str(os.getpid()), str(room_bytes), str(archive)),
        *([str(root)] if root is not None else []),
        env=_ENVIRONMENT,
        cwd="/",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not output:
        log.error(
            "code.unpacking_failed", status=process.returncode, said=errors[-ERRORS_BYTES:].decode("utf-8", "replace")
        )
        raise UnpackingFailed(f"the process that unpacks {archive} ended with status {process.returncode}")
    return msgspec.json.decode(output, type=Report)


def outcome(report: Report) -> int:
    """The bytes that were unpacked, or the error that a report speaks of, raised."""
    if report.errno:
        raise OSError(report.errno, os.strerror(report.errno))
    match report.error:
        case "":
            return report.unzipped_bytes
        case PackageEmpty.__name__:
            raise PackageEmpty
        case PackageTooLarge.__name__:
            raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES)
        case _:
            raise PackageUnreadable(reason=report.reason)
