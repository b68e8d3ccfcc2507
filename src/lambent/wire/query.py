"""The query protocol: a form in, `Action` among its fields; XML out.

Nested members are dotted names: `Tags.member.1.Key`. The form is turned into a tree first and read along the shape, so
that fields the model does not know cost nothing further and no name can reach deeper than the shape does. Numbers in
names say the order of a list and nothing else: a billion is as good as two.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from lambent.model.errors import AwsError
from lambent.model.service import OperationModel, ServiceModel, ShapeModel
from lambent.wire import scalars
from lambent.wire.faces import face
from lambent.wire.faults import SerializationException
from lambent.wire.messages import Request, Response
from lambent.wire.xml import XmlCodec, escaped

_Tree = dict[str, Any]  # part of a name -> tree; "" -> the text at this name
_Read = Callable[[_Tree], Any]

_TEXT: Final = ""
_MOST_FIELDS: Final = 20_000
_DEEPEST: Final = 64
_CONTENT_TYPE: Final = ("Content-Type", "text/xml")


class Query:
    """The protocol, for one service."""

    def __init__(self, model: ServiceModel) -> None:
        namespace = model.xml_namespace
        self._namespace = f' xmlns="{escaped(namespace.uri)}"' if namespace else ""
        self._readers: dict[str, _Read] = {}
        self._structures: dict[str, _Read] = {}
        self._writers: dict[str, Callable[[dict[str, Any], list[str]], None]] = {}
        self._xml = XmlCodec()

    def parse(self, operation: OperationModel, request: Request, labels: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG002
        """The members of a request; there are no labels. Raises SerializationException."""
        if operation.input is None:
            return {}
        reader = self._readers.get(operation.name)
        if reader is None:
            reader = self._readers[operation.name] = self._members(operation.input)
        return reader(_tree(request))

    def serialize(self, operation: OperationModel, output: dict[str, Any], request_id: str) -> Response:
        """The response with these members."""
        name, shape = operation.name, operation.output
        parts = [f"<{name}Response{self._namespace}>"]
        if shape is not None:
            wrapper = shape.reference.result_wrapper
            parts.append(f"<{wrapper}>" if wrapper else "")
            writer = self._writers.get(name)
            if writer is None:
                writer = self._writers[name] = self._xml.members_writer(shape.members)
            writer(output, parts)
            parts.append(f"</{wrapper}>" if wrapper else "")
        parts.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        return _response(operation.status, parts, request_id)

    def serialize_error(self, service: ServiceModel, error: AwsError, request_id: str) -> Response:
        """The response for a call that failed."""
        shown = face(service, error)
        fault = "Sender" if shown.senders_fault else "Receiver"
        parts = [
            f"<ErrorResponse{self._namespace}><Error><Type>{fault}</Type><Code>{escaped(shown.code)}</Code>",
            f"<Message>{escaped(shown.message or '')}</Message>",
        ]
        if shown.shape is not None and shown.members:
            members = {name: value for name, value in shown.members.items() if name != "Type"}
            self._xml.members_writer(shown.shape.members)(members, parts)
        parts.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        return _response(shown.status, parts, request_id)

    def _members(self, shape: ShapeModel) -> _Read:
        known = [(member.location_name or name, name, member) for name, member in shape.members.items()]
        readers = [(key, name, self._reader(member)) for key, name, member in known]

        def read(tree: _Tree) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for key, name, convert in readers:
                below = tree.get(key)
                if below is not None:
                    found[name] = convert(below)
            return found

        return read

    def _reader(self, shape: ShapeModel) -> _Read:
        match shape.type:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return _scalar(shape)

    def _structure(self, shape: ShapeModel) -> _Read:
        if shape.name not in self._structures:
            self._structures[shape.name] = lambda tree: self._structures[shape.name](tree)  # noqa: PLW0108  # not there yet
            self._structures[shape.name] = self._members(shape)
        return self._structures[shape.name]

    def _list(self, shape: ShapeModel) -> _Read:
        element = self._reader(shape.member)
        inside = None if shape.flattened else shape.member.location_name or "member"

        def read(tree: _Tree) -> list[Any]:
            items = tree if inside is None else tree.get(inside, {})
            return [element(item) for item in _in_order(items)]

        return read

    def _map(self, shape: ShapeModel) -> _Read:
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        value = self._reader(shape.value)
        flattened = shape.flattened

        def read(tree: _Tree) -> dict[str, Any]:
            items = tree if flattened else tree.get("entry", {})
            entries = [item for item in _in_order(items) if key_name in item]
            return {_text(item[key_name]): value(item.get(value_name, {_TEXT: ""})) for item in entries}

        return read


def _tree(request: Request) -> _Tree:
    """The form, and what the URL has of it, as a tree of names."""
    try:
        text = request.body.decode()
        fields = parse_qsl(
            f"{request.query}&{text}" if request.query and text else text or request.query,
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise SerializationException(reason="The form is malformed or has too many fields") from None
    root: _Tree = {}
    for name, value in fields:
        node = root
        for part in name.split(".", _DEEPEST):
            node = node.setdefault(part or "_", {})
        node[_TEXT] = value
    return root


def _in_order(items: _Tree) -> list[_Tree]:
    numbered = sorted((int(key), key) for key in items if key.isdecimal() and len(key) < 10)
    return [items[key] for _, key in numbered]


def _text(tree: _Tree) -> str:
    return tree.get(_TEXT, "")


def _scalar(shape: ShapeModel) -> _Read:
    convert = scalars.reader(shape)
    if convert is None:
        return _text
    return lambda tree: convert(_text(tree))


def _response(status: int, parts: list[str], request_id: str) -> Response:
    return Response(status, [("x-amzn-RequestId", request_id), _CONTENT_TYPE], "".join(parts).encode())
