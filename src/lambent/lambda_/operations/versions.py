"""Versions: what $LATEST was, frozen under a number. reference/lambda.md 6."""

from __future__ import annotations

from lambent.core.kernel import Context
from lambent.lambda_.functions import Function
from lambent.lambda_.names import FunctionReference
from lambent.lambda_.operations.context import function_for, function_named
from lambent.lambda_.pages import paged, place
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import HARMLESS, refuse_unsupported
from lambent.lambda_.shapes import FunctionConfiguration, ListVersionsByFunctionResponse, listed, shown
from lambent.lambda_.states import refuse_change


@LAMBDA.operation(refused=HARMLESS)
async def publish_version(
    ctx: Context[Lambda],
    *,
    function_name: str,
    code_sha256: str | None = None,
    description: str | None = None,
    revision_id: str | None = None,
    publish_to: str | None = None,
) -> FunctionConfiguration:
    """Freeze code and configuration of $LATEST as a version, or answer the last one when nothing has changed since.

    Errors: ResourceNotFoundException, ResourceConflictException, PreconditionFailedException,
    InvalidParameterValueException (CodeSha256).
    """
    refuse_unsupported(PublishTo=publish_to)
    arn = function_named(ctx, function_name)
    revisions = (ctx.ids.uuid(), ctx.ids.uuid())

    def publish(function: Function) -> Function:
        refuse_change(function.latest.phase, arn)
        function.guard(revision_id)
        return function.publish(
            revision_id=revisions[0],
            latest_revision_id=revisions[1],
            code_sha256=code_sha256,
            description=description,
        )

    function = await ctx.state.functions.change(arn, publish)
    ctx.state.activation.start(function)
    return shown(function.last_published, function.last_published.arn)


@LAMBDA.operation
async def list_versions_by_function(
    ctx: Context[Lambda], *, function_name: str, marker: str | None = None, max_items: int | None = None
) -> ListVersionsByFunctionResponse:
    """List $LATEST and then the published versions by number.

    Errors: ResourceNotFoundException.
    """
    function = function_for(ctx, FunctionReference.of(function_name), "lambda:ListVersionsByFunction")
    versions, arn = list(function), function.arn
    page = paged(versions, key=place, scope=f"ListVersionsByFunction {arn}", marker=marker, max_items=max_items)
    return ListVersionsByFunctionResponse(
        versions=[listed(version, version.arn) for version in page.items], next_marker=page.marker
    )
