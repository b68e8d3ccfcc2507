"""A database file: what is acknowledged is there, works do not disturb each other, and a bad disk says so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.storage.database import Database, opened
from lambent.storage.errors import DatabaseClosed, DatabaseDamaged, DiskFull, DiskReadOnly
from lambent.storage.migrations import Migration

TABLE = Migration("tests", 1, "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "t.db", [TABLE], "memory") as database:
        yield database


def insert(connection: apsw.Connection, text: str) -> int:
    connection.execute("INSERT INTO t (text) VALUES (?)", (text,))
    return connection.last_insert_rowid()


def count(connection: apsw.Connection) -> int:
    return connection.execute("SELECT count(*) FROM t").get


async def test_a_write_returns_what_its_work_returns_and_is_readable_at_once(database: Database):
    assert await database.write(lambda connection: insert(connection, "a")) == 1
    assert database.read(count) == 1
    assert await database.scan(count) == 1


async def test_works_that_wait_together_are_committed_together(database: Database):
    before = database.commits
    await asyncio.gather(*(database.write(lambda c, i=i: insert(c, str(i))) for i in range(1000)))
    assert database.read(count) == 1000
    assert database.commits - before < 500


async def test_a_work_that_raises_undoes_itself_alone(database: Database):
    def half(connection: apsw.Connection) -> None:
        insert(connection, "half")
        raise LookupError("no")

    results = await asyncio.gather(
        database.write(lambda c: insert(c, "before")),
        database.write(half),
        database.write(lambda c: insert(c, "after")),
        return_exceptions=True,
    )
    assert isinstance(results[1], LookupError)
    texts = database.read(lambda c: [text for (text,) in c.execute("SELECT text FROM t ORDER BY text")])
    assert texts == ["after", "before"]


async def test_a_constraint_that_is_broken_is_told_to_its_own_caller(database: Database):
    results = await asyncio.gather(
        *(database.write(lambda c: insert(c, "same")) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [int, apsw.ConstraintError, apsw.ConstraintError]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text("abc", max_size=2), st.booleans()), max_size=40))
async def test_any_mix_of_works_leaves_exactly_those_that_succeeded(works: list[tuple[str, bool]]):
    def work(connection: apsw.Connection, text: str, fails: bool) -> None:
        insert(connection, text)
        if fails:
            raise LookupError(text)

    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        async with opened(Path(directory) / "t.db", [TABLE], "memory") as database:
            results = await asyncio.gather(
                *(database.write(lambda c, w=w: work(c, *w)) for w in works), return_exceptions=True
            )
            succeeded = sorted(text for (text, _), result in zip(works, results, strict=True) if result is None)
            assert database.read(lambda c: [t for (t,) in c.execute("SELECT text FROM t ORDER BY text")]) == succeeded


async def test_a_read_sees_one_commit_throughout(database: Database):
    await database.write(lambda c: insert(c, "first"))
    barrier: list[int] = []

    def twice(connection: apsw.Connection) -> tuple[int, int]:
        before = count(connection)
        barrier.append(1)
        while len(barrier) < 2:
            os.sched_yield()
        return before, count(connection)

    scanning = asyncio.create_task(database.scan(twice))
    while not barrier:
        await asyncio.sleep(0)
    await database.write(lambda c: insert(c, "second"))
    barrier.append(2)
    assert await scanning == (1, 1)
    assert database.read(count) == 2


async def test_reading_cannot_write(database: Database):
    with pytest.raises(apsw.ReadOnlyError):
        database.read(lambda c: insert(c, "a"))
    assert database.read(count) == 0


async def test_a_cancelled_scan_is_interrupted(database: Database):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    scanning = asyncio.create_task(database.scan(lambda c: c.execute(endless).get))
    await asyncio.sleep(0.05)  # not a measure: just so that it is under way
    scanning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scanning


async def test_leaving_finishes_what_is_queued_and_then_refuses(tmp_path: Path):
    async with opened(tmp_path / "t.db", [TABLE], "memory") as database:
        writes = [asyncio.ensure_future(database.write(lambda c, i=i: insert(c, str(i)))) for i in range(300)]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    with pytest.raises(DatabaseClosed):
        await database.write(lambda c: insert(c, "late"))
    async with opened(tmp_path / "t.db", [TABLE], "memory") as database:
        assert database.read(count) == 300


async def test_a_cancelled_caller_does_not_stop_the_others(database: Database):
    cancelled = asyncio.ensure_future(database.write(lambda c: insert(c, "cancelled")))
    other = asyncio.ensure_future(database.write(lambda c: insert(c, "other")))
    await asyncio.sleep(0)
    cancelled.cancel()
    await other
    assert database.read(count) in (1, 2)


async def test_a_full_disk_is_told_to_every_caller_of_the_batch_and_loses_nothing_acknowledged(database: Database):
    await database.write(lambda c: insert(c, "kept"))
    pages = await database.write(lambda c: c.execute("PRAGMA page_count").get)
    await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall())
    results = await asyncio.gather(
        *(database.write(lambda c, i=i: insert(c, f"{i}" + "x" * 4000)) for i in range(50)), return_exceptions=True
    )
    failed = [result for result in results if isinstance(result, BaseException)]
    assert failed
    assert all(isinstance(error, DiskFull) and "the disk is full" in str(error) for error in failed)
    await database.write(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchall())
    await database.write(lambda c: insert(c, "again"))
    assert database.read(count) == 2 + len(results) - len(failed)


async def test_a_file_that_is_no_database_is_refused_with_what_to_do(tmp_path: Path):
    (tmp_path / "t.db").write_bytes(b"not a database at all, but long enough to look at" * 100)
    with pytest.raises(DatabaseDamaged, match=r"is not an intact database.*backup"):
        async with opened(tmp_path / "t.db", [TABLE]):
            pass


async def test_a_directory_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(DiskReadOnly, match="cannot be written"):
        async with opened(tmp_path / "missing" / "t.db", [TABLE]):
            pass


WRITER = """
import asyncio, sys
from pathlib import Path
from lambent.storage.database import opened
from lambent.storage.migrations import Migration

async def main(file, start):
    migration = Migration("tests", 1, "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT UNIQUE)")
    async with opened(Path(file), [migration], "full") as database:
        async def write(lane):
            number = 0
            while True:
                text = f"{start}.{lane}.{number}"
                await database.write(lambda c: c.execute("INSERT INTO t (text) VALUES (?)", (text,)) and None)
                sys.stdout.write(text + "\\n")
                sys.stdout.flush()
                number += 1
        await asyncio.gather(*(write(lane) for lane in range(8)))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_after_kill_9_every_acknowledged_write_is_there(tmp_path: Path):
    acknowledged: set[str] = set()
    for start in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "t.db"), str(start)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged |= {writer.stdout.readline().strip() for _ in range(100 + 37 * start)}
            writer.send_signal(signal.SIGKILL)
            acknowledged |= {line.strip() for line in writer.stdout if line.endswith("\n")}
    async with opened(tmp_path / "t.db", [TABLE]) as database:
        found = database.read(lambda c: {text for (text,) in c.execute("SELECT text FROM t")})
        assert database.read(lambda c: c.execute("PRAGMA integrity_check").get) == "ok"
    assert acknowledged
    assert acknowledged <= found
