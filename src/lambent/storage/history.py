"""Which database a file is, and how far it has come: what a copy, a backup or a stranger's file is recognised by.

    lambent_history    number 1, 2, ...   one row for each start of Lambent that committed anything
                       start              a random name of that start
                       commits            how many commits the database had at the end of it

The name of the first start is the database's identity. A `Position` is a point of one history: whoever keeps things beside
the database (the code store) writes down the position up to which the database knows them. A database `knows` a position
when that start is in its own history and came at least as far. An older copy does not, not even after it was used and has
counted further: its new commits belong to a start of another name. This is how PostgreSQL's timelines and Raft's terms tell
two futures of one past apart.

The count is written in the transaction that it counts, so the two cannot disagree.
"""

from __future__ import annotations

from typing import Final

import apsw
import msgspec

from lambent.storage.sql import execute, fetched

STARTS_MAX: Final = 1000  # rows kept, the first and the last ones; a position that is older is not known any more

TABLE: Final = """
CREATE TABLE IF NOT EXISTS lambent_history (
    number INTEGER PRIMARY KEY,
    start TEXT NOT NULL,
    commits INTEGER NOT NULL
)
"""
FIRST: Final = "INSERT INTO lambent_history (number, start, commits) VALUES (1, lower(hex(randomblob(16))), 1)"
POSITION: Final = """
SELECT (SELECT start FROM lambent_history WHERE number = 1), start, commits
FROM lambent_history ORDER BY number DESC LIMIT 1
"""
KNOWN: Final = """
SELECT 1 FROM lambent_history
WHERE start = :start AND commits >= :commits
AND EXISTS (SELECT 1 FROM lambent_history WHERE number = 1 AND start = :identity)
"""
COUNT: Final = """
UPDATE lambent_history SET commits = commits + 1
WHERE number = (SELECT max(number) FROM lambent_history) AND start = ?
"""
BEGIN: Final = """
INSERT INTO lambent_history (number, start, commits)
SELECT max(number) + 1, ?, max(commits) + 1 FROM lambent_history
"""
FORGET: Final = """
DELETE FROM lambent_history
WHERE number > 1 AND number <= (SELECT max(number) FROM lambent_history) - ?
"""


class Position(msgspec.Struct, frozen=True):
    """A point in the history of one database."""

    identity: str  # of the database: the name of its first start
    start: str  # the name of the start in which it was written down
    commits: int  # how many commits the database had then


class CommitCounter:
    """Counts the commits of this start, each in its own transaction; called before every COMMIT."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._start: Final[str] = fetched(connection, "SELECT lower(hex(randomblob(16)))")[0][0]

    def count(self, connection: apsw.Connection) -> None:
        execute(connection, COUNT, (self._start,))
        if not connection.changes():  # the first of this start, or the first was undone
            execute(connection, BEGIN, (self._start,))
            execute(connection, FORGET, (STARTS_MAX,))


def begin_history(connection: apsw.Connection) -> None:
    """Give the database an identity if it has none: it is new, or older than this module."""
    if fetched(connection, "SELECT 1 FROM sqlite_master WHERE name = 'lambent_history'"):
        return
    execute(connection, f"BEGIN IMMEDIATE; {TABLE}; {FIRST}; COMMIT")


def position(connection: apsw.Connection) -> Position:
    """Where the database stands."""
    return Position(*fetched(connection, POSITION)[0])


def knows(connection: apsw.Connection, point: Position) -> bool:
    """Whether the database has been at this point of its history."""
    return bool(fetched(connection, KNOWN, msgspec.structs.asdict(point)))
