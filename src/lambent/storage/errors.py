"""What can go wrong with the disk and with what is on it; each class is one situation and its sentence.

These are not errors of AWS: whoever lets one through answers an internal failure, with this text in the server's log.
The ones that are met while starting are shown to the person at the terminal, so each says what to do.
"""

from __future__ import annotations

from typing import ClassVar

import apsw


class StorageError(Exception):
    """The storage could not do what was asked; nothing that was acknowledged before is lost."""

    message: ClassVar[str] = "{reason}"

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.message.format_map(fields))


class DiskFull(StorageError):
    """The file system, or a quota on it, has no room left."""

    message = "{file} cannot be written: the disk is full. Nothing was changed; free some space and try again."


class DiskReadOnly(StorageError):
    """The file system or the file may not be written."""

    message = "{file} cannot be written: it, or the file system below it, is read-only ({reason})."


class DiskFailed(StorageError):
    """The operating system reported an I/O error."""

    message = "{file}: the disk failed: {reason}."


class DatabaseDamaged(StorageError):
    """The file is not a database, or is not intact."""

    message = (
        "{file} is not an intact database: {reason}. Nothing was changed. Restore it from a backup, with the -wal file of "
        "that backup or with none; or move it and its -wal away, and Lambent begins with an empty one and deletes nothing "
        "of what lies beside it."
    )


class DatabaseBusy(StorageError):
    """Another program (a backup, the sqlite3 shell) holds SQLite's own lock on the file."""

    message = "{file} is locked by another program: {reason}. End that one, and try again."


class DatabaseClosed(StorageError):
    """A work came after the database's block was left."""

    message = "{file} is closed."


class DatabaseTooNew(StorageError):
    """The file was migrated by a newer program, and migrations only go forward."""

    message = (
        "{file} was written by a newer Lambent (it has migration {found} of {package}, this one knows {known}). "
        "Upgrade Lambent, or use another data directory."
    )


class MigrationFailed(StorageError):
    """A migration's SQL did not run; it was rolled back and the ones before it stand."""

    message = (
        "{file}: migration {number} of {package} failed and was undone: {reason}. The file is as it was: start the Lambent "
        "that wrote it, or restore it from a backup."
    )


class DataDirectoryBusy(StorageError):
    """Another process holds the lock on the directory."""

    message = "{path} is in use by another Lambent (process {pid}). Stop that one, or give this one another --data."


class DataDirectoryForeign(StorageError):
    """The directory holds things that Lambent did not put there, or belongs to someone else."""

    message = "{path} cannot be Lambent's data directory: {reason}. Give --data a new or empty directory."


class DataFileObstructed(StorageError):
    """Where a file of Lambent's belongs in the data directory, there is something that is no file."""

    message = (
        "{path} is {kind}, where Lambent keeps a file. Move it away, and put the file back from a backup if there was one; "
        "or give --data another directory."
    )


class LockFileMissing(StorageError):
    """The directory looks like one of Lambent's, but for the file that says so."""

    message = (
        "{path} has {there} in it, but no {lock}, by which Lambent knows its data directory. If it is one, restored without "
        "that file, run `touch {path}/{lock}` and start again; if not, give --data a new or empty directory."
    )


class SecretUnreadable(StorageError):
    """A secret is not a file of ours."""

    message = (
        "{file} cannot be used as a secret: {reason}. It must be a file of the user who runs Lambent, with mode 0600. Put it "
        "back as it was; or remove it, and Lambent makes a new one that nothing is signed with yet."
    )


class SecretExposed(StorageError):
    """Others than its owner may read or change a secret."""

    message = (
        "{file} has mode {mode}, so that others than its owner can read or change it. If nobody has, run `chmod 600 {file}`; "
        "if somebody may have, remove it, and Lambent makes a new one that nothing is signed with yet."
    )


class SecretDamaged(StorageError):
    """A secret is not what Lambent has written."""

    message = (
        "{file} is damaged: {reason}. Restore it from a backup; or remove it, and Lambent makes a new one that nothing is "
        "signed with yet."
    )


def of_disk(file: str, error: BaseException) -> StorageError | None:
    """Name the situation when `error` is the disk's or the file's fault; None when it is the statement's.

    A statement's own errors (a constraint, bad SQL) belong to whoever wrote the statement.
    """
    for kind, situation in (
        (apsw.FullError, DiskFull),
        (apsw.ReadOnlyError, DiskReadOnly),
        (apsw.CantOpenError, DiskReadOnly),
        (apsw.PermissionsError, DiskReadOnly),
        (apsw.IOError, DiskFailed),
        (apsw.CorruptError, DatabaseDamaged),
        (apsw.NotADBError, DatabaseDamaged),
        (apsw.BusyError, DatabaseBusy),
    ):
        if isinstance(error, kind):
            return situation(file=file, reason=error)
    return None
