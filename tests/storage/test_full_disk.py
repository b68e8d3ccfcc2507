"""A disk that is really full: what is needed is written from the reserve, what is optional is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from lambent.core.clock import FakeClock
from lambent.storage.database import Database, opened
from lambent.storage.disk import Disk
from lambent.storage.errors import DiskFull
from lambent.storage.migrations import Migration
from lambent.storage.reserve import FILE, RETAKE_DELAY_S, Reserve, reserving
from lambent.storage.sql import execute, fetched
from tests.small_disk import fill, small_disk

SCHEMA = [Migration("test", 1, "CREATE TABLE t (number INTEGER PRIMARY KEY, text TEXT)")]
MIB = 1 << 20


@asynccontextmanager
async def on_small_disk(tmp_path: Path) -> AsyncIterator[tuple[Path, Database, Reserve, FakeClock]]:
    clock = FakeClock()
    with small_disk(tmp_path / "disk", 200) as directory:
        disk = Disk(directory, 10 * MIB)
        async with (
            reserving(directory, disk, clock) as reserve,
            opened(directory / "t.db", SCHEMA, "full", reserve) as database,
        ):
            yield directory, database, reserve, clock


def insert(number: int, size: int = 100_000) -> Callable[[apsw.Connection], None]:
    def work(connection: apsw.Connection) -> None:
        execute(connection, "INSERT INTO t VALUES (?, ?)", (number, "x" * size))

    return work


def rows(connection: apsw.Connection) -> int:
    return int(fetched(connection, "SELECT count(*) FROM t")[0][0])


def delete_all(connection: apsw.Connection) -> None:
    execute(connection, "DELETE FROM t")


async def test_deleting_works_on_a_full_disk(tmp_path: Path):
    async with on_small_disk(tmp_path) as (directory, database, _, _):
        for number in range(20):
            await database.write(insert(number))
        _ = fill(directory)
        await database.write(delete_all)
        assert database.read(rows) == 0
        assert (directory / FILE).stat().st_size == 0


async def test_what_is_optional_is_refused_and_leaves_the_reserve_to_others(tmp_path: Path):
    async with on_small_disk(tmp_path) as (directory, database, _, _):
        await database.write(insert(1))
        _ = fill(directory)
        with pytest.raises(DiskFull):
            await database.write(insert(2, 20 * MIB), optional=True)
        assert (directory / FILE).stat().st_size == 20 * MIB
        await database.write(delete_all)
        assert database.read(rows) == 0


async def test_a_work_that_is_too_large_for_the_reserve_is_refused_and_a_smaller_one_is_not(tmp_path: Path):
    async with on_small_disk(tmp_path) as (directory, database, _, _):
        _ = fill(directory)
        with pytest.raises(DiskFull):
            await database.write(insert(1, 60 * MIB))
        await database.write(insert(2, 1000))
        assert database.read(rows) == 1


async def test_the_reserve_is_taken_again_when_there_is_room(tmp_path: Path):
    async with on_small_disk(tmp_path) as (directory, database, _, clock):
        filler = fill(directory)
        await database.write(insert(1))
        clock.advance(RETAKE_DELAY_S)
        await database.write(insert(2, 100))
        assert (directory / FILE).stat().st_size == 0
        filler.unlink()
        clock.advance(RETAKE_DELAY_S)
        await database.write(insert(3, 100))
        await database.scan(rows)
        assert (directory / FILE).stat().st_size == 20 * MIB


async def test_a_full_disk_at_the_start_is_no_reason_not_to_start(tmp_path: Path):
    clock = FakeClock()
    with small_disk(tmp_path / "disk", 100) as directory:
        _ = fill(directory)
        async with reserving(directory, Disk(directory, 0), clock) as reserve:
            assert not reserve.give_up()
