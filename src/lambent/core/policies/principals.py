"""Who asks, and whether a statement means them. Source: IAM User Guide, "AWS JSON policy elements: Principal"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from lambent.core.kernel import Caller
from lambent.core.policies.truth import Truth, some

ASSUMED_ROLE: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/(.+)", re.ASCII)
EVERYONE: Final = "*"


class Requester(msgspec.Struct, frozen=True):
    """A service by its principal name, a caller by account and ARN, or with none of these somebody unknown."""

    service: str | None = None  # "lambda.amazonaws.com"
    account: str | None = None
    arn: str | None = None
    principal_id: str | None = None
    federated: str | None = None  # "cognito-identity.amazonaws.com", or the ARN of a provider

    @staticmethod
    def of(caller: Caller) -> Requester:
        return Requester(account=caller.account, arn=caller.arn, principal_id=caller.principal_id)

    @property
    def role(self) -> tuple[str, str] | None:
        """What the ARN of the role begins and ends with whose session it is; the path between is not known."""
        session = ASSUMED_ROLE.fullmatch(self.arn or "")
        return (f"arn:{session[1]}:iam::{session[2]}:role/", session[3]) if session is not None else None

    @property
    def principal_arn(self) -> str | None:
        """aws:PrincipalArn: a session's is that of its role, as far as the session's own tells it (not the role's path)."""
        return "".join(self.role) if self.role is not None else self.arn

    @property
    def type(self) -> str | None:
        """aws:PrincipalType; a service has none."""
        if self.service is not None:
            return None
        if self.arn is None:
            return "Anonymous"
        if self.role is not None:
            return "AssumedRole"
        return "Account" if self.arn.endswith(":root") else "User"


ANONYMOUS: Final = Requester()


def include(principals: Mapping[str, tuple[str, ...]], requester: Requester) -> Truth:
    """Whether one of the principals, by type, is the requester."""
    return some(_is(kind, principal, requester) for kind, names in principals.items() for principal in names)


def _is(kind: str, principal: str, requester: Requester) -> Truth:
    match kind:
        case "*":
            return True
        case "AWS" if principal == EVERYONE:
            return (
                None if requester.service is not None else True
            )  # a resource's policy may mean services, a role's not
        case "AWS":
            return requester.service is None and _is_caller(principal, requester)
        case "Service":
            return principal == requester.service
        case "Federated":
            return principal == requester.federated
        case _:
            return None  # a canonical user: S3 alone knows those


def _is_caller(principal: str, requester: Requester) -> bool:
    """Whether an AWS principal is this caller: its account, itself, or the role whose session it is."""
    if requester.account is None:
        return False
    if principal in (requester.account, requester.arn):
        return True
    if requester.principal_id is not None and principal == requester.principal_id.partition(":")[0]:
        return True
    head, _, resource = principal.rpartition(":")
    if resource == "root" and head.endswith(f":iam::{requester.account}"):
        return True
    role = requester.role
    return role is not None and principal.startswith(role[0]) and principal.rpartition("/")[2] == role[1]
