"""SQL that is written as SQL: a `.sql` file beside the code that owns it, loaded into an object with one attribute a
query.

A file is a sequence of

    -- name: insert_role
    -- Record a role that was just made.
    INSERT INTO roles (arn, name) VALUES (:arn, :name);

Each has a name and one sentence; parameters are named. Whoever loads it says `QUERIES = queries_of(__package__)` and
calls `QUERIES.insert_role.run(connection, arn=..., name=...)`. A name that is not in the file fails at its first use,
with the file's name; a malformed file fails at import. Nothing here builds SQL out of pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Final

import apsw

from lambent.storage.sql import Row, Value, execute, execute_many, fetched

HEADER: Final = re.compile(r"^-- name: *(\S+) *$", re.MULTILINE)


class MalformedQueries(ValueError):
    """A `.sql` file that does not keep to the form (raised at import)."""


class Query:
    """One statement, its name and its sentence."""

    __slots__ = ("description", "name", "sql")

    def __init__(self, name: str, description: str, sql: str) -> None:
        self.name = name
        self.description = description
        self.sql = sql

    def run(self, connection: apsw.Connection, **values: Value) -> int:
        """Execute for the effect; return how many rows were inserted, updated or deleted."""
        execute(connection, self.sql, values)
        return connection.changes()

    def run_many(self, connection: apsw.Connection, rows: Iterable[Mapping[str, Value]]) -> None:
        """Execute once for each row of values."""
        execute_many(connection, self.sql, rows)

    def row(self, connection: apsw.Connection, **values: Value) -> Row | None:
        """Return the first row, or None."""
        return next(iter(execute(connection, self.sql, values)), None)

    def rows(self, connection: apsw.Connection, **values: Value) -> list[Row]:
        """Return all rows; the query carries a LIMIT, or its table has one."""
        return fetched(connection, self.sql, values)

    def each(self, connection: apsw.Connection, **values: Value) -> Iterator[Row]:
        """Yield rows one by one; the statement stays open until the last."""
        return iter(execute(connection, self.sql, values))

    def __repr__(self) -> str:
        return f"<Query {self.name}>"


class Queries:
    """The queries of one file, as attributes."""

    def __init__(self, source: str, queries: Mapping[str, Query]) -> None:
        self._source = source
        self._queries = dict(queries)

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"{self._source} has no query named {name}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def parsed(source: str, text: str) -> Queries:
    """Parse the text of a `.sql` file; `source` names it in errors."""
    preamble, *parts = HEADER.split(text)
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise MalformedQueries(f"{source}: SQL before the first '-- name:'")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if not name.isidentifier() or name in queries:
            raise MalformedQueries(f"{source}: {name} is no name, or is there twice")
        queries[name] = _query(source, name, body)
    return Queries(source, queries)


def _query(source: str, name: str, body: str) -> Query:
    lines = body.strip().splitlines()
    said = 0
    while said < len(lines) and lines[said].startswith("--"):
        said += 1
    description = " ".join(line.removeprefix("--").strip() for line in lines[:said])
    sql = "\n".join(lines[said:]).strip()
    if not description or not sql:
        raise MalformedQueries(f"{source}: {name} needs a sentence of description and a statement")
    return Query(name, description, sql)


def queries_of(package: str, file: str = "queries.sql") -> Queries:
    """Load the `.sql` file that lies in `package`."""
    return parsed(f"{package}/{file}", files(package).joinpath(file).read_text("utf-8"))
