"""Schemas go forward, one whole step at a time, and never back."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from lambent.storage.database import opened
from lambent.storage.errors import DatabaseTooNew, MigrationFailed
from lambent.storage.migrations import Migration, migrations_of

ONE = Migration("a", 1, "CREATE TABLE one (x)")
TWO = Migration("a", 2, "CREATE TABLE two (x); INSERT INTO two VALUES (1)")
OTHER = Migration("b", 1, "CREATE TABLE other (x)")
TORN = Migration("a", 2, "CREATE TABLE two (x); INSERT INTO nowhere VALUES (1)")


def tables(connection: apsw.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


async def test_missing_migrations_run_in_order_and_once(tmp_path: Path):
    for migrations in ([ONE], [ONE, TWO], [ONE, TWO], [ONE, TWO, OTHER]):
        async with opened(tmp_path / "t.db", migrations, "memory") as database:
            found = database.read(tables)
    assert found >= {"one", "two", "other"}
    async with opened(tmp_path / "t.db", [ONE, TWO, OTHER], "memory") as database:
        assert database.read(lambda c: c.execute("SELECT count(*) FROM two").get) == 1


async def test_a_torn_migration_leaves_nothing_and_those_before_it_stand(tmp_path: Path):
    with pytest.raises(MigrationFailed, match="migration 2 of a failed and was undone: no such table: nowhere"):
        async with opened(tmp_path / "t.db", [ONE, TORN], "memory"):
            pass
    async with opened(tmp_path / "t.db", [ONE], "memory") as database:
        assert database.read(tables) >= {"one"}
        assert "two" not in database.read(tables)
    async with opened(tmp_path / "t.db", [ONE, TWO], "memory") as database:
        assert "two" in database.read(tables)


async def test_a_newer_database_is_refused_with_what_to_do(tmp_path: Path):
    async with opened(tmp_path / "t.db", [ONE, TWO], "memory"):
        pass
    with pytest.raises(DatabaseTooNew, match=r"newer Lambent \(it has migration 2 of a, this one knows 1\)"):
        async with opened(tmp_path / "t.db", [ONE], "memory"):
            pass


@pytest.mark.parametrize("package", ["lambent.services.iam", "lambent.services.logs", "lambent.lambda_"])
async def test_the_migrations_of_every_package_run(package: str, tmp_path: Path):
    async with opened(tmp_path / "t.db", migrations_of(package), "memory") as database:
        assert len(database.read(tables)) > 1
