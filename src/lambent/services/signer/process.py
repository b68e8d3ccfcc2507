"""The server's side of `verifying`: a process for each package that has a signature, with a limit to how long it takes."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from pathlib import Path
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.core.ports import PackageSignature, SignatureBroken
from lambent.services.signer.contents import SIGNATURE
from lambent.services.signer.report import Report

log: Final = structlog.get_logger()

VERIFYING: Final = "lambent.services.signer.verifying"
TIMEOUT_S: Final = 60.0
AT_ONCE: Final = 2
REPORT_MAX_BYTES: Final = 64 * 1024
END: Final = b"PK\x05\x06"  # of a zip: behind it, how long its directory is and where it begins
END_BYTES: Final = 22
COMMENT_MAX_BYTES: Final = 65_535
UNTOLD: Final = 0xFFFFFFFF  # the number is elsewhere: zip64


class SignatureFiles:
    """The `Signatures` of an operator who keeps profiles in a folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder: Final = folder
        self._clock: Final = clock
        self._turns: Final = asyncio.Semaphore(AT_ONCE)

    async def of(self, package: Path, /) -> PackageSignature | None:
        """Raises SignatureBroken; also when it takes too long or too much to find out, since nothing is then known."""
        if not await asyncio.to_thread(may_be_signed, package):
            return None
        async with self._turns:
            found = await self._report(package)
        if found.unreadable is not None:
            log.error("signer.profiles_unreadable", reason=found.unreadable)
            raise SignatureBroken(found.unreadable)
        if found.broken is not None:
            raise SignatureBroken(found.broken)
        return found.signature

    async def _report(self, package: Path) -> Report:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", VERIFYING, str(package), str(self._folder), str(self._clock.now())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                output, errors = await process.communicate()
        except TimeoutError:
            raise SignatureBroken("it took too long to read") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            log.error("signer.failed", status=process.returncode, said=errors[-2000:].decode("utf-8", "replace"))
            raise SignatureBroken("it could not be read")
        return msgspec.json.decode(output, type=Report)


def may_be_signed(package: Path) -> bool:
    """Whether the archive's directory names a signature; True also where that is not plain. A few milliseconds."""
    with package.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        tail_at = file.seek(max(0, size - END_BYTES - COMMENT_MAX_BYTES))
        tail = file.read()
        end = tail.rfind(END)
        if end < 0 or len(tail) - end < END_BYTES:
            return True
        length, start = struct.unpack_from("<II", tail, end + 12)
        if UNTOLD in (length, start) or start + length > tail_at + end:
            return True
        file.seek(tail_at + end - length)  # counted from the end, as zipfile does
        return SIGNATURE.encode() in file.read(length)
