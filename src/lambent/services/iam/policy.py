"""What IAM demands of policy documents, and its sentence for each way to break that.

Two kinds of documents are told apart: an identity policy (inline or managed) names resources and no principal; a trust
policy names principals and no resource. The grammar that both obey is `core.policies.document`'s. The sentences are
AWS's, as quoted in forums and issue threads. Where AWS has several sentences for finer cases, a wrong type anywhere is
"Syntax errors in policy.", as there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from lambent.core.policies.document import (
    AWS_PRINCIPAL,
    SERVICE_PRINCIPAL,
    Document,
    Flaw,
    PolicyMalformed,
    Principals,
    parsed,
)
from lambent.services.iam.errors import MalformedPolicyDocument

OLDEST_FOR_IDENTITIES: Final = "2012-10-17"
TRUST_ACTIONS: Final = re.compile(
    r"sts:(AssumeRole|AssumeRoleWithSAML|AssumeRoleWithWebIdentity|TagSession|SetSourceIdentity|SetContext|\*)",
    re.IGNORECASE,
)
VENDOR: Final = re.compile(r"[A-Za-z0-9-]+")


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


FLAWS: Final[Mapping[Flaw, type[MalformedPolicyDocument]]] = {
    Flaw.NOT_JSON: InvalidJson,
    Flaw.SYNTAX: SyntaxErrors,
    Flaw.REPEATED_SID: DuplicateSids,
}


def identity_policy(text: str) -> Document:
    """Parse the policy of an identity. Raises MalformedPolicyDocument."""
    document = _parsed(text)
    if document.version < OLDEST_FOR_IDENTITIES:
        raise VersionTooOld
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
    document = _parsed(text)
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


def _parsed(text: str) -> Document:
    try:
        return parsed(text)
    except PolicyMalformed as malformed:
        raise FLAWS[malformed.flaw] from None


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


def size(text: str) -> int:
    """How many characters of the document count against a quota: white space does not."""
    return len("".join(text.split()))
