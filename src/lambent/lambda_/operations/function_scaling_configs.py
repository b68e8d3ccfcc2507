"""Scaling of functions on Lambda Managed Instances, of which there are none: functions run on this machine.

AWS answers so for every function without a capacity provider, and none can have one here (coverage: the operations of
capacity providers are not there). Source: reference/lambda.md 12.
"""

from __future__ import annotations

from typing import NoReturn

from lambent.core.errors import AwsError
from lambent.core.kernel import Context
from lambent.lambda_.operations.context import function_named
from lambent.lambda_.service import LAMBDA, Lambda

Structure = dict[str, int]


class NoCapacityProvider(AwsError, code="InvalidParameterValueException"):
    """Ours; AWS's sentence is not recorded."""

    message = "Function {arn} has no CapacityProviderConfig, so it has no scaling configuration."


def refuse(ctx: Context[Lambda], function_name: str, qualifier: str) -> NoReturn:
    """Raises FunctionNotFound, NoCapacityProvider."""
    arn = function_named(ctx, function_name)
    ctx.state.functions.get(arn).described(None if qualifier.startswith("$") else qualifier)
    raise NoCapacityProvider(arn=arn.qualified(qualifier))


@LAMBDA.operation(refused=["FunctionScalingConfig"])
async def put_function_scaling_config(
    ctx: Context[Lambda], *, function_name: str, qualifier: str, function_scaling_config: Structure | None = None
) -> None:
    """Refuse bounds for a function's environments: they are of functions on Managed Instances.

    Errors: ResourceNotFoundException, InvalidParameterValueException.
    """
    del function_scaling_config  # whatever it asks for
    refuse(ctx, function_name, qualifier)


@LAMBDA.operation
async def get_function_scaling_config(ctx: Context[Lambda], *, function_name: str, qualifier: str) -> None:
    """Refuse to show what only functions on Managed Instances have.

    Errors: ResourceNotFoundException, InvalidParameterValueException.
    """
    refuse(ctx, function_name, qualifier)
