"""Where collected packages lie for a week before they are gone.

    <directory>/graveyard/abcdef...-20261129T023000Z    the zip as it was uploaded; a directory where there was only a tree

What Lambent collects it may collect by mistake: of the operator's, or of ours. A grave is a rename, so it costs nothing and
loses nothing, and what is wanted again comes back out of it by another. It has a term, GRAVE_TERM_S on the injected clock;
when the disk is short, graves are the first to be given up, the oldest first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from lambent.storage.removal import remove_tree

GRAVE_TERM_S: Final = 7 * 24 * 3600.0
TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
NAME: Final = re.compile(r"([0-9a-f]{64})-(\d{8}T\d{6}Z)")


class Grave(NamedTuple):
    """A collected package."""

    buried_at: float  # Unix epoch seconds
    digest: str
    path: Path


class Graveyard:
    """The graves under one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory: Final = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._by_digest: Final = {grave.digest: grave.path for grave in self.graves()}  # the latest of each

    def graves(self) -> list[Grave]:
        """Every grave, the oldest first. What others have put here is not looked at."""
        return sorted(_graves(self.directory))

    def bury(self, path: Path, digest: str, now: float) -> Path:
        """Move a zip or a tree of this content here; return where it lies."""
        if path.is_dir():
            path.chmod(0o700)  # a directory that is read-only cannot be moved but by root
        target = self.directory / f"{digest}-{datetime.fromtimestamp(now, UTC):{TIMESTAMP}}"
        remove(target)  # of the same second
        path.rename(target)
        self._by_digest[digest] = target
        return target

    def of(self, digest: str) -> Path | None:
        """The grave of this content, if it has one."""
        path = self._by_digest.get(digest)
        return path if path is not None and path.exists() else None

    def forget(self, digest: str) -> None:
        """Remove the grave of a content that is wanted again and did not need it. May take long; runs in a thread."""
        path = self._by_digest.pop(digest, None)
        if path is not None:
            remove(path)

    def remove_expired(self, now: float) -> list[Grave]:
        """Remove graves whose term is over, and return them. May take long; runs in a thread."""
        expired = [grave for grave in self.graves() if grave.buried_at <= now - GRAVE_TERM_S]
        for grave in expired:
            remove(grave.path)
        return expired

    def give_up(self, wanted_bytes: int) -> list[Grave]:
        """Remove graves, the oldest first, until that much is free again; return them. Runs in a thread."""
        given_up: list[Grave] = []
        for grave in self.graves():
            if wanted_bytes <= 0:
                break
            wanted_bytes -= size_bytes(grave.path)
            remove(grave.path)
            given_up.append(grave)
        return given_up


def _graves(directory: Path) -> Iterator[Grave]:
    for entry in directory.iterdir():
        if match := NAME.fullmatch(entry.name):
            with suppress(ValueError):  # a date that there is not: none of ours
                buried_at = datetime.strptime(match[2], TIMESTAMP).replace(tzinfo=UTC).timestamp()
                yield Grave(buried_at, match[1], entry)


def size_bytes(path: Path) -> int:
    """What a file or a tree takes on the disk."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(entry.stat(follow_symlinks=False).st_size for entry in _files(str(path)))


def _files(directory: str) -> Iterator[os.DirEntry[str]]:
    """What is below a directory and is none; no symlink is followed."""
    with suppress(PermissionError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                yield entry


def remove(path: Path) -> None:
    """Remove a file or a tree."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
