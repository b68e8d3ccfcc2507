"""Deployment packages: what a zip file would unpack to, and whether it may.

An archive comes from a stranger and is looked at before a byte of it is written: `inspected` reads its directory and
gives a `Package`, a list of plain directories, files and symlinks, or refuses. What it defends against:

- bombs: the declared sizes are summed, every entry's data is the zip's own (no overlaps), and `unpack` counts what it
  really writes; the number of entries, the depth and the length of paths are bounded
- writing elsewhere: absolute paths, `..`, NUL; a path below a file or below a symlink; devices, fifos, sockets
- ambiguity: a path that is a file and a directory, a local header that says something else than the directory,
  encryption, unknown compression, wrong checksums

What it takes, because AWS does: names with backslashes and colons, which are letters here; a path twice, of which the
last entry counts; a symlink to anywhere, which is for the guest to follow, within what it sees. Unpacking happens in a
fresh directory of ours, directories first, symlinks last, so no write passes through one, and nothing of the server's
follows a symlink in a tree. Reading the archive is zipfile's; nothing else of an entry than what is checked here is used.

Modes are the archive's, so what it hides from others its function cannot read: a function is not the owner of its code.
Owner, times, set-uid bits are not kept.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NoReturn

import msgspec

from lambent.lambda_.errors import PackageEmpty, PackageTooLarge, PackageUnreadable
from lambent.lambda_.limits import (
    COMPONENT_MAX_BYTES,
    DEPTH_MAX,
    ENTRIES_MAX,
    LINK_TARGET_MAX_BYTES,
    OBJECT_MAX_BYTES,
    PATH_MAX_BYTES,
    UNZIPPED_MAX_BYTES,
)

Parts = tuple[str, ...]  # a path inside the tree, without "." and ".."

CHUNK_BYTES: Final = 1 << 18
BLOCK_BYTES: Final = 4096  # of a file system
DIRECTORY_SIGNATURE: Final = b"PK\x01\x02"
LOCAL_HEADER_BYTES: Final = 30  # and the name, which must be there too
ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # of the general purpose bits
UTF8_NAME: Final = 0x800
UNIX: Final = frozenset({3, 19})  # of `create_system` (UNIX, macOS): then the upper half of external_attr is a mode
COMPRESSIONS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
PERMISSIONS: Final = 0o777
DIRECTORY_MODE: Final = 0o755  # of what the archive gives no mode
FILE_MODE: Final = 0o644
CORRUPT: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a zip version, or patched data, that zipfile does not know
    RuntimeError,
    ValueError,  # UnicodeDecodeError among them
    OverflowError,
)


class File(msgspec.Struct, frozen=True):
    """A file of the package and where the archive has it."""

    path: Parts
    mode: int  # permissions
    entry: zipfile.ZipInfo


class Package(msgspec.Struct, frozen=True):
    """An archive that was found to be in order; its files are still compressed."""

    archive: zipfile.ZipFile
    directories: tuple[tuple[Parts, int], ...]  # with their permissions; parents first
    files: tuple[File, ...]
    links: dict[Parts, str]  # to the target as written
    unzipped_bytes: int  # as declared

    @property
    def disk_bytes(self) -> int:
        """What the tree takes of a disk: each file whole blocks, and each name an inode."""
        names = len(self.files) + len(self.directories) + len(self.links)
        return names * BLOCK_BYTES + sum(-(-file.entry.file_size // BLOCK_BYTES) * BLOCK_BYTES for file in self.files)


@contextmanager
def inspected(content: bytes | Path) -> Generator[Package]:
    """Read the directory of an archive, or of a file that is one; the package can be unpacked while the block lasts.

    Raises PackageEmpty, PackageTooLarge, PackageUnreadable, also for what is found out inside the block.
    """
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        _check_size(file)
        try:
            with zipfile.ZipFile(file) as archive:
                yield _inspect(archive)
        except CORRUPT as error:
            raise PackageUnreadable(reason=repr(error)) from error


def taken(content: bytes | Path, root: Path | None, room_bytes: int) -> int:
    """Unpack an archive into `root`, an empty directory, or without one only look; return the unpacked bytes.

    Raises PackageEmpty, PackageTooLarge, PackageUnreadable, OSError (ENOSPC: it needs more than `room_bytes`).
    """
    with inspected(content) as package:
        if root is None:
            return package.unzipped_bytes
        if package.disk_bytes > room_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return unpack(package, root)


def _check_size(file: IO[bytes]) -> None:
    """Bound what zipfile makes objects of. Raises PackageEmpty, PackageTooLarge, PackageUnreadable."""
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes > OBJECT_MAX_BYTES:
        raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES)
    if not size_bytes:
        raise PackageEmpty
    file.seek(0)
    entries, tail = 0, b""
    while chunk := file.read(CHUNK_BYTES):
        entries += (tail + chunk).count(DIRECTORY_SIGNATURE)
        tail = chunk[1 - len(DIRECTORY_SIGNATURE) :]
    if entries > 2 * ENTRIES_MAX:
        _refuse(f"more than {ENTRIES_MAX} entries")
    file.seek(0)


def unpack(package: Package, root: Path) -> int:
    """Write the package into `root`, an empty directory; return the bytes written. Takes long; runs in a thread.

    Raises PackageTooLarge, PackageUnreadable, OSError; then `root` is left half filled.
    """
    for path, _ in package.directories:
        root.joinpath(*path).mkdir(mode=0o700)
    room = UNZIPPED_MAX_BYTES
    for file in package.files:
        room -= _write(package.archive, file, root.joinpath(*file.path), room)
    for path, target in package.links.items():
        root.joinpath(*path).symlink_to(target)
    for path, mode in reversed(package.directories):
        root.joinpath(*path).chmod(on_disk(mode))
    root.chmod(on_disk(DIRECTORY_MODE))
    return UNZIPPED_MAX_BYTES - room


def _write(archive: zipfile.ZipFile, file: File, target: Path, room: int) -> int:
    written = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as sink, archive.open(file.entry) as source:
        while chunk := source.read(CHUNK_BYTES):
            written += len(chunk)
            if written > room:
                raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES)
            _write_all(sink, chunk)
        os.fchmod(sink.fileno(), on_disk(file.mode))
    return written


def on_disk(mode: int) -> int:
    """The mode as the tree has it.

    Where Lambent is not root, every guest is the owner of all trees (in a user namespace), so there nobody may what others
    may not, and nobody may write; the owner may also read what others may execute, because we look into it.
    """
    if os.geteuid() == 0:
        return mode
    others = mode & 0o5
    return others * 0o111 | (0o440 if others & 1 else 0)


def _write_all(sink: IO[bytes], chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[sink.write(view) :]


def _refuse(reason: str) -> NoReturn:
    raise PackageUnreadable(reason=reason)


def _inspect(archive: zipfile.ZipFile) -> Package:
    entries = archive.infolist()
    if not entries:
        raise PackageEmpty
    if len(entries) > ENTRIES_MAX:
        _refuse(f"more than {ENTRIES_MAX} entries")
    unzipped_bytes = sum(entry.file_size for entry in entries)
    if unzipped_bytes > UNZIPPED_MAX_BYTES:
        raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES)
    _check_no_overlap(entries, archive.start_dir)
    directories: dict[Parts, int] = {}
    files: dict[Parts, File] = {}
    links: dict[Parts, str] = {}
    for entry in entries:
        _check_readable(entry)
        name, mode = _name(entry), _mode(entry)
        path = _path(name)
        if name.endswith("/") or stat.S_ISDIR(mode):
            _add_directories(directories, path)
            if path:
                directories[path] = _directory_permissions(mode)
            continue
        if not path:
            _refuse(f"{entry.filename!r} has no name")
        _check_type(entry, mode)
        _add_directories(directories, path[:-1])
        links.pop(path, None)  # of two entries of one path the last counts
        files.pop(path, None)
        if stat.S_ISLNK(mode):
            links[path] = _target(archive, entry)
        else:
            files[path] = File(path, _file_permissions(mode), entry)
    _check_tree(directories, files, links)
    return Package(archive, tuple(sorted(directories.items())), tuple(files.values()), links, unzipped_bytes)


def _check_no_overlap(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Every entry's header and data lie before the next one's: shared data is how small zips grow without bound."""
    for entry in sorted(entries, key=lambda entry: entry.header_offset, reverse=True):
        size = LOCAL_HEADER_BYTES + len(entry.orig_filename) + entry.compress_size
        if entry.header_offset < 0 or entry.header_offset + size > end:
            _refuse(f"{entry.filename!r} overlaps what follows it")
        end = entry.header_offset


