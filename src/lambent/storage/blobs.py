"""Content-addressed files: the name of a blob is the sha256 of its bytes, and so it never changes.

A put writes a file of its own under `incoming/`, syncs it, renames it to `ab/abcdef...`, and syncs the directory:
after a crash a blob is there whole or not at all, and two puts of the same bytes, at the same time even, end in one
file. Half-written files that a crash left in `incoming/` are removed when the store is opened (the data directory's lock
says that nobody else is writing). Whether a blob is still wanted is known by whoever wrote the digest into a row.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

CHUNK_BYTES: Final = 1 << 20
DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The blobs under one directory; `durable=False` leaves out the syncing (ephemeral servers, tests)."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self._directory = directory
        self._incoming = directory / "incoming"
        self._durable = durable
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            if stat.S_ISREG(leftover.lstat().st_mode):
                leftover.unlink()

    async def put(self, content: bytes | memoryview | Path) -> str:
        """Keep the bytes, or the bytes of the file; return their sha256 in hex once they are on the disk.

        Raises OSError (ENOSPC, EROFS, ...); then nothing is kept.
        """
        return await asyncio.to_thread(self.put_now, content)

    def put_now(self, content: bytes | memoryview | Path) -> str:
        """Do what `put` does, in the calling thread."""
        file, digest = self._stage(content)
        try:
            self.adopt(file, digest)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return digest

    async def staged(self, content: bytes | memoryview) -> tuple[Path, str]:
        """Write the bytes to the disk, but not among the blobs yet: `adopt` does that, or the caller unlinks the file."""
        return await asyncio.to_thread(self._stage, content)

    def _stage(self, content: bytes | memoryview | Path) -> tuple[Path, str]:
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                digest = _copied(content, file)
                os.fchmod(file.fileno(), 0o400)
                if self._durable:
                    os.fsync(file.fileno())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name), digest

    def path(self, digest: str) -> Path:
        """Return where the blob is, if it is; the file is read-only and must stay as it is."""
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"not a sha256 in hex: {digest!r}")
        return self._directory / digest[:2] / digest

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).exists()

    def open(self, digest: str) -> BinaryIO:
        """Open the blob for reading; the caller closes it. Raises FileNotFoundError."""
        return self.path(digest).open("rb")

    def delete(self, digest: str) -> None:
        """Remove the blob if it is there; who has it open can read on."""
        self.path(digest).unlink(missing_ok=True)

    def adopt(self, file: Path, digest: str) -> None:
        """Take in a staged file, or one that was a blob before, under its name. Raises OSError."""
        target = self.path(digest)
        try:
            target.parent.mkdir(mode=0o700)
            self._sync(self._directory)
        except FileExistsError:
            pass
        file.replace(target)
        self._sync(target.parent)

    def digests(self) -> Iterator[str]:
        """Yield every blob's digest, for whoever looks for the ones that no row names."""
        for shard in self._directory.iterdir():
            if len(shard.name) == 2:
                yield from (entry.name for entry in shard.iterdir() if DIGEST.fullmatch(entry.name))

    def _sync(self, directory: Path) -> None:
        if not self._durable:
            return
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _copied(content: bytes | memoryview | Path, target: BinaryIO) -> str:
    """Copy all bytes to `target`; return their digest."""
    digest = hashlib.sha256()
    for chunk in _chunks(content):
        digest.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[target.write(view) :]
    return digest.hexdigest()


def _chunks(content: bytes | memoryview | Path) -> Iterator[bytes | memoryview]:
    if isinstance(content, Path):
        with content.open("rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
        return
    view = memoryview(content)
    for start in range(0, len(view), CHUNK_BYTES):
        yield view[start : start + CHUNK_BYTES]
