"""Resources: rows, and an index that follows them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NoReturn

import apsw
import msgspec
import pytest

from lambent.lambda_.resources import Place, Resources
from lambent.lambda_.rows import MIGRATIONS
from lambent.storage.commits import committing
from lambent.storage.database import opened

HERE = Place("123456789012", "eu-central-1", "k")


class Thing(msgspec.Struct, frozen=True):
    value: int


@asynccontextmanager
async def things(directory: Path, kind: str = "thing") -> AsyncGenerator[Resources[Thing]]:
    async with opened(directory / "a.db", MIGRATIONS, "memory") as database, committing(database) as commits:
        yield await Resources.loaded(commits, kind, Thing)


async def test_what_was_committed_is_read_and_survives_a_restart(tmp_path: Path):
    async with things(tmp_path) as resources:
        assert resources.get(*HERE) is None
        await resources.change(HERE, lambda _: Thing(1))
        await resources.change(HERE._replace(key="j"), lambda _: Thing(2))
        await resources.change(HERE._replace(region="us-east-1"), lambda _: Thing(3))
        assert resources.get(*HERE) == Thing(1)
        assert resources.listed("123456789012", "eu-central-1") == [Thing(2), Thing(1)]
    async with things(tmp_path) as resources:
        assert sorted(thing.value for thing in resources.everything()) == [1, 2, 3]
        await resources.change(HERE, lambda _: None)
        assert resources.get(*HERE) is None
    async with things(tmp_path) as resources:
        assert sorted(thing.value for thing in resources.everything()) == [2, 3]


async def test_a_change_that_is_refused_changes_nothing(tmp_path: Path):
    def refuse(_: object) -> NoReturn:
        raise LookupError

    async with things(tmp_path) as resources:
        await resources.change(HERE, lambda _: Thing(1))
        with pytest.raises(LookupError):
            await resources.change(HERE, refuse)
        with pytest.raises(LookupError):
            await resources.change(HERE, lambda _: None, guard=refuse)
        assert resources.get(*HERE) == Thing(1)


async def test_kinds_do_not_meet(tmp_path: Path):
    async with things(tmp_path) as resources:
        await resources.change(HERE, lambda _: Thing(1))
    async with things(tmp_path, kind="other") as resources:
        assert list(resources.everything()) == []


async def test_a_watcher_hears_before_and_after_once_the_index_follows(tmp_path: Path):
    heard: list[tuple[Thing | None, Thing | None]] = []
    async with things(tmp_path) as resources:
        resources.watch(lambda before, after: heard.append((before, after)))
        await resources.change(HERE, lambda _: Thing(1))
        await resources.change(HERE, lambda before: Thing(before.value + 1) if before else None)
        await resources.change(HERE, lambda _: None)
    assert heard == [(None, Thing(1)), (Thing(1), Thing(2)), (Thing(2), None)]


async def test_a_guard_reads_other_rows_of_the_same_moment(tmp_path: Path):
    seen: list[object] = []

    def guard(connection: apsw.Connection) -> None:
        seen.extend(connection.execute("SELECT count(*) FROM resources"))

    async with things(tmp_path) as resources:
        await resources.change(HERE, lambda _: Thing(1))
        await resources.change(HERE._replace(key="j"), lambda _: Thing(2), guard=guard)
    assert seen == [(1,)]


async def test_a_watcher_that_fails_spoils_neither_the_commit_nor_the_others(tmp_path: Path):
    heard: list[Thing | None] = []

    def fail(_before: object, _after: object) -> NoReturn:
        raise LookupError("a bug")

    async with things(tmp_path) as resources:
        await resources.change(HERE, lambda _: Thing(1))
        resources.follow(fail)
        resources.follow(lambda _, after: heard.append(after))
        assert await resources.change(HERE, lambda _: Thing(2)) == Thing(2)
        assert resources.get(*HERE) == Thing(2)
    assert heard == [Thing(1), Thing(2)]
