"""What every protocol can do, and which one a service speaks."""

import typing
from collections.abc import Mapping
from typing import Any

from lambent.model.errors import AwsError
from lambent.model.service import OperationModel, ServiceModel
from lambent.wire.json_rpc import JsonRpc
from lambent.wire.messages import Request, Response
from lambent.wire.query import Query
from lambent.wire.rest_json import RestJson


class Protocol(typing.Protocol):
    """Reads requests and writes responses of one service; compiles an operation when it is first asked for."""

    def parse(self, operation: OperationModel, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        """The members of a request by the model's names. Raises SerializationException."""
        ...

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        """The response with these members."""
        ...

    def serialize_error(self, service: ServiceModel, error: AwsError, request_id: str) -> Response:
        """The response for a call that failed."""
        ...


class UnspokenProtocol(LookupError):
    """The service speaks only protocols that are not written here yet."""


def protocol(model: ServiceModel) -> Protocol:
    """The protocol that the service prefers and that is spoken here. Raises UnspokenProtocol."""
    for name in (model.metadata.protocol, *model.protocols):
        match name:
            case "rest-json":
                return RestJson()
            case "json":
                return JsonRpc(model)
            case "query":
                return Query(model)
            case _:
                continue
    raise UnspokenProtocol(f"{model.name} speaks {', '.join(model.protocols)}")
