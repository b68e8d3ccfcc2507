"""Whether a policy admits a request: a Deny that matches wins, else an Allow that matches, else nothing is said.

A statement matches when its action, resource and principal cover the request and all its conditions hold. Where that
cannot be told (`truth`), an Allow does not match and a Deny does. Source: IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from lambent.core.policies import globs
from lambent.core.policies.conditions import VARIABLE, hold
from lambent.core.policies.document import WITH_VARIABLES, Document, Statement
from lambent.core.policies.facts import Facts
from lambent.core.policies.principals import Requester, include
from lambent.core.policies.truth import Truth, every, negated, some


class Verdict(enum.Enum):
    """What a policy says."""

    ALLOWED = enum.auto()
    DENIED = enum.auto()  # explicitly
    NOTHING = enum.auto()  # which is no permission either


class Asked(msgspec.Struct, frozen=True):
    """A request, as policies see it."""

    requester: Requester
    action: str  # "lambda:InvokeFunction"
    resource: str | None = None  # its ARN; None: what the policy hangs on, which does not name it
    facts: Facts = Facts()


def verdict(documents: Iterable[Document], asked: Asked) -> Verdict:
    """What the documents together say of the request."""
    said = {
        statement.effect
        for document in documents
        for statement in document.statements
        if _counts(statement, asked, variables=document.version == WITH_VARIABLES)
    }
    if "Deny" in said:
        return Verdict.DENIED
    return Verdict.ALLOWED if "Allow" in said else Verdict.NOTHING


def _counts(statement: Statement, asked: Asked, *, variables: bool) -> bool:
    truth = _matches(statement, asked, variables=variables)
    return statement.effect == "Deny" if truth is None else truth


def _matches(statement: Statement, asked: Asked, *, variables: bool) -> Truth:
    """What rules most statements out is asked first, and conditions only of those that remain."""
    if not _covers_action(statement, asked.action):
        return False
    requester = _covers_requester(statement, asked.requester)
    if requester is False:
        return False
    resource = _covers_resource(statement, asked.resource, variables=variables)
    if resource is False:
        return False
    return every((requester, resource, hold(statement.conditions or {}, asked.facts, variables=variables)))


def _covers_action(statement: Statement, action: str) -> bool:
    found = any(
        globs.matches(pattern.lower(), action.lower()) for pattern in statement.actions or statement.not_actions
    )
    return found if statement.actions else bool(statement.not_actions) and not found


def _covers_resource(statement: Statement, resource: str | None, *, variables: bool) -> Truth:
    """A statement without a resource is about what the policy hangs on."""
    patterns = statement.resources or statement.not_resources
    if resource is None or not patterns:
        return True
    found = some(_names_resource(pattern, resource, variables=variables) for pattern in patterns)
    return found if statement.resources else negated(found)


def _names_resource(pattern: str, resource: str, *, variables: bool) -> Truth:
    """A star reaches beyond colons here, as AWS documents of Resource; it does not in conditions."""
    return None if variables and VARIABLE in pattern else globs.matches(pattern, resource)


def _covers_requester(statement: Statement, requester: Requester) -> Truth:
    if statement.principals is not None:
        return include(statement.principals, requester)
    if statement.not_principals is not None:
        return negated(include(statement.not_principals, requester))
    return None  # a policy that hangs on a resource says whom it means
