"""Policy documents: the JSON grammar of IAM, parsed into types.

    document  = {"Version": "2012-10-17" | "2008-10-17", "Id"?, "Statement": statement | [statement, ...]}
    statement = {"Sid"?, "Effect": "Allow" | "Deny", "Principal" | "NotPrincipal",
                 "Action" | "NotAction", "Resource" | "NotResource", "Condition"?}

Which of the optional elements a policy must have or must not have depends on what it hangs on, so whoever keeps
policies checks that; a document that parses here has no element twice, no element of a wrong type and no unknown
operator. Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

import msgspec

from lambent.core.policies.conditions import Conditions, is_operator

VERSIONS: Final = ("2012-10-17", "2008-10-17")
WITH_VARIABLES: Final = "2012-10-17"
DOCUMENT_FIELDS: Final = {"Version", "Id", "Statement"}
STATEMENT_FIELDS: Final = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}
PRINCIPAL_TYPES: Final = {"AWS", "Service", "Federated", "CanonicalUser"}
AWS_PRINCIPAL: Final = re.compile(r"\*|\d{12}|(AROA|AIDA)[A-Z0-9]+|arn:aws[a-z-]*:(iam|sts)::\d{12}:[^*?]+", re.ASCII)
SERVICE_PRINCIPAL: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com)")


class Flaw(enum.Enum):
    """The ways in which a text is no policy."""

    NOT_JSON = "it is not JSON"
    SYNTAX = "it breaks the grammar"
    REPEATED_SID = "two statements have one Sid"


class PolicyMalformed(ValueError):
    """The text is no policy. Which AWS error that is, its keeper says."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


Principals = Mapping[str, tuple[str, ...]]  # by type ("AWS", "Service", ...); {"*": ("*",)} for a bare "*"


class Statement(msgspec.Struct, frozen=True):
    """One statement; of each pair (Action and NotAction, ...) one is empty."""

    effect: str  # "Allow" | "Deny"
    sid: str | None = None
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    principals: Principals | None = None
    not_principals: Principals | None = None
    conditions: Conditions | None = None


class Document(msgspec.Struct, frozen=True):
    """A parsed policy."""

    version: str
    statements: tuple[Statement, ...]
    id: str | None = None


def parsed(text: str) -> Document:
    """Raises PolicyMalformed."""
    try:
        msgspec.json.decode(text)  # stricter than json.loads: no NaN, no half of a surrogate pair
        raw: object = json.loads(text, object_pairs_hook=_without_duplicates)
    except PolicyMalformed:
        raise
    except (ValueError, RecursionError):
        raise PolicyMalformed(Flaw.NOT_JSON) from None
    if not isinstance(raw, dict):
        _refuse()
    fields = cast("dict[str, object]", raw)
    version, id_ = fields.get("Version", "2008-10-17"), fields.get("Id")
    if not fields.keys() <= DOCUMENT_FIELDS or version not in VERSIONS or not isinstance(id_, str | None):
        _refuse()
    statements = tuple(_statement(each) for each in _listed(fields.get("Statement")))
    if not statements:
        _refuse()
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) < len(sids):
        raise PolicyMalformed(Flaw.REPEATED_SID)
    return Document(str(version), statements, id_)


def _statement(raw: object) -> Statement:
    if not isinstance(raw, dict):
        _refuse()
    fields = cast("dict[str, object]", raw)
    sid = fields.get("Sid")
    if not fields.keys() <= STATEMENT_FIELDS or not isinstance(sid, str | None):
        _refuse()
    if any(one in fields and f"Not{one}" in fields for one in ("Action", "Resource", "Principal")):
        _refuse()
    effect = fields.get("Effect")
    if effect not in ("Allow", "Deny"):
        _refuse()
    return Statement(
        effect=str(effect),
        sid=sid,
        actions=_strings(fields.get("Action")),
        not_actions=_strings(fields.get("NotAction")),
        resources=_strings(fields.get("Resource")),
        not_resources=_strings(fields.get("NotResource")),
        principals=_principals(fields.get("Principal")),
        not_principals=_principals(fields.get("NotPrincipal")),
        conditions=_conditions(fields.get("Condition")),
    )


def _principals(raw: object) -> Principals | None:
    if raw is None:
        return None
    if raw == "*":
        return {"*": ("*",)}
    if not isinstance(raw, dict) or not raw:
        _refuse()
    fields = cast("dict[str, object]", raw)
    if not fields.keys() <= PRINCIPAL_TYPES:
        _refuse()
    return {kind: _strings(value) for kind, value in fields.items()}


def _conditions(raw: object) -> Conditions | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        _refuse()
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in cast("dict[str, object]", raw).items():
        if not isinstance(keys, dict) or not is_operator(operator):
            _refuse()
        conditions[operator] = {key: _scalars(value) for key, value in cast("dict[str, object]", keys).items()}
    return conditions


def _listed(raw: object) -> list[object]:
    if raw is None:
        return []
    return cast("list[object]", raw) if isinstance(raw, list) else [raw]


def _strings(raw: object) -> tuple[str, ...]:
    values = _listed(raw)
    if not all(isinstance(value, str) for value in values):
        _refuse()
    return tuple(cast("list[str]", values))


def _scalars(raw: object) -> tuple[str, ...]:
    """Condition values: strings, numbers and booleans, all compared as text."""
    values = _listed(raw)
    if not all(isinstance(value, str | int | float) for value in values):
        _refuse()
    return tuple(value if isinstance(value, str) else json.dumps(value) for value in values)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: which of the two AWS would take is nothing to guess about."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else _refuse()


def _refuse() -> NoReturn:
    raise PolicyMalformed(Flaw.SYNTAX)
