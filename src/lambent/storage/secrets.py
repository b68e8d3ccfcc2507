"""Files that hold a secret: read only when they are what they must be, and written whole or not at all.

Whoever can read such a file, or guess what is in it, is the account's root. What is defended against: a file that others can
read or replace (its mode, its owner, a symlink), one that an interrupted write or restore has left empty, short or full of
zeros, and one that is no file. Such a secret is never used: its reader gets a sentence that names the file and the way back.
A file that is not there is made, by `create`; a crash in the middle of that leaves none.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from lambent.storage.errors import DiskFull, DiskReadOnly, SecretDamaged, SecretExposed, SecretUnreadable
from lambent.storage.files import write_whole

T = TypeVar("T")

SECRET_MAX_BYTES: Final = 4096
DISTINCT_MIN: Final = 8  # different bytes; thirty-two random ones have fewer once in 10^40
OTHERS: Final = 0o077  # of a mode: what the group and everybody else may


def read_secret(file: Path) -> bytes:
    """Return what the file holds. Raises FileNotFoundError, SecretUnreadable, SecretExposed, SecretDamaged."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = "it is a symbolic link" if file.is_symlink() else error.strerror
        raise SecretUnreadable(file=file, reason=reason) from None
    try:
        _check(file, os.fstat(descriptor))
        content = os.read(descriptor, SECRET_MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if not content:
        raise SecretDamaged(file=file, reason="it is empty")
    if len(content) > SECRET_MAX_BYTES:
        raise SecretDamaged(file=file, reason=f"it has more than {SECRET_MAX_BYTES} bytes")
    return content


def random_key(content: bytes, size_bytes: int) -> bytes:
    """The content, which must be a key of so many random bytes. Raises ValueError, which says what it is instead."""
    if len(content) != size_bytes:
        raise ValueError(f"it has {len(content)} bytes where a key has {size_bytes}")
    if is_guessable(content):
        raise ValueError("its bytes are not random")
    return content


def is_guessable(content: bytes) -> bool:
    """Whether so few different bytes are in it that nobody has drawn them by lot."""
    return len(set(content)) < DISTINCT_MIN


def secret(file: Path, create: Callable[[], bytes], parse: Callable[[bytes], T]) -> T:
    """What `parse` makes of the file's content, which `create` gives when there is no such file yet.

    `parse` raises ValueError for what is not in order. Raises SecretUnreadable, SecretExposed, SecretDamaged, DiskFull,
    DiskReadOnly.
    """
    try:
        content = read_secret(file)
    except FileNotFoundError:
        content = create()
        _write(file, content)
    try:
        return parse(content)
    except ValueError as error:
        raise SecretDamaged(file=file, reason=str(error)) from None


def _write(file: Path, content: bytes) -> None:
    try:
        write_whole(file, content)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(file=file) from None
        raise DiskReadOnly(file=file, reason=error.strerror) from None


def _check(file: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise SecretUnreadable(file=file, reason="it is not a file")
    if facts.st_uid != os.geteuid():
        raise SecretUnreadable(file=file, reason=f"it belongs to user {facts.st_uid}, and this is user {os.geteuid()}")
    if facts.st_mode & OTHERS:
        raise SecretExposed(file=file, mode=f"{stat.S_IMODE(facts.st_mode):04o}")
