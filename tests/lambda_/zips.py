"""Archives for tests: good ones in one call, and bad ones that zipfile itself would not write."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from collections.abc import Mapping, Sequence


def zipped(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A plain archive of `files`."""
    return archived([(entry(name), data) for name, data in files.items()], compression)


def archived(entries: Sequence[tuple[zipfile.ZipInfo, bytes | str]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of exactly these entries, twice the same name if asked to."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive, warnings.catch_warnings(action="ignore"):
        for entry, data in entries:
            archive.writestr(entry, data, compression)
    return buffer.getvalue()


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    """An entry written on UNIX with this mode; the name is taken as it is."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    """A symlink."""
    return entry(name, stat.S_IFLNK | 0o777), target.encode()


HELLO = zipped({"app.py": "def handler(event, context):\n    return 'hello'\n"})
OTHER = zipped({"app.py": "def handler(event, context):\n    return 'other'\n"})
