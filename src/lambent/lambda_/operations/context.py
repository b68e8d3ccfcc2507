"""What operations ask of their context before they begin: which function is meant, and whether others agree."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Final

from lambent.core.errors import AwsError
from lambent.core.kernel import Context
from lambent.core.policies.evaluation import Verdict
from lambent.core.policies.facts import facts_of
from lambent.core.policies.principals import Requester
from lambent.core.ports import CallRefused
from lambent.lambda_.errors import AnotherServiceRefused, FunctionNotFound, QualifierNotAllowed, RoleNotAssumable
from lambent.lambda_.functions import Function
from lambent.lambda_.layers.attached import AttachedLayers, attached
from lambent.lambda_.members import VpcConfig
from lambent.lambda_.names import LATEST, FunctionArn, FunctionReference
from lambent.lambda_.policies.access import may_deny, says
from lambent.lambda_.policies.errors import ExplicitlyDenied, NotAuthorized
from lambent.lambda_.service import Lambda
from lambent.lambda_.signing.configs import CodeSigningConfig

LAMBDA_PRINCIPAL: Final = "lambda.amazonaws.com"


def located(ctx: Context[Lambda], function_name: str, qualifier: str | None = None) -> FunctionArn:
    """The ARN that a caller means, with the qualifier if they wrote one, of whatever may or may not be there.

    Raises what `FunctionReference.of` does, FunctionInOtherRegion, FunctionInOtherAccount.
    """
    return FunctionReference.of(function_name, qualifier).located(ctx.account, ctx.region)


def function_named(ctx: Context[Lambda], function_name: str) -> FunctionArn:
    """The ARN of a function as a whole. Raises QualifierNotAllowed, FunctionInOtherRegion, FunctionInOtherAccount."""
    arn = located(ctx, function_name)
    _refuse_qualifier(arn.qualifier)
    return arn.unqualified


@contextmanager
def instead(error: AwsError | type[AwsError]) -> Generator[None]:
    """A block in which a function that is not there is `error`: what operations on its configurations say of it."""
    try:
        yield
    except FunctionNotFound:
        raise error from None


def function_read(ctx: Context[Lambda], function_name: str, action: str) -> Function:
    """A function as a whole, to which the caller may do `action`. Raises QualifierNotAllowed, and as `function_for`."""
    reference = FunctionReference.of(function_name)
    function = function_for(ctx, reference, action)
    _refuse_qualifier(reference.qualifier)
    return function


def _refuse_qualifier(qualifier: str | None) -> None:
    if qualifier not in (None, LATEST):
        raise QualifierNotAllowed


def function_for(ctx: Context[Lambda], reference: FunctionReference, action: str) -> Function:
    """The function that the caller means, if they may do `action` to it.

    A function of another account, only its policies can allow; the account's own, they can deny. Raises
    FunctionNotFound, FunctionInOtherRegion, NotAuthorized (also where there is no such function), ExplicitlyDenied.
    """
    if reference.account is None or reference.account == ctx.account:
        function = ctx.state.functions.find(reference, ctx.account, ctx.region)
        if may_deny(function, reference.qualifier) and _said(ctx, function, reference, action) is Verdict.DENIED:
            raise ExplicitlyDenied(caller=ctx.caller.arn, action=action, arn=reference.located(ctx.account, ctx.region))
        return function
    arn = reference.located(reference.account, ctx.region)
    function = ctx.state.functions.known(arn)
    said = Verdict.NOTHING if function is None else _said(ctx, function, reference, action)
    if function is None or said is Verdict.NOTHING:
        raise NotAuthorized(caller=ctx.caller.arn, action=action, arn=arn)
    if said is Verdict.DENIED:
        raise ExplicitlyDenied(caller=ctx.caller.arn, action=action, arn=arn)
    return function


def _said(ctx: Context[Lambda], function: Function, reference: FunctionReference, action: str) -> Verdict:
    requester = Requester.of(ctx.caller)
    facts = facts_of(requester, region=ctx.region, now=ctx.clock.now()).and_of({"aws:SourceIp": ctx.source_ip})
    return says(function, reference.qualifier, action, requester, facts)


def check_role(ctx: Context[Lambda], role: str | None) -> None:
    """Raises RoleNotAssumable."""
    if role is not None and not ctx.state.roles.assumable_by(role, LAMBDA_PRINCIPAL):
        raise RoleNotAssumable


def vpc_asked_for(ctx: Context[Lambda], config: VpcConfig | None) -> str:
    """The id of the VPC that the subnets are in; empty when there are none. Raises AnotherServiceRefused."""
    if config is None or not config.subnet_ids:
        return ""
    groups = config.security_group_ids or ()
    try:
        return ctx.state.networks.vpc_of(ctx.account, ctx.region, config.subnet_ids, groups)
    except CallRefused as refused:
        raise AnotherServiceRefused.telling(refused) from None


@asynccontextmanager
async def layered(
    ctx: Context[Lambda], layers: Sequence[str] | None, signing: CodeSigningConfig | None
) -> AsyncGenerator[AttachedLayers]:
    """The layers that are asked for; their contents stay while the block lasts, even if the layers are deleted meanwhile.

    Commit a row that names them before it ends. `signing` is what the function's code has to meet, and its layers too.
    Raises what `attached` raises, CodeVerificationFailed, InvalidCodeSignature.
    """
    found = attached(ctx.state.layers, layers or (), ctx.caller, ctx.region)
    with ExitStack() as held:
        for layer in found:
            held.enter_context(ctx.state.code.holding(layer.code.digest))
        if signing is not None:
            for layer in found:
                await ctx.state.deployments.checked(layer.code.digest, str(layer.arn), signing)
        yield found
