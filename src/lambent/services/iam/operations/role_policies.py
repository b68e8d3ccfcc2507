"""The policies of a role: those written into it, and managed ones attached to it.

Source of behaviour: IAM API reference, the operations of the same names.
"""

from __future__ import annotations

from urllib.parse import quote

from lambent.core.kernel import Context
from lambent.services.iam.errors import PolicyNotAttachable
from lambent.services.iam.limits import PAGE_DEFAULT
from lambent.services.iam.pages import page_of
from lambent.services.iam.shapes import (
    AttachedPolicy,
    GetRolePolicyResponse,
    ListAttachedRolePoliciesResponse,
    ListRolePoliciesResponse,
)
from lambent.services.iam.state import IAM, Iam


@IAM.operation(stored=("PolicyDocument",))
async def put_role_policy(ctx: Context[Iam], *, role_name: str, policy_name: str, policy_document: str) -> None:
    """Write a policy into a role. Errors: NoSuchEntity, MalformedPolicyDocument, LimitExceeded."""
    await ctx.state.roles.put_policy(ctx.account, role_name, policy_name, policy_document)


@IAM.operation
async def get_role_policy(ctx: Context[Iam], *, role_name: str, policy_name: str) -> GetRolePolicyResponse:
    """Tell one policy that is written into a role. Errors: NoSuchEntity."""
    document = ctx.state.roles.policy(ctx.account, role_name, policy_name)
    return GetRolePolicyResponse(role_name=role_name, policy_name=policy_name, policy_document=quote(document, safe=""))


@IAM.operation
async def list_role_policies(
    ctx: Context[Iam], *, role_name: str, marker: str | None = None, max_items: int = PAGE_DEFAULT
) -> ListRolePoliciesResponse:
    """List the names of the policies written into a role. Errors: NoSuchEntity."""
    page, following = ctx.state.roles.policy_names(ctx.account, role_name, marker, max_items)
    return ListRolePoliciesResponse(policy_names=page, is_truncated=following is not None, marker=following)


@IAM.operation
async def delete_role_policy(ctx: Context[Iam], *, role_name: str, policy_name: str) -> None:
    """Remove a policy that is written into a role. Errors: NoSuchEntity."""
    await ctx.state.roles.delete_policy(ctx.account, role_name, policy_name)


@IAM.operation(stored=("PolicyArn",))
async def attach_role_policy(ctx: Context[Iam], *, role_name: str, policy_arn: str) -> None:
    """Attach a managed policy, AWS's or the account's own, to a role. Errors: NoSuchEntity, LimitExceeded."""
    ctx.state.roles.get(ctx.account, role_name)
    if ctx.state.policies.find(policy_arn) is None:
        raise PolicyNotAttachable(arn=policy_arn)
    await ctx.state.roles.attach(ctx.account, role_name, policy_arn)


@IAM.operation
async def detach_role_policy(ctx: Context[Iam], *, role_name: str, policy_arn: str) -> None:
    """Take a managed policy off a role. Errors: NoSuchEntity."""
    await ctx.state.roles.detach(ctx.account, role_name, policy_arn)


@IAM.operation
async def list_attached_role_policies(
    ctx: Context[Iam],
    *,
    role_name: str,
    path_prefix: str = "/",
    marker: str | None = None,
    max_items: int = PAGE_DEFAULT,
) -> ListAttachedRolePoliciesResponse:
    """List the managed policies that a role has. Errors: NoSuchEntity."""
    policies = [ctx.state.policies.get(arn) for arn in ctx.state.roles.attached(ctx.account, role_name)]
    below = sorted((each for each in policies if each.path.startswith(path_prefix)), key=lambda each: each.name)
    page, following = page_of(below, marker, max_items, lambda each: each.name)
    return ListAttachedRolePoliciesResponse(
        attached_policies=[AttachedPolicy(policy_name=each.name, policy_arn=each.arn) for each in page],
        is_truncated=following is not None,
        marker=following,
    )
