"""awsJson 1.0 and 1.1: everything is a POST of a JSON object to `/`, and `X-Amz-Target` names the operation.

An error's `__type` may carry a namespace. Modelled errors have their service's, where it is known to have one; errors
that come from the protocol itself have Coral's, AWS's own framework. A service that was a query service once also sends
`x-amzn-query-error`, so that old clients find the old code.
"""

from collections.abc import Mapping
from typing import Any, Final

from lambent.model.errors import AwsError
from lambent.model.service import OperationModel, ServiceModel
from lambent.wire.faces import face
from lambent.wire.faults import SerializationException
from lambent.wire.json_body import TOO_DEEP, Convert, JsonCodec, decode, encode
from lambent.wire.messages import Request, Response

CORAL: Final = "com.amazon.coral.service"
_CORAL_ERRORS: Final = frozenset(
    {"SerializationException", "UnknownOperationException", "InternalFailure", "AccessDeniedException"}
)
_NAMESPACES: Final[Mapping[str, str]] = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810",
    "sqs": "com.amazonaws.sqs",
}


class JsonRpc:
    """The protocol, for one service."""

    def __init__(self, model: ServiceModel) -> None:
        self._content_type = ("Content-Type", f"application/x-amz-json-{model.metadata.json_version}")
        self._json = JsonCodec()
        self._readers: dict[str, Convert] = {}
        self._writers: dict[str, Convert] = {}

    def parse(self, operation: OperationModel, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        """The members of a request; there are no labels. Raises SerializationException."""
        reader = self._readers.get(operation.name)
        if reader is None:
            members = operation.input.members if operation.input else {}
            reader = self._readers[operation.name] = self._json.members_reader(members)
        try:
            return reader(decode(request.body))
        except RecursionError:
            raise SerializationException(reason=TOO_DEEP) from None

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        """The response with these members."""
        headers = [("x-amzn-RequestId", request_id), self._content_type]
        if operation.output is None:
            return Response(operation.status, headers, b"")
        writer = self._writers.get(operation.name)
        if writer is None:
            writer = self._writers[operation.name] = self._json.members_writer(operation.output.members)
        return Response(operation.status, headers, encode(writer(output)))

    def serialize_error(self, service: ServiceModel, error: AwsError, request_id: str) -> Response:
        """The response for a call that failed."""
        shown = face(service, error)
        headers = [("x-amzn-RequestId", request_id), self._content_type]
        if service.metadata.aws_query_compatible is not None:
            headers.append(("x-amzn-query-error", f"{shown.code};{'Sender' if shown.senders_fault else 'Receiver'}"))
        namespace = CORAL if shown.shape is None and shown.name in _CORAL_ERRORS else _NAMESPACES.get(service.name)
        kind = f"{namespace}#{shown.name}" if namespace else shown.name
        body = {"__type": kind, **shown.members, shown.message_key: shown.message}
        return Response(shown.status, headers, encode(body))
