"""Permissions: statements of a function's resource policy, added and removed one by one. reference/lambda.md 6, 14."""

from __future__ import annotations

from typing import Final

from lambent.core.kernel import Context, Shape
from lambent.lambda_.functions import Function
from lambent.lambda_.names import FunctionReference
from lambent.lambda_.operations.context import function_for, located
from lambent.lambda_.policies.access import INVOKE_FUNCTION_URL
from lambent.lambda_.policies.documents import with_statement, without_statement
from lambent.lambda_.policies.errors import (
    ActionUnknown,
    AuthTypeUnexpected,
    NoPolicyAssociated,
    NoPolicyFound,
    NoSuchPolicy,
)
from lambent.lambda_.policies.policy import Policy, guard, kept_under, policy_at
from lambent.lambda_.policies.statements import Permission
from lambent.lambda_.rows import text
from lambent.lambda_.service import LAMBDA, Lambda

READER = "GetPolicy"
CALLED_OTHERWISE: Final = {  # operations that are no actions, because AWS asks for lambda:InvokeFunction
    *("Invoke", "InvokeWithResponseStream"),
}
NO_OPERATIONS: Final = {  # actions that are no operations
    *("InvokeFunction", "InvokeFunctionUrl", "EnableReplication", "DisableReplication"),
}


class AddPermissionResponse(Shape):
    statement: str  # as JSON


class GetPolicyResponse(Shape):
    policy: str  # as JSON
    revision_id: str


def exists(action: str) -> bool:
    """Whether there is such an action; AWS does not mind its case. Source: Service Authorization Reference, Lambda."""
    names = (LAMBDA.model.traits.operations.keys() - CALLED_OTHERWISE) | NO_OPERATIONS
    return action.lower() in {"*", "lambda:*", *(f"lambda:{name}".lower() for name in names)}


@LAMBDA.operation
async def add_permission(
    ctx: Context[Lambda],
    *,
    function_name: str,
    statement_id: str,
    action: str,
    principal: str,
    source_arn: str | None = None,
    function_url_auth_type: str | None = None,
    invoked_via_function_url: bool | None = None,
    source_account: str | None = None,
    event_source_token: str | None = None,
    qualifier: str | None = None,
    revision_id: str | None = None,
    principal_org_id: str | None = None,
) -> AddPermissionResponse:
    """Let somebody do something with a function, or with one version or alias of it.

    Errors: ResourceNotFoundException, ResourceConflictException (the statement id is taken),
    InvalidParameterValueException ($LATEST, the action, the principal), PolicyLengthExceededException,
    PreconditionFailedException (RevisionId).
    """
    if not exists(action):
        raise ActionUnknown(action=action)
    if function_url_auth_type is not None and action != INVOKE_FUNCTION_URL:
        raise AuthTypeUnexpected
    arn = located(ctx, function_name, qualifier)
    revision = ctx.ids.uuid()
    permission = Permission(
        sid=statement_id,
        action=action,
        principal=principal,
        source_arn=source_arn,
        source_account=source_account,
        function_url_auth_type=function_url_auth_type,
        event_source_token=event_source_token,
        principal_org_id=principal_org_id,
        invoked_via_function_url=invoked_via_function_url,
    )
    statement = permission.statement(str(arn), ctx.partition)

    def add(function: Function) -> Function:
        place = kept_under(function, arn.qualifier)
        policy = function.part(Policy, place)
        guard(function, place, revision_id, READER)
        written = with_statement(policy and policy.text, statement)
        return function.with_part(Policy.of(written, revision), place)

    await ctx.state.functions.change(arn, add)
    return AddPermissionResponse(statement=text(statement))


@LAMBDA.operation
async def remove_permission(
    ctx: Context[Lambda],
    *,
    function_name: str,
    statement_id: str,
    qualifier: str | None = None,
    revision_id: str | None = None,
) -> None:
    """Take back what a statement allows; with the last one the policy is gone.

    Errors: ResourceNotFoundException (the function, its policy, the statement), PreconditionFailedException (RevisionId).
    """
    arn = located(ctx, function_name, qualifier)
    revision = ctx.ids.uuid()

    def remove(function: Function) -> Function:
        place = kept_under(function, arn.qualifier)
        policy = function.part(Policy, place)
        if policy is None:
            raise NoPolicyAssociated
        rest = without_statement(policy.text, statement_id)
        guard(function, place, revision_id, READER)
        if rest is None:
            return function.without_part(Policy, place)
        return function.with_part(Policy.of(rest, revision), place)

    if ctx.state.functions.known(arn) is None:
        raise NoPolicyFound(arn=arn.unqualified)
    await ctx.state.functions.change(arn, remove)


@LAMBDA.operation
async def get_policy(ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None) -> GetPolicyResponse:
    """Read the policy of a function, or of one version or alias of it.

    Errors: ResourceNotFoundException (the function, its policy).
    """
    reference = FunctionReference.of(function_name, qualifier)
    policy = policy_at(function_for(ctx, reference, "lambda:GetPolicy"), reference.qualifier)
    if policy is None:
        raise NoSuchPolicy
    return GetPolicyResponse(policy=policy.text, revision_id=policy.revision_id)
