"""Resource policies as whole documents, which may also deny; the same policies that AddPermission writes to.

Source: the model of August 2026; Lambda developer guide, "Working with resource-based policies in Lambda".
"""

from __future__ import annotations

from lambent.core.kernel import Context, Shape
from lambent.lambda_.functions import Function
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.operations.context import located
from lambent.lambda_.policies.documents import compact
from lambent.lambda_.policies.errors import NoPolicyAssociated, NoSuchPolicy
from lambent.lambda_.policies.policy import Policy, guard, kept_under, policy_at
from lambent.lambda_.policies.rules import checked
from lambent.lambda_.service import LAMBDA, Lambda

READER = "GetResourcePolicy"


class ResourcePolicyResponse(Shape):
    policy: str  # as JSON
    revision_id: str


def function_at(ctx: Context[Lambda], resource_arn: str) -> FunctionArn:
    """The function, version or alias that has the ARN. Raises NoSuchPolicy for a runtime: Lambent has none of those."""
    if ":runtime/" in resource_arn:
        raise NoSuchPolicy
    return located(ctx, resource_arn)


@LAMBDA.operation
async def put_resource_policy(
    ctx: Context[Lambda], *, resource_arn: str, policy: str, revision_id: str | None = None
) -> ResourcePolicyResponse:
    """Give a function, a version or an alias this policy, instead of the one it may have.

    Errors: ResourceNotFoundException, InvalidParameterValueException (the document, $LATEST), PublicPolicyException,
    PolicyLengthExceededException, PreconditionFailedException (RevisionId).
    """
    arn = function_at(ctx, resource_arn)
    checked(policy, arn)
    made = Policy.of(compact(policy), ctx.ids.uuid())

    def put(function: Function) -> Function:
        place = kept_under(function, arn.qualifier)
        guard(function, place, revision_id, READER)
        return function.with_part(made, place)

    await ctx.state.functions.change(arn, put)
    return shown(made)


@LAMBDA.operation
async def get_resource_policy(ctx: Context[Lambda], *, resource_arn: str) -> ResourcePolicyResponse:
    """Read the policy of a function, a version or an alias.

    Errors: ResourceNotFoundException (the function, its policy).
    """
    arn = function_at(ctx, resource_arn)
    return shown(policy_at(ctx.state.functions.get(arn), arn.qualifier))


@LAMBDA.operation
async def delete_resource_policy(ctx: Context[Lambda], *, resource_arn: str, revision_id: str | None = None) -> None:
    """Take away the policy of a function, a version or an alias.

    Errors: ResourceNotFoundException (the function, its policy), PreconditionFailedException (RevisionId).
    """
    arn = function_at(ctx, resource_arn)

    def delete(function: Function) -> Function:
        place = kept_under(function, arn.qualifier)
        if function.part(Policy, place) is None:
            raise NoPolicyAssociated
        guard(function, place, revision_id, READER)
        return function.without_part(Policy, place)

    await ctx.state.functions.change(arn, delete)


def shown(policy: Policy | None) -> ResourcePolicyResponse:
    """Raises NoSuchPolicy."""
    if policy is None:
        raise NoSuchPolicy
    return ResourcePolicyResponse(policy=policy.text, revision_id=policy.revision_id)
