"""Who may assume a role: the evaluation of a trust policy.

A Deny that matches wins, else an Allow that matches, else no. A statement matches when its action covers the asked
one, its principals cover the asker, and all its conditions hold for what is known of the request. Of the condition
operators only those are evaluated that trust policies for Lambda use (`StringEquals`, `StringLike`, `ArnEquals`,
`ArnLike`, their `Not` forms, `Bool`, and `...IfExists`); a statement with any other is not guessed at: as an Allow it
does not allow, as a Deny it denies. Source: IAM User Guide, "AWS JSON policy elements: Principal" and "Condition
operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from lambent.services.iam.policy import Conditions, Document, Principals, Statement

ASSUMED_ROLE: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/(.+)")


class Asker(msgspec.Struct, frozen=True):
    """Who wants to assume a role: a service by its principal name, or a caller by account and ARN."""

    service: str | None = None  # "lambda.amazonaws.com"
    account: str | None = None
    arn: str | None = None
    principal_id: str | None = None


def allows(document: Document, action: str, asker: Asker, context: Mapping[str, str]) -> bool:
    """Whether the trust policy lets `asker` do `action`; `context` holds the condition keys that are known,
    lower-case.
    """
    verdicts = {
        statement.effect
        for statement in document.statements
        if _covers_action(statement, action) and _covers_asker(statement, asker) and _holds(statement, context)
    }
    return "Allow" in verdicts and "Deny" not in verdicts


def _covers_action(statement: Statement, action: str) -> bool:
    return any(_glob(pattern.lower()).fullmatch(action.lower()) for pattern in statement.actions)


def _covers_asker(statement: Statement, asker: Asker) -> bool:
    if statement.principals is not None:
        return _names(statement.principals, asker)
    return statement.not_principals is not None and not _names(statement.not_principals, asker)


def _names(principals: Principals, asker: Asker) -> bool:
    if "*" in principals:
        return True
    if asker.service is not None:
        return asker.service in principals.get("Service", ())
    return any(_names_caller(principal, asker) for principal in principals.get("AWS", ()))


def _names_caller(principal: str, asker: Asker) -> bool:
    """Whether an AWS principal is this caller: everyone, its account, itself, or the role whose session it is."""
    if principal in ("*", asker.account, asker.arn) or principal == asker.principal_id:
        return True
    if principal == f"arn:aws:iam::{asker.account}:root":
        return True
    session = ASSUMED_ROLE.fullmatch(asker.arn or "")
    if session is None:
        return False
    prefix = f"arn:{session[1]}:iam::{session[2]}:role/"
    return principal.startswith(prefix) and principal.rpartition("/")[2] == session[3]


def _holds(statement: Statement, context: Mapping[str, str]) -> bool:
    """Whether all conditions hold; one that cannot be evaluated leaves the statement on the side of refusal."""
    try:
        return _all_hold(statement.conditions or {}, context)
    except _CannotTell:
        return statement.effect == "Deny"


class _CannotTell(Exception):
    """An operator that is not evaluated here."""


def _all_hold(conditions: Conditions, context: Mapping[str, str]) -> bool:
    return all(
        _one_holds(operator, context.get(key.lower()), wanted)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _one_holds(operator: str, given: str | None, wanted: Iterable[str]) -> bool:
    name = operator.removesuffix("IfExists")
    if name not in OPERATORS:
        raise _CannotTell(operator)
    matches, negated = OPERATORS[name]
    if given is None:  # an absent key fails a positive operator, and passes a negated one or ...IfExists
        return negated or name != operator
    return any(matches(value, given) for value in wanted) != negated


def _equal(wanted: str, given: str) -> bool:
    return wanted == given


def _equal_ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _like(wanted: str, given: str) -> bool:
    return _glob(wanted).fullmatch(given) is not None


Matcher = Callable[[str, str], bool]

OPERATORS: Final[Mapping[str, tuple[Matcher, bool]]] = {  # operator -> how it compares, whether it is negated
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringEqualsIgnoreCase": (_equal_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_equal_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_like, False),  # behaves as ArnLike
    "ArnNotEquals": (_like, True),
    "ArnLike": (_like, False),
    "ArnNotLike": (_like, True),
    "Bool": (_equal_ignoring_case, False),
}


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """`*` is any run of characters, `?` any one; nothing else is special."""
    parts = (".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in pattern)
    return re.compile("".join(parts), re.DOTALL)
