"""Roles: who they are, who may assume them, and the policies they carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import apsw
import msgspec

from lambent.core.kernel import Caller
from lambent.core.policies.evaluation import Asked, Verdict, verdict
from lambent.core.policies.facts import Facts
from lambent.core.policies.principals import Requester
from lambent.core.ports import AssumableRole
from lambent.services.iam.errors import (
    DuplicateTagKeys,
    InlinePoliciesTooLarge,
    PolicyNotFound,
    QuotaExceeded,
    RoleAlreadyExists,
    RoleHasAttachedPolicies,
    RoleHasInlinePolicies,
    RoleNotFound,
    RolePolicyNotFound,
)
from lambent.services.iam.limits import (
    ATTACHED_POLICIES_PER_ROLE,
    INLINE_POLICIES_PER_ROLE_CHARACTERS,
    ROLES_PER_ACCOUNT,
    TAGS_PER_RESOURCE,
    TRUST_POLICY_CHARACTERS,
)
from lambent.services.iam.pages import name_before, paged
from lambent.services.iam.policies import QUERIES
from lambent.services.iam.policy import identity_policy, size, trust_policy
from lambent.storage.database import Database

T = TypeVar("T")


class Role(msgspec.Struct, frozen=True):
    """A role; the fields are the columns of its queries, in order."""

    account: str
    name: str
    role_id: str  # AROA...
    path: str
    arn: str
    description: str | None
    trust_policy: str
    max_session_duration_s: int
    permissions_boundary: str | None
    created_at: float


class Roles:
    """The roles of all accounts; the port `core.ports.Roles` is implemented here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- the port ------------------------------------------------------------------------------------------------

    def assumable_by(self, role_arn: str, service_principal: str) -> bool:
        """Whether the role exists and its trust policy lets the service assume it."""
        role = self._at(role_arn)
        return role is not None and _trusts(role, Requester(service=service_principal), {})

    def find(self, role_arn: str) -> AssumableRole | None:
        """Return what a session of the role needs to know of it, whoever asks."""
        role = self._at(role_arn)
        return role and AssumableRole(role.arn, role.account, role.name, role.role_id, role.max_session_duration_s)

    def assumable_by_caller(
        self, role_arn: str, caller: Caller, context: Mapping[str, tuple[str, ...]]
    ) -> AssumableRole | None:
        """Return the role if it exists and its trust policy lets this caller assume it."""
        role = self._at(role_arn)
        if role is None or not _trusts(role, Requester.of(caller), context):
            return None
        return self.find(role_arn)

    def taggable_by_caller(self, role_arn: str, caller: Caller, context: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether the role exists and its trust policy lets this caller give tags to its sessions."""
        role = self._at(role_arn)
        return role is not None and _trusts(role, Requester.of(caller), context, "sts:TagSession")

    # --- the role itself -----------------------------------------------------------------------------------------

    async def create(self, role: Role, tags: Sequence[tuple[str, str]]) -> None:
        """Keep a new role. Raises MalformedPolicyDocument, RoleAlreadyExists, QuotaExceeded, DuplicateTagKeys."""
        _check_trust(role.trust_policy)

        def insert(connection: apsw.Connection) -> None:
            if QUERIES.role_named.row(connection, account=role.account, name=role.name):
                raise RoleAlreadyExists(name=role.name)
            existing = _roles(connection, role.account, "", "/", ROLES_PER_ACCOUNT)
            if len(existing) >= ROLES_PER_ACCOUNT:
                raise QuotaExceeded(quota="RolesPerAccount", limit=ROLES_PER_ACCOUNT)
            QUERIES.insert_role.run(
                connection,
                account=role.account,
                name=role.name,
                role_id=role.role_id,
                path=role.path,
                arn=role.arn,
                description=role.description,
                trust_policy=role.trust_policy,
                max_session_duration_s=role.max_session_duration_s,
                permissions_boundary=role.permissions_boundary,
                created_at=role.created_at,
            )
            _put_tags(connection, role.arn, tags)

        await self._database.write(insert)

    def get(self, account: str, name: str) -> Role:
        """Raises RoleNotFound."""
        return self._database.read(lambda connection: _named(connection, account, name))

    def page(self, account: str, path_prefix: str, marker: str | None, limit: int) -> tuple[list[Role], str | None]:
        """Return roles by name, and the marker of the next page. Raises InvalidMarker."""
        after = name_before(marker)
        found = self._database.read(lambda connection: _roles(connection, account, after, path_prefix, limit + 1))
        return paged(found, limit, lambda role: role.name)

    async def set_trust_policy(self, account: str, name: str, document: str) -> None:
        """Raises RoleNotFound, MalformedPolicyDocument, QuotaExceeded."""
        _check_trust(document)
        await self._change(
            account,
            name,
            lambda connection, role: QUERIES.set_trust_policy.run(connection, arn=role.arn, document=document),
        )

    async def set_settings(
        self, account: str, name: str, description: str | None, max_session_duration_s: int | None
    ) -> None:
        """Replace what is given. Raises RoleNotFound."""
        await self._change(
            account,
            name,
            lambda connection, role: QUERIES.set_role_settings.run(
                connection,
                arn=role.arn,
                description=role.description if description is None else description,
                max_session_duration_s=max_session_duration_s or role.max_session_duration_s,
            ),
        )

    async def delete(self, account: str, name: str) -> None:
        """Raises RoleNotFound, RoleHasAttachedPolicies, RoleHasInlinePolicies."""

        def delete(connection: apsw.Connection, role: Role) -> None:
            if QUERIES.role_attachments.rows(connection, arn=role.arn):
                raise RoleHasAttachedPolicies
            if QUERIES.role_policy_documents.rows(connection, arn=role.arn):
                raise RoleHasInlinePolicies
            QUERIES.delete_role.run(connection, arn=role.arn)

        await self._change(account, name, delete)

    # --- tags ----------------------------------------------------------------------------------------------------

    def tags(self, role: Role) -> list[tuple[str, str]]:
        """Return key and value, by key."""
        rows = self._database.read(lambda connection: QUERIES.role_tags.rows(connection, arn=role.arn))
        return [(key, value) for key, value in rows]

    async def tag(self, account: str, name: str, tags: Sequence[tuple[str, str]]) -> None:
        """Raises RoleNotFound, QuotaExceeded, DuplicateTagKeys."""
        await self._change(account, name, lambda connection, role: _put_tags(connection, role.arn, tags))

    async def untag(self, account: str, name: str, keys: Sequence[str]) -> None:
        """Raises RoleNotFound."""

        def delete(connection: apsw.Connection, role: Role) -> None:
            for key in keys:
                QUERIES.delete_role_tag.run(connection, arn=role.arn, key=key)

        await self._change(account, name, delete)

    # --- inline policies -----------------------------------------------------------------------------------------

    async def put_policy(self, account: str, name: str, policy_name: str, document: str) -> None:
        """Raises RoleNotFound, MalformedPolicyDocument, InlinePoliciesTooLarge."""
        identity_policy(document)

        def put(connection: apsw.Connection, role: Role) -> None:
            documents = dict(QUERIES.role_policy_documents.rows(connection, arn=role.arn)) | {policy_name: document}
            if sum(map(size, documents.values())) > INLINE_POLICIES_PER_ROLE_CHARACTERS:
                raise InlinePoliciesTooLarge(limit=INLINE_POLICIES_PER_ROLE_CHARACTERS, name=name)
            QUERIES.put_role_policy.run(connection, arn=role.arn, name=policy_name, document=document)

        await self._change(account, name, put)

    def policy(self, account: str, name: str, policy_name: str) -> str:
        """Return the document of an inline policy. Raises RoleNotFound, RolePolicyNotFound."""
        role = self.get(account, name)
        row = self._database.read(
            lambda connection: QUERIES.role_policy.row(connection, arn=role.arn, name=policy_name)
        )
        if row is None:
            raise RolePolicyNotFound(name=policy_name)
        return row[0]

    def policy_names(self, account: str, name: str, marker: str | None, limit: int) -> tuple[list[str], str | None]:
        """Raises RoleNotFound, InvalidMarker."""
        arn, after = self.get(account, name).arn, name_before(marker)
        rows = self._database.read(
            lambda connection: QUERIES.role_policies_after.rows(connection, arn=arn, after=after, limit=limit + 1)
        )
        return paged([policy_name for (policy_name,) in rows], limit, str)

    async def delete_policy(self, account: str, name: str, policy_name: str) -> None:
        """Raises RoleNotFound, RolePolicyNotFound."""

        def delete(connection: apsw.Connection, role: Role) -> None:
            if not QUERIES.delete_role_policy.run(connection, arn=role.arn, name=policy_name):
                raise RolePolicyNotFound(name=policy_name)

        await self._change(account, name, delete)

    # --- attached policies ---------------------------------------------------------------------------------------

    async def attach(self, account: str, name: str, policy_arn: str) -> None:
        """Raises RoleNotFound, QuotaExceeded."""

        def attach(connection: apsw.Connection, role: Role) -> None:
            QUERIES.attach_role_policy.run(connection, arn=role.arn, policy_arn=policy_arn)
            if len(QUERIES.role_attachments.rows(connection, arn=role.arn)) > ATTACHED_POLICIES_PER_ROLE:
                raise QuotaExceeded(quota="PoliciesPerRole", limit=ATTACHED_POLICIES_PER_ROLE)

        await self._change(account, name, attach)

    async def detach(self, account: str, name: str, policy_arn: str) -> None:
        """Raises RoleNotFound, PolicyNotFound."""

        def detach(connection: apsw.Connection, role: Role) -> None:
            if not QUERIES.detach_role_policy.run(connection, arn=role.arn, policy_arn=policy_arn):
                raise PolicyNotFound(arn=policy_arn)

        await self._change(account, name, detach)

    def attached(self, account: str, name: str) -> list[str]:
        """Return the ARNs of the attached policies. Raises RoleNotFound."""
        arn = self.get(account, name).arn
        rows = self._database.read(lambda connection: QUERIES.role_attachments.rows(connection, arn=arn))
        return [policy_arn for (policy_arn,) in rows]

    # -------------------------------------------------------------------------------------------------------------

    def _at(self, role_arn: str) -> Role | None:
        row = self._database.read(lambda connection: QUERIES.role_at.row(connection, arn=role_arn))
        return Role(*row) if row else None

    async def _change(self, account: str, name: str, change: Callable[[apsw.Connection, Role], object]) -> None:
        """Find the role and change it in one transaction. Raises RoleNotFound and whatever `change` raises."""
        await self._database.write(lambda connection: change(connection, _named(connection, account, name)))


def _named(connection: apsw.Connection, account: str, name: str) -> Role:
    row = QUERIES.role_named.row(connection, account=account, name=name)
    if row is None:
        raise RoleNotFound(name=name)
    return Role(*row)


def _roles(connection: apsw.Connection, account: str, after: str, path_prefix: str, limit: int) -> list[Role]:
    rows = QUERIES.roles_after.rows(connection, account=account, after=after, path_prefix=path_prefix, limit=limit)
    return [Role(*row) for row in rows]


def _trusts(
    role: Role, requester: Requester, context: Mapping[str, tuple[str, ...]], action: str = "sts:AssumeRole"
) -> bool:
    """Whether the role's trust policy lets the requester assume it, or do what else such a policy may allow."""
    asked = Asked(requester, action, facts=Facts(context))
    return verdict([trust_policy(role.trust_policy)], asked) is Verdict.ALLOWED


def _check_trust(document: str) -> None:
    trust_policy(document)
    if size(document) > TRUST_POLICY_CHARACTERS:
        raise QuotaExceeded(quota="ACLSizePerRole", limit=TRUST_POLICY_CHARACTERS)


def _put_tags(connection: apsw.Connection, arn: str, tags: Sequence[tuple[str, str]]) -> None:
    if len({key.lower() for key, _ in tags}) < len(tags):
        raise DuplicateTagKeys
    for key, value in tags:
        QUERIES.put_role_tag.run(connection, arn=arn, key=key, value=value)
    if len(QUERIES.role_tags.rows(connection, arn=arn)) > TAGS_PER_RESOURCE:
        raise QuotaExceeded(quota="TagsPerRole", limit=TAGS_PER_RESOURCE)
