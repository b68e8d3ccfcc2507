"""AWS's protocol conformance cases, which botocore's source distribution has for clients, turned round for a server.

A client's input case says: these params become this request. For us it says: this request is these members. An output
case says: this response becomes this result; for us: this result becomes a response that means the same.
"""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import ResponseParserFactory
from botocore.utils import parse_timestamp

from lambent.model.service import ServiceModel, ShapeModel
from lambent.model.traits import ServiceTraits
from lambent.wire.messages import Request, Response

FOLDER = Path(__file__).parents[2] / ".build" / "botocore-sdist" / "protocols"
PROTOCOLS = ("rest-json", "json", "json_1_0", "json_1_0-query-compatible", "query")


class Case(msgspec.Struct):
    """One case of one suite, with the service it imagines."""

    id: str
    described: dict[str, Any]
    model: ServiceModel
    raw: dict[str, Any]

    @property
    def operation_name(self) -> str:
        return self.raw["given"]["name"]


def cases(direction: str, not_ours: dict[str, str]) -> Iterator[Any]:
    """Every case as a pytest parameter; those that say nothing to a server are skipped with their reason."""
    for protocol in PROTOCOLS:
        file = FOLDER / direction / f"{protocol}.json"
        if not file.exists():
            reason = f"{file} is not there: `make test` fetches botocore's source distribution"
            yield pytest.param(None, id=protocol, marks=pytest.mark.skip(reason=reason))
            continue
        for suite in json.loads(file.read_text()):
            for number, case in enumerate(suite["cases"]):
                name = case.get("id") or f"{suite['description']} {number}"
                reason = not_ours.get(name)
                marks = [pytest.mark.skip(reason=reason)] if reason else []
                yield pytest.param(_case(name, suite, case), id=f"{protocol}:{name}", marks=marks)


def _case(name: str, suite: dict[str, Any], case: dict[str, Any]) -> Case:
    metadata = {"endpointPrefix": "imagined", "apiVersion": "2000-01-01", **suite["metadata"]}
    operation = {"http": {"method": "POST", "requestUri": "/"}, **case["given"]}
    described = {"metadata": metadata, "operations": {operation["name"]: operation}, "shapes": suite["shapes"]}
    return Case(name, described, ServiceModel("imagined", msgspec.convert(described, ServiceTraits)), case)


def request_of(serialized: dict[str, Any]) -> Request:
    """The request that a client would send."""
    path, _, query = serialized.get("uri", "/").partition("?")
    headers = {name.lower(): value for name, value in serialized.get("headers", {}).items()}
    return Request(serialized.get("method", "POST"), path, query, headers, (serialized.get("body") or "").encode())


def members_of(given: Any, shape: ShapeModel | None) -> Any:
    """What the suite writes as JSON, as members are inside: bytes, floats, no nulls in structures."""
    if shape is None or given is None:
        return given
    match shape.type:
        case "structure" if shape.traits.document:
            return given
        case "structure":
            known = shape.members
            return {k: members_of(v, known[k]) for k, v in given.items() if v is not None and k in known}
        case "list":
            return [members_of(item, shape.member) for item in given]
        case "map":
            return {key: members_of(item, shape.value) for key, item in given.items()}
        case "blob":
            return given.encode() if isinstance(given, str) else given
        case "float" | "double" | "timestamp":
            return float(given)
        case _:
            return given


def same(one: Any, other: Any) -> bool:
    """Equal, where a NaN equals a NaN."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def read_by_botocore(case: Case, response: Response) -> dict[str, Any]:
    """What botocore, a real client, makes of a response of ours; without its metadata."""
    model = BotocoreModel({**case.described, "metadata": {**case.described["metadata"], "serviceId": "Imagined"}})
    operation = model.operation_model(case.operation_name)
    parser = ResponseParserFactory()
    parser.set_parser_defaults(timestamp_parser=lambda value: parse_timestamp(value).timestamp(), blob_parser=_text)
    http = {"status_code": response.status, "headers": HeadersDict(dict(response.headers)), "body": response.body}
    read = parser.create_parser(case.model.metadata.protocol).parse(http, operation.output_shape)
    if response.status >= 300 and "Error" in read:
        shape = model.shape_for_error_code(read["Error"]["Code"])
        if shape is not None:
            parsed = parser.create_parser(case.model.metadata.protocol).parse(http, shape)
            read = {**parsed, **read}
    read.pop("ResponseMetadata", None)
    return read


def _text(value: str) -> str:
    return base64.b64decode(value).decode()
