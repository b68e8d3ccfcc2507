"""Every operation of the services we have, both ways, against botocore's real serializer and parser."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambent.model.service import OperationModel, ServiceModel, ShapeModel, load
from lambent.wire.faults import SerializationException
from lambent.wire.messages import Request, Response
from lambent.wire.protocols import Protocol, protocol
from lambent.wire.routing import Router
from tests.wire.strategies import as_botocore_takes_it, as_it_is_inside, members

SERVICES = ("lambda", "logs", "sts", "iam")
QUICK = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@lru_cache
def botocores(service: str) -> BotocoreModel:
    return BotocoreModel(Loader().load_service_model(service, "service-2"), service)


@lru_cache
def ours(service: str) -> tuple[ServiceModel, Protocol, Router]:
    model = load(service)
    return model, protocol(model), Router(model)


OPERATIONS = [(service, name) for service in SERVICES for name in load(service).operation_names]


def sent_by_botocore(service: str, operation: str, params: dict[str, Any]) -> Request:
    model = botocores(service)
    described = model.operation_model(operation)
    built = create_serializer(model.protocol, include_validation=False).serialize_to_request(params, described)
    prepare_request_dict(built, "http://localhost:4566")
    _, _, tail = built["url"].partition("localhost:4566")
    path, _, query = tail.partition("?")
    headers = {name.lower(): str(value) for name, value in built["headers"].items()}
    body = built["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    if isinstance(body, io.IOBase):
        body = body.read()
    return Request(
        built["method"], path or "/", query, headers, body.encode() if isinstance(body, str) else bytes(body)
    )


def read_by_botocore(service: str, operation: str, response: Response) -> Any:
    model = botocores(service)
    shape = model.operation_model(operation).output_shape
    http = {"status_code": response.status, "headers": HeadersDict(dict(response.headers)), "body": response.body}
    if model.operation_model(operation).has_streaming_output:
        http["body"] = io.BytesIO(response.body)
    return create_parser(model.protocol).parse(http, shape)


def parsed_by_us(service: str, operation: OperationModel, request: Request) -> dict[str, Any]:
    model, codec, router = ours(service)
    labels: Mapping[str, str] = {}
    if model.metadata.protocol == "rest-json":
        found, labels = router.find(request)
        assert found == operation.name
    return codec.parse(operation, request, labels)


def without_empty_payload(value: dict[str, Any], shape: ShapeModel | None) -> dict[str, Any]:
    """A body of no bytes, or `{}`, is how an absent payload looks on the wire too."""
    payload = shape.traits.payload if shape else None
    return {name: item for name, item in value.items() if name != payload or item}


def without_empties(value: Any) -> Any:
    """A form has no way to say that a structure without members is there."""
    if isinstance(value, dict):
        kept = {name: without_empties(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [item for item in map(without_empties, value) if item not in ({}, [])]
    return value


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_what_botocore_sends_is_read_as_what_was_meant(service: str, name: str) -> None:
    model, _, _ = ours(service)
    operation = model.operation(name)

    @QUICK
    @given(members(operation.input))
    def check(params: dict[str, Any]) -> None:
        request = sent_by_botocore(service, name, as_botocore_takes_it(params, operation.input))
        read = parsed_by_us(service, operation, request)
        if model.metadata.protocol == "query":
            assert without_empties(read) == without_empties(params)
        else:
            assert without_empty_payload(read, operation.input) == without_empty_payload(params, operation.input)

    check()


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_what_we_answer_is_read_by_botocore_as_what_was_meant(service: str, name: str) -> None:
    model, codec, _ = ours(service)
    operation = model.operation(name)
    if operation.output is not None and any(m.traits.event_stream for m in operation.output.members.values()):
        pytest.skip("answers with an event stream, which is not written yet")

    @QUICK
    @given(members(operation.output))
    def check(output: dict[str, Any]) -> None:
        read = read_by_botocore(service, name, codec.serialize(operation, output, "an-id"))
        assert read.pop("ResponseMetadata")["RequestId"] == "an-id"
        understood = as_it_is_inside(read, operation.output)
        assert without_empty_payload(understood, operation.output) == without_empty_payload(output, operation.output)

    check()


@given(st.binary(max_size=200))
def test_a_body_of_any_bytes_is_read_or_refused_and_nothing_else(body: bytes) -> None:
    for service, name in (("lambda", "CreateFunction"), ("logs", "PutLogEvents"), ("iam", "CreateRole")):
        model, codec, _ = ours(service)
        try:
            read = codec.parse(model.operation(name), Request("POST", "/", "", {}, body), {})
        except SerializationException:
            continue
        assert isinstance(read, dict)
