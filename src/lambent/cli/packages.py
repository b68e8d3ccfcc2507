"""A folder as a deployment package, with what its requirements.txt asks for.

The same folder gives the same bytes (entries in order, no times in them), so that a deployment can see that nothing has
changed. Links stay links. Everybody may read every file, whatever its mode here, because a function does not own its code.
What tools leave in a folder (version control, caches, virtual environments) stays out.
"""

from __future__ import annotations

import io
import os
import platform
import stat
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lambent.cli.errors import Failed
from lambent.lambda_.runtimes.catalogue import Runtime

LEFT_OUT: Final = frozenset(
    {".git", ".hg", ".svn", ".DS_Store", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
ENVIRONMENT: Final = "pyvenv.cfg"  # a directory with this file is a virtual environment
LINES_SHOWN: Final = 12


def packaged(*directories: Path) -> bytes:
    """The .zip of these folders together; of two files with one name, that of the later folder. Raises Failed."""
    try:
        return archived(*directories)
    except OSError as error:
        raise Failed(f"{error.filename} cannot be packaged: {error.strerror}") from None


def archived(*directories: Path) -> bytes:
    """Raises OSError."""
    found = {str(file.relative_to(directory)): file for directory in directories for file in files(directory)}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for name, file in sorted(found.items()):
            entry = zipfile.ZipInfo(name)  # of 1980, the first year there is
            entry.compress_type = zipfile.ZIP_DEFLATED
            link = file.is_symlink()
            executable = not link and os.access(file, os.X_OK)
            entry.external_attr = (stat.S_IFLNK | 0o777 if link else stat.S_IFREG | 0o644 | 0o111 * executable) << 16
            package.writestr(entry, os.fsencode(file.readlink()) if link else file.read_bytes())
    return archive.getvalue()


def files(directory: Path) -> Iterator[Path]:
    """Every file and link of a folder that belongs to its function."""
    for entry in sorted(directory.iterdir()):
        if entry.name in LEFT_OUT or entry.suffix == ".pyc" or (entry / ENVIRONMENT).exists():
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from files(entry)
        elif entry.is_file() or entry.is_symlink():
            yield entry


def install(requirements: Path, runtime: Runtime, target: Path) -> None:
    """Have pip install a requirements.txt for the runtime's Python. Raises Failed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    done = subprocess.run(
        [*pip, *foreign(runtime), "--target", str(target), "-r", str(requirements)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        said = "\n  ".join(done.stdout.strip().splitlines()[-LINES_SHOWN:])
        raise Failed(f"pip could not install {requirements} for {runtime.id}:\n  {said}")


def foreign(runtime: Runtime) -> list[str]:
    """Flags for another Python than ours: for it pip takes wheels only, since it cannot build with what does not run it."""
    if runtime.version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return []
    if sys.platform == "linux":
        tags = [f"manylinux{tag}_{platform.machine()}" for tag in ("_2_28", "_2_17", "2014")]
    else:
        tags = [sysconfig.get_platform().replace("-", "_").replace(".", "_")]
    platforms = [f"--platform={tag}" for tag in tags]
    return ["--only-binary=:all:", "--implementation=cp", f"--python-version={runtime.version}", *platforms]
