"""Invoke: the operation of Lambda's data plane. What it does is on the page `lambda_.invoke.path`."""

from __future__ import annotations

import base64

from lambent.core.kernel import Context, Shape
from lambent.lambda_.errors import FunctionNotFound
from lambent.lambda_.invoke.errors import InvocationTypeNotImplemented, InvokeMemberNotSupported
from lambent.lambda_.names import LATEST, FunctionReference
from lambent.lambda_.operations.context import function_for
from lambent.lambda_.policies.access import INVOKE_FUNCTION
from lambent.lambda_.service import LAMBDA, Lambda


class InvocationResponse(Shape):
    status_code: int
    function_error: str | None = None
    log_result: str | None = None  # Base64 of the last 4 KB of the invocation's log
    payload: bytes | None = None
    executed_version: str | None = None


@LAMBDA.operation(action=INVOKE_FUNCTION, refused=("DurableExecutionName",))
async def invoke(
    ctx: Context[Lambda],
    *,
    function_name: str,
    invocation_type: str = "RequestResponse",
    log_type: str = "None",
    client_context: str | None = None,
    payload: bytes = b"",
    qualifier: str | None = None,
    tenant_id: str | None = None,
    durable_execution_name: str | None = None,
) -> InvocationResponse:
    """Run a function and wait for its answer; DryRun only checks that it could be run.

    A function that raises, exits, or runs out of time is not an error of this operation: the status is 200,
    FunctionError says Unhandled, and the payload describes it. Errors: ResourceNotFoundException,
    ResourceConflictException (Pending, Failed), InvalidParameterValueException (TenantId),
    InvalidRequestContentException, TooManyRequestsException (429, Reason), RequestEntityTooLargeException. Source:
    reference/lambda.md 2.1, 2.5, 2.11.
    """
    if durable_execution_name is not None:
        raise InvokeMemberNotSupported(member="DurableExecutionName")
    reference = FunctionReference.of(function_name, qualifier)
    try:
        function = function_for(ctx, reference, INVOKE_FUNCTION)
    except FunctionNotFound:
        arn = reference.located(ctx.account, ctx.region)
        raise FunctionNotFound(arn=arn.qualified(arn.qualifier or LATEST)) from None  # $LATEST too is named (recorded)
    version = function.routed(reference.qualifier, ctx.ids)
    if invocation_type == "DryRun":
        ctx.state.invocations.check(version, payload, tenant_id)
        return InvocationResponse(status_code=204)
    if invocation_type != "RequestResponse":
        raise InvocationTypeNotImplemented(invocation_type=invocation_type)
    trace_id = ctx.answer_trace_id = ctx.trace_id or ctx.state.invocations.new_trace()
    outcome = await ctx.state.invocations.invoke(
        version,
        request_id=ctx.request_id,
        event=payload,
        function_arn=version.invoked_arn(reference.qualifier),
        client_context=client_context,
        trace_id=trace_id,
        tenant_id=tenant_id,
        tail=log_type == "Tail",
    )
    return InvocationResponse(
        status_code=200,
        function_error=outcome.function_error,
        log_result=base64.b64encode(outcome.log_tail).decode() if log_type == "Tail" else None,
        payload=outcome.payload,
        executed_version=version.version,
    )
