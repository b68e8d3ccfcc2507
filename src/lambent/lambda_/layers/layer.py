"""The nouns: a `Layer`, its `LayerVersion`s, and with whom each is shared.

All are values, as functions are. A layer is one document: its versions by number, and the highest number that it ever
gave, which stays when all versions are deleted, so that no number is given twice. A layer without versions is not shown.

A layer version's policy has one form only: statements that each allow one account, or every one (of an organization),
to use the version. So it is kept as those statements and asked directly. There is no AWS Organizations here, and nobody
belongs to an organization: a statement for one allows nothing. Sources: reference/lambda.md 6, 14; API reference,
AddLayerVersionPermission.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

import msgspec

from lambent.lambda_.code.store import Code
from lambent.lambda_.errors import RevisionMismatch
from lambent.lambda_.layers.names import LayerArn
from lambent.lambda_.limits import LAYER_POLICY_MAX_BYTES
from lambent.lambda_.policies.errors import (
    NoPolicyAssociated,
    PolicyTooLong,
    StatementExists,
    StatementNotFound,
)
from lambent.lambda_.signing.signed_by import SignedBy

ACCOUNT: Final = re.compile(r"\d{12}")
EVERYONE: Final = "*"
USE: Final = "lambda:GetLayerVersion"  # the only action that a layer version's policy can allow
READER: Final = "GetLayerPolicy"  # as AWS's sentence calls GetLayerVersionPolicy; recorded


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One statement of a layer version's policy."""

    statement_id: str
    principal: str  # an account, its root's ARN, or EVERYONE
    action: str = USE
    organization_id: str | None = None

    def covers(self, account: str) -> bool:
        """Whether callers of the account may use the version."""
        if self.organization_id is not None:
            return False
        return self.principal in (EVERYONE, account) or self.principal.endswith(f"::{account}:root")

    def statement(self, arn: LayerArn) -> dict[str, Any]:
        """The statement as IAM writes it, about the layer version `arn`."""
        statement: dict[str, Any] = {
            "Sid": self.statement_id,
            "Effect": "Allow",
            "Principal": self.principal if self.principal == EVERYONE else {"AWS": self._principal_arn(arn)},
            "Action": self.action,
            "Resource": str(arn),
        }
        if self.organization_id is not None:
            statement["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": self.organization_id}}
        return statement

    def _principal_arn(self, arn: LayerArn) -> str:
        if ACCOUNT.fullmatch(self.principal):
            return f"arn:{arn.partition}:iam::{self.principal}:root"
        return self.principal


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was published under a number; only its policy changes."""

    arn: LayerArn
    code: Code
    created_at: float  # Unix epoch seconds
    description: str = ""
    license_info: str | None = None
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    signed_by: SignedBy | None = None
    grants: tuple[Grant, ...] = ()
    policy_revision_id: str | None = None  # None: no policy

    @property
    def number(self) -> int:
        return self.arn.version or 0

    def suits(self, runtime: str | None, architecture: str | None) -> bool:
        """Whether it is said to be for this runtime and this architecture; None: for any."""
        return _among(runtime, self.runtimes) and _among(architecture, self.architectures)

    def shared_with(self, account: str) -> bool:
        """Whether callers of the account may use it: the owner always, others by the policy."""
        return account == self.arn.account or any(grant.covers(account) for grant in self.grants)

    def policy(self) -> str:
        """The policy as a document. Raises NoPolicyAssociated."""
        if not self.grants:
            raise NoPolicyAssociated
        statements = [grant.statement(self.arn) for grant in self.grants]
        return msgspec.json.encode({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()

    def granted(self, grant: Grant, *, seen: str | None, revision_id: str) -> LayerVersion:
        """The version with one statement more; `seen` is the policy's revision that the caller knows, if any.

        Raises StatementExists, RevisionMismatch, PolicyTooLong.
        """
        if any(there.statement_id == grant.statement_id for there in self.grants):
            raise StatementExists(sid=grant.statement_id)
        self._guard(seen)
        version = msgspec.structs.replace(self, grants=(*self.grants, grant), policy_revision_id=revision_id)
        size = len(version.policy().encode())
        if size > LAYER_POLICY_MAX_BYTES:
            raise PolicyTooLong(size=size, limit=LAYER_POLICY_MAX_BYTES)
        return version

    def revoked(self, statement_id: str, *, seen: str | None, revision_id: str) -> LayerVersion:
        """The version without a statement. Raises RevisionMismatch, StatementNotFound."""
        self._guard(seen)
        rest = tuple(grant for grant in self.grants if grant.statement_id != statement_id)
        if len(rest) == len(self.grants):
            raise StatementNotFound(sid=statement_id)
        return msgspec.structs.replace(self, grants=rest, policy_revision_id=revision_id if rest else None)

    def _guard(self, seen: str | None) -> None:
        if seen is not None and seen != self.policy_revision_id:
            raise RevisionMismatch(reader=READER)


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer at one moment."""

    arn: LayerArn
    last_number: int = 0
    versions: dict[int, LayerVersion] = {}  # by number, which is the order of publishing

    def published(self, code: Code, *, now: float, **facts: Any) -> Layer:
        """The layer with one version more, which is `latest`."""
        number = self.last_number + 1
        version = LayerVersion(arn=self.arn.versioned(number), code=code, created_at=now, **facts)
        return msgspec.structs.replace(self, last_number=number, versions=self.versions | {number: version})

    @property
    def latest(self) -> LayerVersion:
        """The version with the highest number; there must be one."""
        return self.versions[max(self.versions)]

    @property
    def code_size_bytes(self) -> int:
        """What its versions take of the account's code storage."""
        return sum(version.code.size_bytes for version in self.versions.values())

    def digests(self) -> set[str]:
        """The contents of its versions."""
        return {version.code.digest for version in self.versions.values()}

    def matching(self, runtime: str | None, architecture: str | None) -> list[LayerVersion]:
        """The versions that suit, the newest first."""
        return [version for version in reversed(self.versions.values()) if version.suits(runtime, architecture)]

    def changed(self, version: LayerVersion) -> Layer:
        """The layer with this version instead of the one it has under the number."""
        return msgspec.structs.replace(self, versions=self.versions | {version.number: version})

    def without(self, number: int) -> Layer:
        """The layer without a version, if it has it."""
        rest = {kept: version for kept, version in self.versions.items() if kept != number}
        return msgspec.structs.replace(self, versions=rest)


def _among(wanted: str | None, named: Collection[str] | None) -> bool:
    return wanted is None or wanted in (named or ())
