"""Roles and their tags. Source of behaviour: IAM API reference, the operations of the same names."""

from __future__ import annotations

from urllib.parse import quote

from lambent.core.kernel import Context
from lambent.services.iam import roles
from lambent.services.iam.limits import MAX_SESSION_DURATION_DEFAULT_S, PAGE_DEFAULT
from lambent.services.iam.pages import page_of
from lambent.services.iam.shapes import (
    AttachedPermissionsBoundary,
    CreateRoleResponse,
    GetRoleResponse,
    ListInstanceProfilesForRoleResponse,
    ListRolesResponse,
    ListRoleTagsResponse,
    Role,
    RoleLastUsed,
    Tag,
    UpdateRoleResponse,
)
from lambent.services.iam.state import IAM, Iam


@IAM.operation(stored=("PermissionsBoundary",))
async def create_role(
    ctx: Context[Iam],
    *,
    role_name: str,
    assume_role_policy_document: str,
    path: str = "/",
    description: str | None = None,
    max_session_duration: int = MAX_SESSION_DURATION_DEFAULT_S,
    permissions_boundary: str | None = None,
    tags: list[Tag] | None = None,
) -> CreateRoleResponse:
    """Make a role that the principals of its trust policy may assume.

    Errors: EntityAlreadyExists, MalformedPolicyDocument, LimitExceeded, InvalidInput.
    """
    role = roles.Role(
        account=ctx.account,
        name=role_name,
        role_id="AROA" + ctx.ids.letters(17),
        path=path,
        arn=f"arn:{ctx.partition}:iam::{ctx.account}:role{path}{role_name}",
        description=description,
        trust_policy=assume_role_policy_document,
        max_session_duration_s=max_session_duration,
        permissions_boundary=permissions_boundary,
        created_at=ctx.clock.now(),
    )
    given = [(tag.key, tag.value) for tag in tags or ()]
    await ctx.state.roles.create(role, given)
    answer = described(role, given)
    answer.max_session_duration = None  # recorded: only GetRole and ListRoles answer it
    return CreateRoleResponse(role=answer)


@IAM.operation
async def get_role(ctx: Context[Iam], *, role_name: str) -> GetRoleResponse:
    """Tell everything about a role. Errors: NoSuchEntity."""
    role = ctx.state.roles.get(ctx.account, role_name)
    answer = described(role, ctx.state.roles.tags(role))
    answer.role_last_used = RoleLastUsed()
    return GetRoleResponse(role=answer)


@IAM.operation
async def list_roles(
    ctx: Context[Iam], *, path_prefix: str = "/", marker: str | None = None, max_items: int = PAGE_DEFAULT
) -> ListRolesResponse:
    """List roles by name; without tags and permissions boundary, which only GetRole tells."""
    page, following = ctx.state.roles.page(ctx.account, path_prefix, marker, max_items)
    answers = [described(role, ()) for role in page]
    for answer in answers:
        answer.permissions_boundary = None
    return ListRolesResponse(roles=answers, is_truncated=following is not None, marker=following)


@IAM.operation
async def update_role(
    ctx: Context[Iam], *, role_name: str, description: str | None = None, max_session_duration: int | None = None
) -> UpdateRoleResponse:
    """Change a role's description and its longest session. Errors: NoSuchEntity."""
    await ctx.state.roles.set_settings(ctx.account, role_name, description, max_session_duration)
    return UpdateRoleResponse()


@IAM.operation
async def update_assume_role_policy(ctx: Context[Iam], *, role_name: str, policy_document: str) -> None:
    """Replace a role's trust policy. Errors: NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    await ctx.state.roles.set_trust_policy(ctx.account, role_name, policy_document)


@IAM.operation
async def delete_role(ctx: Context[Iam], *, role_name: str) -> None:
    """Delete a role that has no policies any more. Errors: NoSuchEntity, DeleteConflict."""
    await ctx.state.roles.delete(ctx.account, role_name)


@IAM.operation
async def tag_role(ctx: Context[Iam], *, role_name: str, tags: list[Tag]) -> None:
    """Set tags of a role. Errors: NoSuchEntity, LimitExceeded, InvalidInput."""
    await ctx.state.roles.tag(ctx.account, role_name, [(tag.key, tag.value) for tag in tags])


@IAM.operation
async def untag_role(ctx: Context[Iam], *, role_name: str, tag_keys: list[str]) -> None:
    """Remove tags of a role. Errors: NoSuchEntity."""
    await ctx.state.roles.untag(ctx.account, role_name, tag_keys)


@IAM.operation
async def list_role_tags(
    ctx: Context[Iam], *, role_name: str, marker: str | None = None, max_items: int = PAGE_DEFAULT
) -> ListRoleTagsResponse:
    """List a role's tags by key. Errors: NoSuchEntity."""
    tags = ctx.state.roles.tags(ctx.state.roles.get(ctx.account, role_name))
    page, following = page_of(tags, marker, max_items, lambda tag: tag[0])
    shown = [Tag(key=key, value=value) for key, value in page]
    return ListRoleTagsResponse(tags=shown, is_truncated=following is not None, marker=following)


@IAM.operation
async def list_instance_profiles_for_role(ctx: Context[Iam], *, role_name: str) -> ListInstanceProfilesForRoleResponse:
    """List the instance profiles with the role: none, as Lambent has no EC2; Terraform asks before it deletes a role.

    Errors: NoSuchEntity.
    """
    ctx.state.roles.get(ctx.account, role_name)
    return ListInstanceProfilesForRoleResponse(instance_profiles=[], is_truncated=False)


def described(role: roles.Role, tags: list[tuple[str, str]] | tuple[()]) -> Role:
    """Return the role as IAM tells it."""
    boundary = role.permissions_boundary
    return Role(
        path=role.path,
        role_name=role.name,
        role_id=role.role_id,
        arn=role.arn,
        create_date=role.created_at,
        assume_role_policy_document=quote(role.trust_policy, safe=""),
        description=role.description,
        max_session_duration=role.max_session_duration_s,
        permissions_boundary=AttachedPermissionsBoundary(
            permissions_boundary_type="Policy", permissions_boundary_arn=boundary
        )
        if boundary
        else None,
        tags=[Tag(key=key, value=value) for key, value in tags] or None,
    )
