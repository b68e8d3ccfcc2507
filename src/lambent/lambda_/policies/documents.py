"""The text of a policy: what stands in it, with one statement more or less. It is kept as AWS shows it, without
spaces."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from lambent.core.policies.document import Document, parsed
from lambent.lambda_.limits import POLICY_MAX_BYTES
from lambent.lambda_.policies.errors import PolicyTooLong, StatementExists, StatementNotFound
from lambent.lambda_.policies.statements import Statement

EMPTY: Final = '{"Version":"2012-10-17","Id":"default","Statement":[]}'
REMEMBERED: Final = 256  # policies kept parsed; each text has at most POLICY_MAX_BYTES

understood: Final = lru_cache(REMEMBERED)(parsed)
"""A policy by its text, which was found good before it was kept."""


def compact(text: str) -> str:
    """The same policy without spaces, its statements as a list; members stay in their order. Raises PolicyTooLong."""
    return _written(_read(text))


def with_statement(text: str | None, statement: Statement) -> str:
    """The policy, or the first of it, with one statement more at its end. Raises StatementExists, PolicyTooLong."""
    policy = _read(text or EMPTY)
    if any(each.get("Sid") == statement["Sid"] for each in policy["Statement"]):
        raise StatementExists(sid=statement["Sid"])
    return _written(policy | {"Statement": [*policy["Statement"], statement]})


def without_statement(text: str, sid: str) -> str | None:
    """The policy without that statement; None when it was the last one. Raises StatementNotFound."""
    policy = _read(text)
    rest = [each for each in policy["Statement"] if each.get("Sid") != sid]
    if len(rest) == len(policy["Statement"]):
        raise StatementNotFound(sid=sid)
    return _written(policy | {"Statement": rest}) if rest else None


def denies(document: Document) -> bool:
    """Whether it takes anything from anybody."""
    return any(statement.effect == "Deny" for statement in document.statements)


def _read(text: str) -> dict[str, Any]:
    policy: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    statements = policy["Statement"]
    return policy | {"Statement": statements if isinstance(statements, list) else [statements]}


def _written(policy: dict[str, Any]) -> str:
    text = msgspec.json.encode(policy)
    if len(text) > POLICY_MAX_BYTES:
        raise PolicyTooLong(size=len(text), limit=POLICY_MAX_BYTES)
    return text.decode()
