"""Policy documents: the JSON grammar of IAM, parsed into types, and AWS's sentence for each way to break it.

    document  = {"Version": "2012-10-17" | "2008-10-17", "Id"?, "Statement": statement | [statement, ...]}
    statement = {"Sid"?, "Effect": "Allow" | "Deny", "Principal" | "NotPrincipal",
                 "Action" | "NotAction", "Resource" | "NotResource", "Condition"?}

Two kinds of documents are told apart: an identity policy (inline or managed) names resources and no principal; a trust
policy names principals and no resource. The grammar is the IAM User Guide's "Grammar of the IAM JSON policy language";
the sentences are AWS's, as quoted in forums and issue threads. Where AWS has several sentences for finer cases, a
wrong type anywhere is "Syntax errors in policy.", as there.

It is not an evaluator: trust.py decides on trust policies, and identity policies wait for the authorisation issue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn, cast

import msgspec

from lambent.services.iam.errors import MalformedPolicyDocument

VERSIONS: Final = ("2012-10-17", "2008-10-17")
DOCUMENT_FIELDS: Final = {"Version", "Id", "Statement"}
STATEMENT_FIELDS: Final = {
    *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"),
}
PRINCIPAL_TYPES: Final = {"AWS", "Service", "Federated", "CanonicalUser"}
TRUST_ACTIONS: Final = re.compile(
    r"sts:(AssumeRole|AssumeRoleWithSAML|AssumeRoleWithWebIdentity|TagSession|SetSourceIdentity|SetContext|\*)",
    re.IGNORECASE,
)
VENDOR: Final = re.compile(r"[A-Za-z0-9-]+")
AWS_PRINCIPAL: Final = re.compile(r"\*|\d{12}|(AROA|AIDA)[A-Z0-9]+|arn:aws[a-z-]*:(iam|sts)::\d{12}:[^*?]+")
SERVICE_PRINCIPAL: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|aws\.internal|amazon\.com)")


class InvalidJson(MalformedPolicyDocument):
    message = "This policy contains invalid Json"


class SyntaxErrors(MalformedPolicyDocument):
    message = "Syntax errors in policy."


class VersionTooOld(MalformedPolicyDocument):
    message = "Policy document must be version 2012-10-17 or greater."


class NoActions(MalformedPolicyDocument):
    message = "Policy statement must contain actions."


class NoResources(MalformedPolicyDocument):
    message = "Policy statement must contain resources."


class UnexpectedPrincipal(MalformedPolicyDocument):
    message = "Policy document should not specify a principal."


class NoVendor(MalformedPolicyDocument):
    message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


class TwoColons(MalformedPolicyDocument):
    message = "Actions/Condition can contain only one colon."


class InvalidVendor(MalformedPolicyDocument):
    message = "Vendor {vendor} is not valid"


class DuplicateSids(MalformedPolicyDocument):
    message = "Statement IDs (SID) in a single policy must be unique."


class ResourceNotArn(MalformedPolicyDocument):
    message = 'Resource {resource} must be in ARN format or "*".'


class MissingField(MalformedPolicyDocument):
    message = "Missing required field {field}"


class ProhibitedField(MalformedPolicyDocument):
    message = "Has prohibited field {field}"


class NotAnStsAction(MalformedPolicyDocument):
    message = "AssumeRole policy may only specify STS AssumeRole actions."


class InvalidPrincipal(MalformedPolicyDocument):
    message = 'Invalid principal in policy: "{kind}":"{principal}"'


Principals = Mapping[str, tuple[str, ...]]  # by type ("AWS", "Service", ...); {"*": ("*",)} for a bare "*"
Conditions = Mapping[str, Mapping[str, tuple[str, ...]]]  # operator -> key -> values


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


def identity_policy(text: str) -> Document:
    """Parse the policy of an identity. Raises MalformedPolicyDocument."""
    document = _document(text, oldest_version="2012-10-17")
    for statement in document.statements:
        if statement.principals is not None or statement.not_principals is not None:
            raise UnexpectedPrincipal
        if not (statement.actions or statement.not_actions):
            raise NoActions
        if not (statement.resources or statement.not_resources):
            raise NoResources
        _check_actions((*statement.actions, *statement.not_actions))
        _check_resources((*statement.resources, *statement.not_resources))
    return document


def trust_policy(text: str) -> Document:
    """Parse the policy that says who may assume a role. Raises MalformedPolicyDocument."""
    document = _document(text, oldest_version="2008-10-17")
    for statement in document.statements:
        if statement.resources or statement.not_resources:
            raise ProhibitedField(field="Resource" if statement.resources else "NotResource")
        if statement.principals is None and statement.not_principals is None:
            raise MissingField(field="Principal")
        if not (statement.actions or statement.not_actions):
            raise MissingField(field="Action")
        if statement.not_actions or not all(TRUST_ACTIONS.fullmatch(action) for action in statement.actions):
            raise NotAnStsAction
        _check_principals(statement.principals or statement.not_principals or {})
    return document


def _document(text: str, oldest_version: str) -> Document:
    try:
        raw: object = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(raw, dict):
        raise SyntaxErrors
    fields = cast("dict[str, object]", raw)
    version = fields.get("Version", "2008-10-17")
    if not fields.keys() <= DOCUMENT_FIELDS or version not in VERSIONS or not isinstance(fields.get("Id", ""), str):
        raise SyntaxErrors
    if str(version) < oldest_version:
        raise VersionTooOld
    statements = tuple(_statement(each) for each in _listed(fields.get("Statement")))
    if not statements:
        raise SyntaxErrors
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) < len(sids):
        raise DuplicateSids
    return Document(str(version), statements)


def _statement(raw: object) -> Statement:
    if not isinstance(raw, dict):
        raise SyntaxErrors
    fields = cast("dict[str, object]", raw)
    sid = fields.get("Sid")
    if not fields.keys() <= STATEMENT_FIELDS or not isinstance(sid, str | None):
        raise SyntaxErrors
    for one in ("Action", "Resource", "Principal"):
        if one in fields and f"Not{one}" in fields:
            raise SyntaxErrors
    effect = fields.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise SyntaxErrors
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
        raise SyntaxErrors
    fields = cast("dict[str, object]", raw)
    if not fields.keys() <= PRINCIPAL_TYPES:
        raise SyntaxErrors
    return {kind: _strings(value) for kind, value in fields.items()}


def _conditions(raw: object) -> Conditions | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise SyntaxErrors
    conditions: dict[str, dict[str, tuple[str, ...]]] = {}
    for operator, keys in cast("dict[str, object]", raw).items():
        if not isinstance(keys, dict):
            raise SyntaxErrors
        pairs = cast("dict[str, object]", keys)
        conditions[operator] = {key: _scalars(value) for key, value in pairs.items()}
    return conditions


def _check_actions(actions: Iterable[str]) -> None:
    for action in actions:
        vendor, colon, rest = action.partition(":")
        if action == "*":
            continue
        if not colon:
            raise NoVendor
        if ":" in rest:
            raise TwoColons
        if not VENDOR.fullmatch(vendor):
            raise InvalidVendor(vendor=vendor)


def _check_resources(resources: Iterable[str]) -> None:
    for resource in resources:
        if resource != "*" and not (resource.startswith("arn:") and resource.count(":") >= 5):
            raise ResourceNotArn(resource=resource)


def _check_principals(principals: Principals) -> None:
    for kind, names in principals.items():
        pattern = {"AWS": AWS_PRINCIPAL, "Service": SERVICE_PRINCIPAL}.get(kind)
        for name in names:
            if pattern and not pattern.fullmatch(name):
                raise InvalidPrincipal(kind=kind.upper() if kind == "Service" else kind, principal=name)


def _listed(raw: object) -> list[object]:
    if raw is None:
        return []
    return cast("list[object]", raw) if isinstance(raw, list) else [raw]


def _strings(raw: object) -> tuple[str, ...]:
    values = _listed(raw)
    if not all(isinstance(value, str) for value in values):
        raise SyntaxErrors
    return tuple(cast("list[str]", values))


def _scalars(raw: object) -> tuple[str, ...]:
    """Condition values: strings, numbers and booleans, all compared as text."""
    values = _listed(raw)
    if not all(isinstance(value, str | int | float) for value in values):
        raise SyntaxErrors
    return tuple(value if isinstance(value, str) else json.dumps(value) for value in values)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that stands twice: which of the two AWS would take is nothing to guess about."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else _refuse()


def _refuse() -> NoReturn:
    raise SyntaxErrors


def size(text: str) -> int:
    """How many characters of the document count against a quota: white space does not."""
    return len("".join(text.split()))
