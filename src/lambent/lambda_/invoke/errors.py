"""How an invocation fails before the function has run. What happens inside the function is an outcome, not an error.

Sentences: reference/lambda.md 1.6, 2.1, 5 and 14.
"""

from __future__ import annotations

from lambent.core.errors import AwsError


class ConcurrentInvocationLimitExceeded(
    AwsError, code="TooManyRequestsException", extra={"Reason": "ConcurrentInvocationLimitExceeded"}
):
    """All executions are running that functions without a reservation share."""

    message = "Rate Exceeded."


class ReservedFunctionConcurrentInvocationLimitExceeded(
    AwsError, code="TooManyRequestsException", extra={"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
):
    """All executions are running that the function has reserved. Recorded; without Retry-After, as nobody knows when."""

    message = "Rate Exceeded."


class FunctionInvocationRateLimitExceeded(
    AwsError,
    code="TooManyRequestsException",
    extra={"Reason": "FunctionInvocationRateLimitExceeded", "retryAfterSeconds": "{seconds}"},
):
    """The function starts environments faster than it may scale, which is the one rate that AWS limits by function.

    Which rate has which Reason, AWS does not say; the model has the names, and the developer guide the rates ("Lambda
    scaling behavior", "Understanding concurrency and requests per second").
    """

    message = "Rate Exceeded."


class ReservedFunctionInvocationRateLimitExceeded(
    AwsError,
    code="TooManyRequestsException",
    extra={"Reason": "ReservedFunctionInvocationRateLimitExceeded", "retryAfterSeconds": "{seconds}"},
):
    """More requests a second than ten times what the function has reserved."""

    message = "Rate Exceeded."


class CallerRateLimitExceeded(
    AwsError,
    code="TooManyRequestsException",
    extra={"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "{seconds}"},
):
    """More requests a second than ten times the account's executions; the sentence as reported (fyoorer/ShadowClone#25)."""

    message = "Rate exceeded"


class TenantEnvironmentsExceeded(AwsError, code="TooManyRequestsException"):
    """The function has as many environments as its tenants may have, at work or idle. AWS names no Reason for it."""

    message = "Rate exceeded"


class TenantIdMissing(AwsError, code="InvalidParameterValueException"):
    """As the AWS blogs show it ("Building multi-tenant SaaS applications with AWS Lambda's new tenant isolation mode")."""

    message = (
        "The invoked function is enabled with tenancy configuration. "
        "Add a valid tenant ID in your request and try again."
    )


class TenantIdUnexpected(AwsError, code="InvalidParameterValueException"):
    """The counterpart, as AWS's SAM CLI has it."""

    message = (
        "The invoked function is not enabled with tenancy configuration. "
        "Remove the tenant ID from your request and try again."
    )


class EventTooLarge(AwsError, code="RequestEntityTooLargeException", status=413):
    """No error shape of the model; the code that callers really see."""

    message = "Request must be smaller than {maximum} bytes for the InvokeFunction operation"


class EventNotJson(AwsError, code="InvalidRequestContentException"):
    message = "Could not parse request body into json: Could not parse payload into json: {reason}"


class ClientContextNotJson(AwsError, code="InvalidRequestContentException"):
    message = "Client context must be a valid Base64-encoded JSON object."


class ClientContextTooLarge(AwsError, code="InvalidRequestContentException"):
    message = "Client context must be smaller than {maximum} bytes."


class InvocationTypeNotImplemented(AwsError, code="NotImplemented", status=501):
    """Ours: said plainly until the asynchronous queue is there."""

    message = "lambda:Invoke with InvocationType {invocation_type} is not implemented by Lambent yet."


class InvokeMemberNotSupported(AwsError, code="InvalidParameterValueException"):
    """Ours: the member would change what the invocation means."""

    message = "{member} is not supported by this version of Lambent."


class FileSystemNotMounted(AwsError, code="EFSMountFailureException"):
    """Ours, in AWS's form: no file system can be mounted yet, and a function that misses its files must not run."""

    message = "The function could not mount the file system {arn}: this version of Lambent mounts none."


class SandboxUnavailable(AwsError, code="ServiceException", status=500):
    """The machine could not make an execution environment; the reason is in the log under the request id."""

    message = "Lambda could not create an execution environment for the function."


class RoleNotAssumable(AwsError, code="AccessDeniedException", status=403):
    """The role was there when the function was made, and is not now."""

    message = "The role defined for the function cannot be assumed by Lambda."
