"""Managed policies: a customer's own, which are rows, and AWS's, which are data.

Each has one version, v1: CreatePolicyVersion is not here yet.
"""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

from lambent.services.iam.errors import (
    PolicyAlreadyExists,
    PolicyIsAttached,
    PolicyNotFound,
    PolicyVersionNotFound,
    QuotaExceeded,
)
from lambent.services.iam.limits import MANAGED_POLICY_CHARACTERS, POLICIES_PER_ACCOUNT
from lambent.services.iam.policy import identity_policy, size
from lambent.storage.database import Database
from lambent.storage.queries import queries_of

QUERIES = queries_of("lambent.services.iam")
ONLY_VERSION = "v1"


class ManagedPolicy(msgspec.Struct, frozen=True):
    """A policy that is attached by its ARN; the fields are the columns of its queries, in order."""

    name: str
    policy_id: str  # ANPA...
    path: str
    arn: str
    description: str | None
    document: str
    created_at: float


class ManagedPolicies:
    """The managed policies that an account can attach."""

    def __init__(self, database: Database, of_aws: Mapping[str, ManagedPolicy]) -> None:
        self._database = database
        self._of_aws = of_aws

    def is_of_aws(self, arn: str) -> bool:
        """Whether the policy is AWS's, which nobody changes."""
        return arn.startswith("arn:aws:iam::aws:policy/")

    async def create(self, account: str, policy: ManagedPolicy, tags: Mapping[str, str]) -> None:
        """Keep a new policy. Raises MalformedPolicyDocument, PolicyAlreadyExists, QuotaExceeded."""
        identity_policy(policy.document)
        if size(policy.document) > MANAGED_POLICY_CHARACTERS:
            raise QuotaExceeded(quota="PolicySize", limit=MANAGED_POLICY_CHARACTERS)

        def insert(connection: apsw.Connection) -> None:
            if QUERIES.policy_named.row(connection, account=account, name=policy.name):
                raise PolicyAlreadyExists(name=policy.name)
            if len(QUERIES.policies_of.rows(connection, account=account)) >= POLICIES_PER_ACCOUNT:
                raise QuotaExceeded(quota="PoliciesPerAccount", limit=POLICIES_PER_ACCOUNT)
            QUERIES.insert_policy.run(
                connection,
                account=account,
                name=policy.name,
                policy_id=policy.policy_id,
                path=policy.path,
                arn=policy.arn,
                description=policy.description,
                document=policy.document,
                created_at=policy.created_at,
            )
            for key, value in tags.items():
                QUERIES.put_policy_tag.run(connection, arn=policy.arn, key=key, value=value)

        await self._database.write(insert)

    def find(self, arn: str) -> ManagedPolicy | None:
        """Find a policy of AWS's or of a customer's."""
        if self.is_of_aws(arn):
            return self._of_aws.get(arn)
        row = self._database.read(lambda connection: QUERIES.policy_at.row(connection, arn=arn))
        return ManagedPolicy(*row) if row else None

    def get(self, arn: str) -> ManagedPolicy:
        """Raises PolicyNotFound."""
        policy = self.find(arn)
        if policy is None:
            raise PolicyNotFound(arn=arn)
        return policy

    def get_version(self, arn: str, version: str) -> ManagedPolicy:
        """Raises PolicyNotFound, PolicyVersionNotFound."""
        policy = self.get(arn)
        if version != ONLY_VERSION:
            raise PolicyVersionNotFound(arn=arn, version=version)
        return policy

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a customer's policy; AWS's have none."""
        return dict(self._database.read(lambda connection: QUERIES.policy_tags.rows(connection, arn=arn)))

    def attachment_count(self, account: str, arn: str) -> int:
        """Return how many of the account's roles have the policy."""

        def count(connection: apsw.Connection) -> int:
            row = QUERIES.attachment_count.row(connection, policy_arn=arn, account=account)
            return row[0] if row else 0

        return self._database.read(count)

    def all_of(self, account: str, scope: str) -> list[ManagedPolicy]:
        """Return policies by name; scope "AWS", "Local" (the account's own) or "All"."""
        found = list(self._of_aws.values()) if scope != "Local" else []
        if scope != "AWS":
            rows = self._database.read(lambda connection: QUERIES.policies_of.rows(connection, account=account))
            found += [ManagedPolicy(*row) for row in rows]
        return sorted(found, key=lambda policy: policy.name)

    async def delete(self, account: str, arn: str) -> None:
        """Forget a policy. Raises PolicyNotFound, PolicyIsAttached."""

        def delete(connection: apsw.Connection) -> None:
            row = QUERIES.attachment_count.row(connection, policy_arn=arn, account=account)
            if row and row[0]:
                raise PolicyIsAttached
            if not QUERIES.delete_policy.run(connection, arn=arn):
                raise PolicyNotFound(arn=arn)

        await self._database.write(delete)
