"""Files that are written whole or not at all, whenever the process or the machine dies."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, content: bytes, *, durable: bool = True) -> None:
    """Put `content` into `file`, readable by its owner alone from its first moment; what was there stays until then.

    One process writes it at a time. Raises OSError; then nothing has changed.
    """
    new = file.with_name(f".{file.name}.new")  # one name, so that crashes do not leave more and more of them
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
            target.flush()
            if durable:
                os.fsync(descriptor)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if durable:
        sync_directory(file.parent)


def sync_directory(directory: Path) -> None:
    """Put the names in the directory on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
