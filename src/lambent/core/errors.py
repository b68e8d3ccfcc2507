"""Errors that every service can answer and no model declares.

An error of one service is declared in that service, with `AwsError` from here. Who signs and how is the gateway's
affair. Codes and texts: reference/lambda.md 1.6.
"""

from lambent.model.errors import AwsError
from lambent.wire.faults import SerializationException, UnknownOperationException

__all__ = [
    "AccessDeniedException",
    "AwsError",
    "InternalFailure",
    "NotImplementedYet",
    "SerializationException",
    "ServiceException",
    "UnknownOperationException",
    "ValidationException",
]


class ValidationException(AwsError, code="ValidationException", status=400):
    """Members break constraints of the model; `Binding.validation_error_code` gives the code a service uses for it."""

    message = "{count} validation error{plural} detected: {violations}"

    def __init__(self, violations: list[str]) -> None:
        count = len(violations)
        super().__init__(count=count, plural="" if count == 1 else "s", violations="; ".join(violations))


class NotImplementedYet(AwsError, code="NotImplemented", status=501):
    """The model has this operation and Lambent does not: said plainly instead of pretended."""

    message = "{service}:{operation} is an AWS operation that Lambent does not implement yet."


class AccessDeniedException(AwsError, code="AccessDeniedException", status=403):
    """The caller is known and may not do this. The body's key is `Message`, as in AWS."""

    message = (
        "User: {caller} is not authorized to perform: {action} on resource: {resource} "
        "because no identity-based policy allows the {action} action"
    )
    message_key = "Message"


class ServiceException(AwsError, code="ServiceException", status=500):
    """A bug of ours, told to a Lambda client; the trace is in the log under the request id."""

    message = "The request processing has failed because of an unknown error, exception or failure."


class InternalFailure(AwsError, code="InternalFailure", status=500):
    """A bug of ours, told to a client of any other service."""

    message = "The request processing has failed because of an unknown error, exception or failure."
