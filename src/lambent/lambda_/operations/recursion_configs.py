"""Recursive loop detection, on or off. reference/lambda.md 3."""

from __future__ import annotations

from lambent.core.kernel import Context, Shape
from lambent.lambda_.operations.context import function_named
from lambent.lambda_.recursion import DEFAULT, RecursionConfig
from lambent.lambda_.service import LAMBDA, Lambda


class GetFunctionRecursionConfigResponse(Shape):
    recursive_loop: str


@LAMBDA.operation(stored=["RecursiveLoop"])
async def put_function_recursion_config(
    ctx: Context[Lambda], *, function_name: str, recursive_loop: str
) -> GetFunctionRecursionConfigResponse:
    """Say whether a function that is part of a recursive loop is stopped.

    Errors: ResourceNotFoundException.
    """
    arn = function_named(ctx, function_name)
    config = RecursionConfig(recursive_loop=recursive_loop)
    await ctx.state.functions.change(arn, lambda function: function.with_part(config))
    return GetFunctionRecursionConfigResponse(recursive_loop=recursive_loop)


@LAMBDA.operation
async def get_function_recursion_config(
    ctx: Context[Lambda], *, function_name: str
) -> GetFunctionRecursionConfigResponse:
    """Tell whether a function that is part of a recursive loop is stopped.

    Errors: ResourceNotFoundException.
    """
    config = ctx.state.functions.get(function_named(ctx, function_name)).part(RecursionConfig)
    return GetFunctionRecursionConfigResponse(recursive_loop=DEFAULT if config is None else config.recursive_loop)
