"""`.sql` files: every query has a name, a sentence and a statement."""

from __future__ import annotations

import apsw
import pytest

from lambent.storage.database import opened
from lambent.storage.migrations import migrations_of
from lambent.storage.queries import MalformedQueries, parsed, queries_of

TEXT = """-- Queries of a test.

-- name: put
-- Keep a value.
INSERT INTO t VALUES (:value);

-- name: every
-- List all values,
-- oldest first.
SELECT value FROM t ORDER BY rowid;
"""


def test_queries_are_attributes_that_run():
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (value)")
    queries = parsed("test.sql", TEXT)
    assert queries.put.run(connection, value=1) == 1
    queries.put.run_many(connection, [{"value": 2}, {"value": 3}])
    assert queries.every.rows(connection) == [(1,), (2,), (3,)]
    assert queries.every.row(connection) == (1,)
    assert queries.every.description == "List all values, oldest first."


def test_a_missing_query_is_named_with_its_file():
    with pytest.raises(AttributeError, match=r"test\.sql has no query named get"):
        parsed("test.sql", TEXT).get.rows(apsw.Connection(":memory:"))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "-- name: a\nSELECT 1;",
        "-- name: a\n-- Says something, does nothing.\n",
        "-- name: a b\n-- Two words.\nSELECT 1;",
        "-- name: a\n-- Once.\nSELECT 1;\n-- name: a\n-- Twice.\nSELECT 2;",
    ],
)
def test_a_malformed_file_is_refused(text: str):
    with pytest.raises(MalformedQueries):
        parsed("test.sql", text)


@pytest.mark.parametrize("package", ["lambent.services.iam", "lambent.services.logs"])
async def test_every_query_compiles_against_its_migrations(package: str, tmp_path):
    async with opened(tmp_path / "t.db", migrations_of(package), "memory") as database:
        for query in queries_of(package):
            await database.write(lambda c, q=query: c.execute("EXPLAIN " + q.sql, apsw_values(c, q.sql)).fetchall())


def apsw_values(connection: apsw.Connection, sql: str) -> dict[str, None]:
    """A null for every parameter."""
    import re

    return dict.fromkeys(re.findall(r":(\w+)", sql))