def _check_readable(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & ENCRYPTED:
        _refuse(f"{entry.filename!r} is encrypted")
    if entry.compress_type not in COMPRESSIONS:
        _refuse(f"{entry.filename!r} has compression {entry.compress_type}")


def _path(name: str) -> Parts:
    """Return the path inside the tree, () for the root itself."""
    if name.startswith("/") or "\0" in name:
        _refuse(f"{name!r} is not a relative path")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        _refuse(f"{name!r} leads upwards")
    if len(parts) > DEPTH_MAX or len(os.fsencode(name)) > PATH_MAX_BYTES:
        _refuse("a path too long")
    if any(len(os.fsencode(part)) > COMPONENT_MAX_BYTES for part in parts):
        _refuse("a file name too long")
    return parts


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name as its writer meant it: zip and ditto write UTF-8 without setting the flag that says so."""
    if entry.flag_bits & UTF8_NAME:
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.orig_filename


def _mode(entry: zipfile.ZipInfo) -> int:
    """Return type and permissions; 0: the archive gives none."""
    return entry.external_attr >> 16 if entry.create_system in UNIX else 0


def _check_type(entry: zipfile.ZipInfo, mode: int) -> None:
    """Refuse what is no file, directory or symlink. What has no type that there is, as old Maven writes it, is a file."""
    if stat.S_IFMT(mode) in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK):
        _refuse(f"{entry.filename!r} is a device, a fifo or a socket")


def _file_permissions(mode: int) -> int:
    """Return the permissions of a file; where its mode has no type, nobody chose the mode, and everybody may read.

    Python's zipfile writes such modes: 0600 without a type where its caller gave no mode at all.
    """
    if not mode:
        return FILE_MODE
    return mode & PERMISSIONS if stat.S_IFMT(mode) else mode & PERMISSIONS | 0o444


def _directory_permissions(mode: int) -> int:
    """Return the permissions of a directory; of another type than that, a mode is senseless and does not count."""
    return mode & PERMISSIONS if stat.S_ISDIR(mode) else DIRECTORY_MODE


def _add_directories(directories: dict[Parts, int], path: Parts) -> None:
    while path and path not in directories:
        directories[path] = DIRECTORY_MODE
        path = path[:-1]
    if len(directories) > ENTRIES_MAX:
        _refuse(f"more than {ENTRIES_MAX} directories")


def _target(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if not 0 < entry.file_size <= LINK_TARGET_MAX_BYTES:
        _refuse(f"{entry.filename!r} links to a path too long")
    target = archive.read(entry).decode("utf-8")
    if "\0" in target:
        _refuse(f"{entry.filename!r} links to no path")
    return target


def _check_tree(directories: Mapping[Parts, int], files: Mapping[Parts, File], links: Mapping[Parts, str]) -> None:
    """No file or link is also a directory, so nothing is written below a link."""
    for path in (*files, *links):
        if path in directories:
            _refuse(f"{'/'.join(path)!r} is a file and a directory")
