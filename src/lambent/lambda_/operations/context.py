"""What operations ask of their context before they begin: which function is meant, and whether others agree."""

from __future__ import annotations

from typing import Final

from lambent.core.kernel import Context
from lambent.core.ports import CallRefused
from lambent.lambda_.errors import (
    AnotherServiceRefused,
    QualifierNotAllowed,
    RoleNotAssumable,
)
from lambent.lambda_.members import (
    VpcConfig,
)
from lambent.lambda_.names import LATEST, FunctionArn, FunctionReference
from lambent.lambda_.service import Lambda

LAMBDA_PRINCIPAL: Final = "lambda.amazonaws.com"


def function_named(ctx: Context[Lambda], function_name: str) -> FunctionArn:
    """The ARN of a function as a whole. Raises QualifierNotAllowed, FunctionInOtherRegion, FunctionInOtherAccount."""
    arn = FunctionReference.of(function_name).located(ctx.account, ctx.region)
    if arn.qualifier not in (None, LATEST):
        raise QualifierNotAllowed
    return arn.unqualified


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
        raise AnotherServiceRefused(
            operation=refused.operation,
            service=refused.service,
            error_code=refused.code,
            error_message=refused.message,
        ) from None
