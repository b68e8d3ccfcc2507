"""A database knows the points of its own history, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from lambent.storage.database import Database, opened
from lambent.storage.history import STARTS_MAX, Position, knows, position
from lambent.storage.sql import execute, fetched


def nothing(_: apsw.Connection) -> None: ...


async def used(file: Path, commits: int = 1) -> Position:
    """Start on the file, commit so often, and say where it stands then."""
    async with opened(file, (), "memory") as database:
        for _ in range(commits):
            await database.write(nothing)
        return database.read(position)


async def known(file: Path, point: Position) -> bool:
    async with opened(file, (), "memory") as database:
        return database.read(lambda connection: knows(connection, point))


async def test_every_commit_is_counted_over_all_starts(tmp_path: Path):
    first = await used(tmp_path / "a.db", 0)
    second = await used(tmp_path / "a.db", 3)
    third = await used(tmp_path / "a.db", 2)
    assert [point.commits - first.commits for point in (first, second, third)] == [0, 3, 5]
    assert first.identity == second.identity == third.identity
    assert len({first.start, second.start, third.start}) == 3
    assert [await known(tmp_path / "a.db", point) for point in (first, second, third)] == [True] * 3


async def test_a_start_that_commits_nothing_leaves_nothing(tmp_path: Path):
    before = await used(tmp_path / "a.db")
    assert await used(tmp_path / "a.db", 0) == before


async def test_a_copy_does_not_know_what_came_after_it_however_much_it_is_used(tmp_path: Path):
    await used(tmp_path / "a.db")
    shutil.copy(tmp_path / "a.db", tmp_path / "copy.db")
    later = await used(tmp_path / "a.db")
    await used(tmp_path / "copy.db", 50)
    assert not await known(tmp_path / "copy.db", later)
    assert await known(tmp_path / "a.db", later)


async def test_a_copy_of_a_running_database_does_not_know_the_rest_of_that_start(tmp_path: Path):
    async with opened(tmp_path / "a.db", (), "memory") as database:
        await database.write(nothing)
        execute(apsw.Connection(str(tmp_path / "a.db")), "VACUUM INTO ?", (str(tmp_path / "copy.db"),))
        await database.write(nothing)
        later = database.read(position)
    assert not await known(tmp_path / "copy.db", later)


async def test_two_databases_have_nothing_in_common(tmp_path: Path):
    assert not await known(tmp_path / "b.db", await used(tmp_path / "a.db"))


async def test_a_transaction_that_is_undone_is_not_counted(tmp_path: Path):
    async with opened(tmp_path / "a.db", (), "memory") as database:
        before = database.read(position)
        for error in (apsw.FullError("no room"), apsw.IOError("no disk")):
            with pytest.raises(Exception, match="disk"):
                await database.write(refusing(error))
        assert database.read(position) == before
        await database.write(nothing)
        assert database.read(position).commits == before.commits + 1


def refusing(error: Exception):
    def work(_: apsw.Connection) -> None:
        raise error

    return work


async def test_the_history_is_bounded_and_keeps_its_beginning(tmp_path: Path):
    first = await used(tmp_path / "a.db", 0)
    async with opened(tmp_path / "a.db", (), "memory") as database:
        await database.write(many_starts)
    last = await used(tmp_path / "a.db")
    assert last.identity == first.identity
    async with opened(tmp_path / "a.db", (), "memory") as database:
        assert rows(database) == STARTS_MAX + 1


def many_starts(connection: apsw.Connection) -> None:
    for number in range(2, 3 * STARTS_MAX):
        execute(connection, "INSERT INTO lambent_history VALUES (?, ?, ?)", (number, f"start {number}", number))


def rows(database: Database) -> int:
    return database.read(lambda connection: fetched(connection, "SELECT count(*) FROM lambent_history"))[0][0]


async def test_a_database_of_before_gets_a_history(tmp_path: Path):
    await used(tmp_path / "a.db")
    connection = apsw.Connection(str(tmp_path / "a.db"))
    execute(connection, "DROP TABLE lambent_history")
    connection.close()
    point = await used(tmp_path / "a.db")
    assert await known(tmp_path / "a.db", point)
