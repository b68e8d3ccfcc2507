"""rest-json: method, path, query string, headers and a body that is JSON, or a member as it is.

Each operation is compiled once into two closures: from a request to members, and from members to a response. Names of
headers are compared in lower case; those of query parameters exactly.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from lambent.model.errors import AwsError
from lambent.model.service import OperationModel, ServiceModel, ShapeModel
from lambent.wire import scalars
from lambent.wire.faces import face
from lambent.wire.faults import SerializationException
from lambent.wire.headers import header_reader, header_writer, safe
from lambent.wire.json_body import TOO_DEEP, Convert, JsonCodec, decode, encode
from lambent.wire.large_json import LARGE_BODY_BYTES, decode_large
from lambent.wire.messages import Request, Response

Parse = Callable[[Request, Mapping[str, str]], dict[str, Any]]
Serialize = Callable[[dict[str, Any], str], Response]
_Fill = Callable[[Request, dict[str, Any]], None]

_JSON: Final = ("Content-Type", "application/json")
_BYTES: Final = ("Content-Type", "application/octet-stream")
_TEXT: Final = ("Content-Type", "text/plain")
_SAYS_JSON: Final = frozenset({("lambda", "Invoke")})
"""Operations whose body is bytes, of which AWS says that they are JSON all the same."""


class RestJson:
    """The protocol, for one service."""

    def __init__(self) -> None:
        self._json = JsonCodec()
        self._parsers: dict[str, Parse] = {}
        self._serializers: dict[str, Serialize] = {}

    def parse(self, operation: OperationModel, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:
        """The members of a request. Raises SerializationException."""
        parser = self._parsers.get(operation.name)
        if parser is None:
            parser = self._parsers[operation.name] = _parser(operation, self._json)
        try:
            return parser(request, labels)
        except RecursionError:
            raise SerializationException(reason=TOO_DEEP) from None

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        """The response with these members."""
        serializer = self._serializers.get(operation.name)
        if serializer is None:
            serializer = self._serializers[operation.name] = _serializer(operation, self._json)
        return serializer(output, request_id)

    def serialize_error(self, service: ServiceModel, error: AwsError, request_id: str) -> Response:
        """The response for a call that failed."""
        shown = face(service, error)
        headers = [_JSON, ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", shown.code)]
        body: dict[str, Any] = {}
        for name, value in shown.members.items():
            member = shown.shape.members[name] if shown.shape else None
            if member is not None and member.location == "header":
                headers.append((member.location_name or name, safe(str(value))))
            else:
                body[(member and member.location_name) or name] = value
        body[shown.message_key] = shown.message
        return Response(shown.status, headers, encode(body))


def _located(shape: ShapeModel | None) -> dict[str | None, dict[str, ShapeModel]]:
    """Members by where they stand."""
    found: dict[str | None, dict[str, ShapeModel]] = {}
    for name, member in (shape.members if shape else {}).items():
        found.setdefault(member.location, {})[name] = member
    return found


def _parser(operation: OperationModel, codec: JsonCodec) -> Parse:
    shape = operation.input
    members = _located(shape)
    labels = [
        (member.location_name or name, name, scalars.reader(member)) for name, member in members.get("uri", {}).items()
    ]
    fills: list[_Fill] = []
    if "querystring" in members:
        fills.append(_query_reader(members["querystring"]))
    if "header" in members:
        fills.append(_headers_reader(members["header"]))
    fills += [_prefix_reader(name, member) for name, member in members.get("headers", {}).items()]
    body = _body_reader(shape, members.get(None, {}), codec)
    if body is not None:
        fills.append(body)

    def parse(request: Request, values: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for label, name, convert in labels:
            text = values[label]
            found[name] = text if convert is None else convert(text)
        for fill in fills:
            fill(request, found)
        return found

    return parse


def _body_reader(shape: ShapeModel | None, members: dict[str, ShapeModel], codec: JsonCodec) -> _Fill | None:
    payload = shape.payload if shape else None
    if shape is None or (payload is None and not members):
        return None
    if payload is None:
        read = codec.members_reader(members)

        def whole(request: Request, found: dict[str, Any]) -> None:
            large = len(request.body) > LARGE_BODY_BYTES
            found.update(read(decode_large(request.body) if large else decode(request.body)))

        return whole
    name = shape.traits.payload or ""
    convert = _payload_reader(payload, codec)
    always = payload.type == "blob" and name in shape.required

    def one(request: Request, found: dict[str, Any]) -> None:
        if request.body or always:
            found[name] = convert(request.body)

    return one


def _payload_reader(payload: ShapeModel, codec: JsonCodec) -> Callable[[bytes], Any]:
    if payload.type == "blob":
        return bytes
    if payload.type == "string":
        return _utf8
    read = codec.reader(payload)
    return lambda body: read(decode(body))


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SerializationException(reason="The body is not UTF-8") from None


def _query_reader(members: dict[str, ShapeModel]) -> _Fill:
    named: dict[str, tuple[str, bool, scalars.Read | None]] = {}
    rest: tuple[str, bool] | None = None
    for name, member in members.items():
        if member.type == "map":
            rest = (name, member.value.type == "list")
        else:
            element = member.member if member.type == "list" else member
            named[member.location_name or name] = (name, member.type == "list", scalars.reader(element))

    def fill(request: Request, found: dict[str, Any]) -> None:
        if not request.query:
            return
        for key, text in parse_qsl(request.query, keep_blank_values=True):
            known = named.get(key)
            if known is not None:
                name, many, convert = known
                value = text if convert is None else convert(text)
                if many:
                    found.setdefault(name, []).append(value)
                else:
                    found[name] = value
            if rest is not None:  # it takes all parameters, also those that have a member of their own
                name, many = rest
                if many:
                    found.setdefault(name, {}).setdefault(key, []).append(text)
                else:
                    found.setdefault(name, {})[key] = text

    return fill


def _headers_reader(members: dict[str, ShapeModel]) -> _Fill:
    known = [((member.location_name or name).lower(), name, header_reader(member)) for name, member in members.items()]

    def fill(request: Request, found: dict[str, Any]) -> None:
        headers = request.headers
        for header, name, convert in known:
            text = headers.get(header)
            if text is not None:
                found[name] = text if convert is None else convert(text)

    return fill


def _prefix_reader(name: str, member: ShapeModel) -> _Fill:
    prefix = (member.location_name or "").lower()

    def fill(request: Request, found: dict[str, Any]) -> None:
        values = {key[len(prefix) :]: text for key, text in request.headers.items() if key.startswith(prefix)}
        if values:
            found[name] = values

    return fill


def _serializer(operation: OperationModel, codec: JsonCodec) -> Serialize:
    shape = operation.output
    members = _located(shape)
    headers = [
        (name, member.location_name or name, header_writer(member))
        for name, member in members.get("header", {}).items()
    ]
    prefixes = [(name, member.location_name or "") for name, member in members.get("headers", {}).items()]
    status_member = next(iter(members.get("statusCode", {})), None)
    body = _body_writer(operation, shape, members.get(None, {}), codec)

    def serialize(output: dict[str, Any], request_id: str) -> Response:
        content_type, content = body(output)
        written = [("x-amzn-RequestId", request_id)]
        if content_type is not None:
            written.append(content_type)
        for name, header, convert in headers:
            value = output.get(name)
            if value is not None:
                written.append((header, safe(value if convert is None else convert(value))))
        for name, prefix in prefixes:
            values: dict[str, str] = output.get(name) or {}
            written += [(prefix + key, safe(text)) for key, text in values.items()]
        status = operation.status if status_member is None else output.get(status_member) or operation.status
        return Response(status, written, content if status != 204 else b"")

    return serialize


def _body_writer(
    operation: OperationModel, shape: ShapeModel | None, members: dict[str, ShapeModel], codec: JsonCodec
) -> Callable[[dict[str, Any]], tuple[tuple[str, str] | None, bytes]]:
    payload = shape.payload if shape else None
    if shape is None or (operation.status == 204 and not members):
        return lambda _: (None, b"")
    if payload is None:
        whole = codec.members_writer(members)
        return lambda output: (_JSON, encode(whole(output)))
    name = shape.traits.payload or ""
    content_type, convert = _payload_writer(operation, payload, codec)

    def one(output: dict[str, Any]) -> tuple[tuple[str, str] | None, bytes]:
        value = output.get(name)
        return content_type, b"" if value is None else convert(value)

    return one


def _payload_writer(
    operation: OperationModel, payload: ShapeModel, codec: JsonCodec
) -> tuple[tuple[str, str], Callable[[Any], bytes]]:
    if payload.type == "blob":
        says_json = (operation.service.name, operation.name) in _SAYS_JSON
        return _JSON if says_json else _BYTES, bytes
    if payload.type == "string":
        return _TEXT, str.encode
    convert: Convert | None = codec.writer(payload)
    return _JSON, encode if convert is None else lambda value: encode(convert(value))
