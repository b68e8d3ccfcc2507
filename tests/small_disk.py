"""A small real disk: a tmpfs of so many bytes, for tests of what happens when it is full."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNK_BYTES = 64 * 1024


@contextmanager
def small_disk(directory: Path, size_mib: int) -> Generator[Path]:
    """Mount one at `directory`, which is made, as long as the block lasts. Skips where that is not allowed."""
    directory.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mount.stderr.strip()}")
    try:
        yield directory
    finally:
        _ = subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Fill the disk to its last block, as another program would; return the file that does."""
    file = directory / "filler"
    with file.open("wb", buffering=0) as filler:
        size = CHUNK_BYTES
        while size >= 1:
            try:
                _ = filler.write(b"\0" * size)
            except OSError:
                size //= 2
    return file
