"""Managed policies. Source of behaviour: IAM API reference, the operations of the same names."""

from __future__ import annotations

from urllib.parse import quote

from lambent.core.kernel import Context
from lambent.services.iam.errors import PolicyNotOurs
from lambent.services.iam.limits import PAGE_DEFAULT
from lambent.services.iam.pages import page_of
from lambent.services.iam.policies import ONLY_VERSION, ManagedPolicy
from lambent.services.iam.shapes import (
    CreatePolicyResponse,
    GetPolicyResponse,
    GetPolicyVersionResponse,
    ListPoliciesResponse,
    ListPolicyVersionsResponse,
    Policy,
    PolicyVersion,
    Tag,
)
from lambent.services.iam.state import IAM, Iam


@IAM.operation(stored=("PolicyDocument",))
async def create_policy(
    ctx: Context[Iam],
    *,
    policy_name: str,
    policy_document: str,
    path: str = "/",
    description: str | None = None,
    tags: list[Tag] | None = None,
) -> CreatePolicyResponse:
    """Make a managed policy of the account's own.

    Errors: EntityAlreadyExists, MalformedPolicyDocument, LimitExceeded.
    """
    policy = ManagedPolicy(
        name=policy_name,
        policy_id="ANPA" + ctx.ids.letters(17),
        path=path,
        arn=f"arn:{ctx.partition}:iam::{ctx.account}:policy{path}{policy_name}",
        description=description,
        document=policy_document,
        created_at=ctx.clock.now(),
    )
    await ctx.state.policies.create(ctx.account, policy, {tag.key: tag.value for tag in tags or ()})
    answer = _described(ctx, policy)
    answer.description, answer.tags = None, tags  # CreatePolicy does not tell the description; the reference says why
    return CreatePolicyResponse(policy=answer)


@IAM.operation
async def get_policy(ctx: Context[Iam], *, policy_arn: str) -> GetPolicyResponse:
    """Tell a managed policy, without its document. Errors: NoSuchEntity."""
    answer = _described(ctx, ctx.state.policies.get(policy_arn))
    answer.tags = [Tag(key=key, value=value) for key, value in ctx.state.policies.tags(policy_arn).items()]
    return GetPolicyResponse(policy=answer)


@IAM.operation
async def get_policy_version(ctx: Context[Iam], *, policy_arn: str, version_id: str) -> GetPolicyVersionResponse:
    """Tell the document of a version of a managed policy; there is only v1. Errors: NoSuchEntity."""
    policy = ctx.state.policies.get_version(policy_arn, version_id)
    version = _version(policy)
    version.document = quote(policy.document, safe="")
    return GetPolicyVersionResponse(policy_version=version)


@IAM.operation
async def list_policy_versions(ctx: Context[Iam], *, policy_arn: str) -> ListPolicyVersionsResponse:
    """List the one version of a managed policy; Terraform asks before it deletes a policy. Errors: NoSuchEntity."""
    return ListPolicyVersionsResponse(versions=[_version(ctx.state.policies.get(policy_arn))], is_truncated=False)


@IAM.operation
async def list_policies(
    ctx: Context[Iam],
    *,
    scope: str = "All",
    only_attached: bool = False,
    path_prefix: str = "/",
    marker: str | None = None,
    max_items: int = PAGE_DEFAULT,
) -> ListPoliciesResponse:
    """List managed policies by name: AWS's, the account's own, or both."""
    found = [
        policy
        for policy in ctx.state.policies.all_of(ctx.account, scope)
        if policy.path.startswith(path_prefix)
        and (not only_attached or ctx.state.policies.attachment_count(ctx.account, policy.arn))
    ]
    page, following = page_of(found, marker, max_items, lambda policy: policy.name)
    answers = [_described(ctx, policy) for policy in page]
    for answer in answers:
        answer.description = None
    return ListPoliciesResponse(policies=answers, is_truncated=following is not None, marker=following)


@IAM.operation
async def delete_policy(ctx: Context[Iam], *, policy_arn: str) -> None:
    """Delete a managed policy of the account's own. Errors: NoSuchEntity, DeleteConflict, AccessDenied (AWS's own)."""
    if ctx.state.policies.is_of_aws(policy_arn):
        raise PolicyNotOurs(caller=ctx.caller.arn, action="iam:DeletePolicy", arn=policy_arn)
    await ctx.state.policies.delete(ctx.account, policy_arn)


def _described(ctx: Context[Iam], policy: ManagedPolicy) -> Policy:
    return Policy(
        policy_name=policy.name,
        policy_id=policy.policy_id,
        arn=policy.arn,
        path=policy.path,
        default_version_id=ONLY_VERSION,
        attachment_count=ctx.state.policies.attachment_count(ctx.account, policy.arn),
        permissions_boundary_usage_count=0,
        is_attachable=True,
        create_date=policy.created_at,
        update_date=policy.created_at,
        description=policy.description,
    )


def _version(policy: ManagedPolicy) -> PolicyVersion:
    return PolicyVersion(version_id=ONLY_VERSION, is_default_version=True, create_date=policy.created_at)
