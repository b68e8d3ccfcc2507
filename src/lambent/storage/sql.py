"""The one door to apsw's `execute`, with the types that apsw's stub cannot say on Python 3.11.

The stub names `collections.abc.Buffer`, which is of 3.12; a checker for 3.11 then knows the type of no call. Everything
that runs SQL comes through here, so that this is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

Value = int | float | str | bytes | None
Row = tuple[Any, ...]


def execute(
    connection: apsw.Connection, statements: str, values: Mapping[str, Value] | Sequence[Value] | None = None
) -> apsw.Cursor:
    """Run the statements; the cursor has the rows of the last."""
    return connection.execute(statements, values)  # pyright: ignore[reportUnknownMemberType]


def fetched(
    connection: apsw.Connection, statements: str, values: Mapping[str, Value] | Sequence[Value] | None = None
) -> list[Row]:
    """Run the statements to their end; return all rows of the last."""
    return execute(connection, statements, values).fetchall()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def execute_many(connection: apsw.Connection, statement: str, rows: Iterable[Mapping[str, Value]]) -> None:
    """Run the statement once for each row of values."""
    connection.executemany(statement, rows)  # pyright: ignore[reportUnknownMemberType]
