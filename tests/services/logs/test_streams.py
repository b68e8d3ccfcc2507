"""Lists of streams by a prefix of their names: what they hold, and what they cost where nothing begins with it."""

from __future__ import annotations

import random
from typing import Final

import apsw
import pytest

from lambent.services.logs.groups import QUERIES
from lambent.services.logs.service import MIGRATIONS
from lambent.services.logs.streams import beyond

STREAMS: Final = 20_000
STEP: Final = 100  # instructions of SQLite's machine between two looks
SOME: Final = [
    "",
    "a",
    "a/1",
    "a/10",
    "b",
    "B",
    "é",
    "é/1",
    "[1]",
    "a\U0010ffff",
    "a\U0010ffffz",
    "\U0010ffffx",
    "a\ud7ff",
    "a\ue000",
    "ab",
    "zz",
]


def filled(names: list[str]) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for migration in MIGRATIONS:
        _ = connection.execute(migration.sql)
    for group in (1, 2):
        _ = connection.executemany(
            "INSERT INTO streams (group_id, name, created_ms) VALUES (?, ?, 0)", [(group, name) for name in names]
        )
    return connection


@pytest.mark.parametrize("descending", [False, True])
def test_a_list_holds_every_name_that_begins_with_the_prefix_and_lies_behind_the_last(*, descending: bool) -> None:
    names = [name for name in SOME if name] + [f"{a}{b}" for a in "aé" for b in range(30)]
    connection = filled(names)
    query = QUERIES.streams_by_name_descending if descending else QUERIES.streams_by_name
    chance = random.Random(1)
    for _ in range(300):
        prefix, after = chance.choice(SOME), chance.choice(["", *names])
        rows = query.rows(connection, group_id=1, prefix=prefix, until=beyond(prefix), after=after, limit=7)
        right = [name for name in names if name.startswith(prefix) and (not after or (name < after) is descending)]
        right = [name for name in right if name != after]
        assert [row[1] for row in rows] == sorted(right, reverse=descending)[:7], (prefix, after)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("after", ["", "m0"])
def test_a_prefix_of_no_name_costs_nothing_whatever_else_is_there(after: str, *, descending: bool) -> None:
    connection = filled([f"m{number}" for number in range(STREAMS)])
    query = QUERIES.streams_by_name_descending if descending else QUERIES.streams_by_name
    looks: list[int] = []

    def look() -> bool:
        looks.append(1)
        return False

    connection.set_progress_handler(look, STEP)
    for prefix in ("a", "m0x", "z"):
        assert not query.rows(connection, group_id=1, prefix=prefix, until=beyond(prefix), after=after, limit=50)
    assert len(looks) * STEP < STREAMS
