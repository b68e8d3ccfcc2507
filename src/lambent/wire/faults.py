"""What is wrong with a request before anyone asks what it means.

These errors are common to every service and stand in no model. The texts are AWS's where they are known
(reference/lambda.md 1.6, marked unverified there).
"""

from lambent.model.errors import AwsError


class SerializationException(AwsError, code="SerializationException", status=400):
    """The body, a header or the URI cannot be read as what the model says it is."""

    message = "{reason}"


class UnknownOperationException(AwsError, code="UnknownOperationException", status=404):
    """The request names no operation of the service."""

    message = "The requested operation is not recognized by the service."
