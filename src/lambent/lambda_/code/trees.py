"""The unpacked packages on the disk, each a read-only directory that is there whole or not at all.

    abcdef...              a tree
    .new-*, .old-*         being filled, or on its way out
    .unsynced-abcdef...    the tree is not yet on the disk for certain

A tree is filled under another name and renamed. Nobody waits until its files are on the disk, which took a millisecond each:
what a power cut could take is unpacked again from the zip. A note says so before the tree gets its name, and is removed when
one syncfs, behind everybody's back, has put all of them on the disk. A start that finds the note does not trust the tree.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from lambent.core.errors import AwsError
from lambent.lambda_.code.graveyard import remove
from lambent.storage.files import sync_directory

UNSYNCED: Final = ".unsynced-"

log: Final = structlog.get_logger()


class Trees:
    """The trees under one directory."""

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self._directory: Final = directory
        self._durable: Final = durable
        self._doomed: Final[asyncio.Queue[Path]] = asyncio.Queue()
        self._adopted: Final = asyncio.Event()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        return self._directory / digest

    def digests(self) -> set[str]:
        return {path.name for path in self._directory.iterdir() if not path.name.startswith(".")}

    @asynccontextmanager
    async def filling(self, digest: str) -> AsyncGenerator[Path]:
        """An empty directory, which becomes the tree when the block ends."""
        root = await asyncio.to_thread(tempfile.mkdtemp, prefix=".new-", dir=self._directory)
        try:
            yield Path(root)
            await asyncio.to_thread(self._adopt, Path(root), digest)
            self._adopted.set()
        except (AwsError, OSError):
            await asyncio.to_thread(remove, Path(root))
            raise
        except BaseException:
            self._doomed.put_nowait(Path(root))
            raise

    def doom(self, digest: str) -> None:
        """Take the tree out of sight, so that the next upload of this content starts anew, and leave it to the remover."""
        if self.path(digest).exists():
            grave = Path(tempfile.mkdtemp(prefix=".old-", dir=self._directory))
            self.path(digest).rename(grave)
            self._doomed.put_nowait(grave)

    def clear(self, can_be_unpacked: Callable[[str], bool]) -> None:
        """After a start: take away what a crash has left half made, half removed, or not yet on the disk."""
        for leftover in self._directory.iterdir():
            if leftover.name.startswith(UNSYNCED):
                digest = leftover.name.removeprefix(UNSYNCED)
                if can_be_unpacked(digest):
                    self.doom(digest)
                leftover.unlink()
            elif leftover.name.startswith("."):
                self._doomed.put_nowait(leftover)

    async def remove_doomed(self) -> None:
        """Remove what was taken out of sight, until cancelled."""
        while True:
            await asyncio.to_thread(remove, await self._doomed.get())

    async def sync(self) -> None:
        """Put new trees on the disk, until cancelled."""
        while True:
            await self._adopted.wait()
            self._adopted.clear()
            try:
                await asyncio.to_thread(self._sync)
            except OSError as error:  # the notes stay, and the next start unpacks again
                log.warning("code.not_synced", directory=str(self._directory), reason=str(error))

    def _adopt(self, root: Path, digest: str) -> None:
        if self._durable:
            self._directory.joinpath(f"{UNSYNCED}{digest}").touch(mode=0o600)
            sync_directory(self._directory)
        try:
            root.rename(self.path(digest))
        except OSError:
            if not self.path(digest).exists():
                raise
            remove(root)  # the thread of a cancelled upload of the same content came first

    def _sync(self) -> None:
        notes = list(self._directory.glob(f"{UNSYNCED}*"))
        if not notes:
            return
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        finally:
            os.close(descriptor)
        for note in notes:
            note.unlink(missing_ok=True)
