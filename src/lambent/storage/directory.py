"""The directory that holds everything Lambent knows, and the lock that says whose it is.

    lambent.lock     held (flock) by the running process; its text is that process's id
    *.db, blobs/     by the services; whatever else is here, they put here
    *.key            secrets, mode 0600

The directory is its owner's alone (0700). It must be new, empty, or already Lambent's: `--data /srv` by mistake
changes nothing there. flock, not a pid file: the kernel drops the lock with the last process that has the descriptor,
however it died; the descriptor is close-on-exec, so that no guest and no spawner that was exec'd keeps it.

An ephemeral directory is removed when its block is left. Against `kill -9` a shell waits on a pipe that only this
process holds the other end of, and removes the directory when it closes.
"""

from __future__ import annotations

import fcntl
import fnmatch
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from lambent.storage.database import Durability
from lambent.storage.errors import (
    DataDirectoryBusy,
    DataDirectoryForeign,
    DataFileObstructed,
    DiskReadOnly,
    LockFileMissing,
)
from lambent.storage.secrets import random_key, secret

LOCK: Final = "lambent.lock"
# What must be a file, if it is there. Secrets see to theirs.
FILES: Final = (LOCK, "reserve", "*.db", "*.db-wal", "*.db-shm")
KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
TRACES: Final = ("state.db", "root.key", "session.key")  # what a directory that has lost its lock file is known by
REMOVER: Final = 'trap "" INT TERM HUP QUIT; read -r _; chmod -R u+rwx "$1"; rm -rf -- "$1"'
REMOVER_TIMEOUT_S: Final = 5.0


class DataDirectory(msgspec.Struct, frozen=True):
    """A data directory that this process holds."""

    path: Path
    durability: Durability

    @property
    def durable(self) -> bool:
        """Whether what is written here must survive a power cut."""
        return self.durability == "full"

    def secret(self, name: str, create: Callable[[], bytes]) -> bytes:
        """Return the content of the secret file `name`; `create` it, for its owner only, when it is not there yet.

        Raises SecretUnreadable, SecretExposed, SecretDamaged.
        """
        return secret(self.path / name, create, bytes)

    def random_key(self, name: str, size_bytes: int, random_bytes: Callable[[int], bytes]) -> bytes:
        """The same of a key of `size_bytes` random bytes, which must be one."""
        return secret(
            self.path / name, lambda: random_bytes(size_bytes), lambda content: random_key(content, size_bytes)
        )


def default_path(environ: Mapping[str, str]) -> Path:
    """Return the directory under the user's data home, as the XDG base directory specification has it."""
    data_home = Path(environ.get("XDG_DATA_HOME", ""))
    if not data_home.is_absolute():  # the specification: a relative path is invalid and ignored
        data_home = Path(environ.get("HOME", "") or Path.home()) / ".local" / "share"
    return data_home / "lambent"


@contextmanager
def held(path: Path, durability: Durability = "full") -> Generator[DataDirectory]:
    """Hold the data directory at `path`, made if it is missing, for as long as the block lasts.

    Raises DataDirectoryBusy, DataDirectoryForeign, DataFileObstructed, LockFileMissing, DiskReadOnly.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(path)
        if (obstructed := obstruction(path)) is not None:
            raise obstructed
        path.chmod(0o700)
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise DataDirectoryForeign(path=path, reason=error.strerror) from error
    except OSError as error:
        raise DiskReadOnly(file=path, reason=error.strerror) from error
    try:
        _lock(path, lock)
        yield DataDirectory(path.resolve(), durability)
    finally:
        os.close(lock)


@contextmanager
def ephemeral(parent: Path | None = None) -> Generator[DataDirectory]:
    """Hold a temporary data directory that is gone after the block, or after the process, however it ends."""
    path = Path(tempfile.mkdtemp(prefix="lambent-", dir=parent))
    remover = subprocess.Popen(
        ["/bin/sh", "-c", REMOVER, "sh", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        with held(path, "memory") as directory:
            yield directory
    finally:
        _remove(path)
        remover.communicate(timeout=REMOVER_TIMEOUT_S)


def holder(path: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """The process that holds the data directory at `path`, as the kernel tells it; None: nobody, or it is not to be seen.

    Looks only: taking the lock to see whether that works would make another Lambent's start fail in that moment.
    """
    try:
        facts = (path / LOCK).stat()
        lines = locks.read_text().splitlines()
    except OSError:
        return None
    wanted = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino}"
    for line in lines:
        _, kind, *fields = line.split()
        if kind == "FLOCK" and fields[3] == wanted:
            return int(fields[2])
    return None


def trace(path: Path) -> str | None:
    """The name of a file by which a data directory is known that has lost its lock file."""
    return next((name for name in TRACES if (path / name).exists()), None)


def obstruction(path: Path) -> DataFileObstructed | None:
    """What stands where a file of the data directory belongs, and is none. Raises OSError."""
    for file in sorted(file for file in path.iterdir() if any(fnmatch.fnmatch(file.name, name) for name in FILES)):
        if (kind := _kind(file)) is not None:
            return DataFileObstructed(path=file, kind=kind)
    return None


def _kind(file: Path) -> str | None:
    """What stands there and is no file; None also where nothing is any more, since another Lambent may just have ended."""
    if file.exists():
        return KINDS.get(stat.S_IFMT(file.stat().st_mode))
    return "a link that leads nowhere" if file.is_symlink() else None


def _refuse_foreign(path: Path) -> None:
    if path.stat().st_uid != os.geteuid():
        raise DataDirectoryForeign(path=path, reason="it belongs to another user")
    if (path / LOCK).exists() or not any(path.iterdir()):
        return
    if (there := trace(path)) is not None:
        raise LockFileMissing(path=path, there=there, lock=LOCK)
    raise DataDirectoryForeign(path=path, reason="it is not empty, and not one of Lambent's")


def _lock(path: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
        raise DataDirectoryBusy(path=path, pid=holder or "unknown") from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _remove(path: Path) -> None:
    """Remove the tree; unpacked code in it is read-only, which only stops who is not root."""
    for directory, _, _ in os.walk(path):
        Path(directory).chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)
