"""Schemas that only go forward: `migrations/0001_what.sql`, `0002_...` in the package that owns the tables.

Each migration runs once, in a transaction of its own together with the row that records it in `lambent_migrations`, so
that a crash leaves it done or not begun (SQLite's DDL is transactional). Several packages may share one file; each
counts for itself. A file that has a migration which this program does not know was written by a newer one, and is
refused before anything is touched: an older program cannot know what the newer one's rows mean.

Migrations do not go back, and none is ever edited after a release: the next number repairs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import apsw
import msgspec

from lambent.storage.errors import DatabaseTooNew, MigrationFailed, of_disk
from lambent.storage.sql import execute

NAME: Final = re.compile(r"(\d{4})_\w+\.sql")

LEDGER: Final = """
CREATE TABLE IF NOT EXISTS lambent_migrations (
    package TEXT NOT NULL,
    number INTEGER NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (package, number)
) WITHOUT ROWID
"""


class Migration(msgspec.Struct, frozen=True):
    """One step of one package's schema."""

    package: str
    number: int  # 1, 2, 3, ... without a gap
    sql: str


def migrations_of(package: str) -> tuple[Migration, ...]:
    """Load the migrations that lie in `package`/migrations, in order."""
    found: dict[int, str] = {}
    for entry in files(package).joinpath("migrations").iterdir():
        if match := NAME.fullmatch(entry.name):
            found[int(match[1])] = entry.read_text("utf-8")
    if sorted(found) != list(range(1, len(found) + 1)):
        raise ValueError(f"{package}: migrations are not numbered 1, 2, 3, ...: {sorted(found)}")
    return tuple(Migration(package, number, found[number]) for number in sorted(found))


def migrate(connection: apsw.Connection, migrations: Sequence[Migration]) -> int:
    """Bring the schema up to date; return how many migrations ran.

    Raises DatabaseTooNew (nothing touched), MigrationFailed or one of the disk's errors (that migration undone).
    """
    done = _applied(connection)
    _refuse_newer(connection, done, migrations)
    missing = [migration for migration in migrations if migration.number > done.get(migration.package, 0)]
    for migration in missing:
        _apply(connection, migration)
    return len(missing)


def _applied(connection: apsw.Connection) -> dict[str, int]:
    """Return the highest number applied of each package."""
    execute(connection, LEDGER)
    rows = execute(connection, "SELECT package, max(number) FROM lambent_migrations GROUP BY package")
    return {str(package): int(number) for package, number in rows}


def _refuse_newer(connection: apsw.Connection, done: dict[str, int], migrations: Sequence[Migration]) -> None:
    known: dict[str, int] = {}
    for migration in migrations:
        known[migration.package] = max(migration.number, known.get(migration.package, 0))
    for package, found in done.items():
        if found > known.get(package, 0):
            raise DatabaseTooNew(
                file=connection.filename, package=package, found=found, known=known.get(package, "none of it")
            )


def _apply(connection: apsw.Connection, migration: Migration) -> None:
    execute(connection, "BEGIN IMMEDIATE")
    try:
        execute(connection, migration.sql)
        execute(
            connection,
            "INSERT INTO lambent_migrations (package, number) VALUES (?, ?)",
            (migration.package, migration.number),
        )
        execute(connection, "COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            execute(connection, "ROLLBACK")
        raise of_disk(connection.filename, error) or MigrationFailed(
            file=connection.filename, package=migration.package, number=migration.number, reason=error
        ) from error
