"""Members in JSON, for the three protocols that speak it: what reads each shape and what writes it, as closures.

Reading checks types, because nobody does after it: a number where the model has a string is SerializationException, in
the words of AWS's parser as far as they are recorded. Members that the model does not know, and nulls in structures,
are left out. None in place of a closure means "nothing to do": most strings, numbers and maps of them pass as they are.

Depth is bounded by the JSON decoder and by Python's own recursion limit; both end in SerializationException.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from lambent.model.service import ShapeModel
from lambent.wire import malformed_json, timestamps
from lambent.wire.faults import SerializationException
from lambent.wire.large_json import LargeText, read_large_blob
from lambent.wire.scalars import INTEGER, LONG, read_blob, special_double, write_blob

Convert = Callable[[Any], Any]

_KINDS: Final[Mapping[type, str]] = {int: "NUMBER", float: "DECIMAL", str: "STRING"}
TOO_DEEP: Final = "The request is nested too deeply"
_DECODER: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()


def decode(body: bytes) -> Any:
    """The body as Python values; an empty one is an empty object. Raises SerializationException."""
    if not body:
        return {}
    try:
        return _DECODER.decode(body)
    except RecursionError:
        raise SerializationException(reason=TOO_DEEP) from None
    except (msgspec.DecodeError, ValueError) as problem:
        why = malformed_json.reason(body, str(problem))
        raise SerializationException(reason=f"Could not parse request body into json: {why}") from None


def encode(value: Any) -> bytes:
    """JSON without spaces."""
    return _ENCODER.encode(value)


class JsonCodec:
    """Compiles shapes of one service; shapes that hold themselves are compiled once."""

    def __init__(self) -> None:
        self._readers: dict[str, Convert] = {}
        self._writers: dict[str, Convert] = {}

    def reader(self, shape: ShapeModel) -> Convert:
        """What makes the member's value of a decoded JSON value that is not null."""
        match shape.type:
            case "structure":
                return _read_anything if shape.traits.document else self._structure_reader(shape)
            case "list":
                return _list_reader(self.reader(shape.member))
            case "map":
                return _map_reader(self.reader(shape.value))
            case scalar:
                return _READERS[scalar]

    def writer(self, shape: ShapeModel) -> Convert | None:
        """What makes a value to encode of the member's value; None: it can be encoded as it is."""
        match shape.type:
            case "structure":
                return None if shape.traits.document else self._structure_writer(shape)
            case "list":
                return _list_writer(self.writer(shape.member))
            case "map":
                return _map_writer(self.writer(shape.value))
            case "timestamp":
                return timestamps.writer(shape.timestamp_format or "unixTimestamp")
            case scalar:
                return _WRITERS.get(scalar)

    def members_reader(self, members: dict[str, ShapeModel]) -> Convert:
        """Reads some members of a structure out of a JSON object, by their names there."""
        return _object_reader(members, self)

    def members_writer(self, members: dict[str, ShapeModel]) -> Convert:
        """Writes some members of a structure, and drops all others."""
        return _object_writer(members, self)

    def _structure_reader(self, shape: ShapeModel) -> Convert:
        if shape.name not in self._readers:
            self._readers[shape.name] = lambda value: self._readers[shape.name](value)  # noqa: PLW0108  # not there yet
            self._readers[shape.name] = self.members_reader(shape.members)
        return self._readers[shape.name]

    def _structure_writer(self, shape: ShapeModel) -> Convert:
        if shape.name not in self._writers:
            self._writers[shape.name] = lambda value: self._writers[shape.name](value)  # noqa: PLW0108  # not there yet
            self._writers[shape.name] = self.members_writer(shape.members)
        return self._writers[shape.name]


def _object_reader(members: dict[str, ShapeModel], codec: JsonCodec) -> Convert:
    known = {member.location_name or name: (name, codec.reader(member)) for name, member in members.items()}
    find = known.get

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise SerializationException(reason="Unexpected value type in payload")
        found: dict[str, Any] = {}
        for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            if item is not None and (member := find(key)) is not None:  # pyright: ignore[reportUnknownArgumentType]
                found[member[0]] = member[1](item)
        return found

    return read


def _object_writer(members: dict[str, ShapeModel], codec: JsonCodec) -> Convert:
    known = {name: (member.location_name or name, codec.writer(member)) for name, member in members.items()}
    find = known.get

    def write(value: dict[str, Any]) -> dict[str, Any]:
        written: dict[str, Any] = {}
        for name, item in value.items():
            if item is not None and (member := find(name)) is not None:
                key, convert = member
                written[key] = item if convert is None else convert(item)
        return written

    return write


def _list_reader(element: Convert) -> Convert:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise SerializationException(reason="Expected list or null")
        return [None if item is None else element(item) for item in value]  # pyright: ignore[reportUnknownVariableType]

    return read


def _map_reader(element: Convert) -> Convert:
    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise SerializationException(reason="Expected map or null")
        return {key: None if item is None else element(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]

    return read


def _list_writer(element: Convert | None) -> Convert | None:
    if element is None:
        return None
    return lambda value: [None if item is None else element(item) for item in value]


def _map_writer(element: Convert | None) -> Convert | None:
    if element is None:
        return None
    return lambda value: {key: None if item is None else element(item) for key, item in value.items()}


def _mistyped(value: object, wanted: str) -> SerializationException:
    kind = str(value).upper() if isinstance(value, bool) else _KINDS.get(type(value))
    if kind is None:
        return SerializationException(reason="Start of structure or map found where not expected.")
    return SerializationException(reason=f"{kind}_VALUE can not be converted to {wanted}")


def _read_string(value: Any) -> str:
    if type(value) is not str:
        if type(value) is LargeText:
            return value.text()
        raise _mistyped(value, "String")
    return value


def _integer_reader(allowed: range, name: str) -> Convert:
    def read(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or value not in allowed:
            raise _mistyped(value, name)
        return value

    return read


def _read_double(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    raise _mistyped(value, "Double")


def _read_boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise _mistyped(value, "Boolean")
    return value


def _read_blob(value: Any) -> bytes:
    if type(value) is not str:
        if type(value) is LargeText:
            return read_large_blob(value)
        raise _mistyped(value, "Blob")
    return read_blob(value)


def _read_anything(value: Any) -> Any:
    return value


def _write_double(value: float) -> float | str:
    return value if math.isfinite(value) else special_double(value)


_READERS: Final[dict[str, Convert]] = {
    "string": _read_string,
    "character": _read_string,
    "integer": _integer_reader(INTEGER, "Integer"),
    "long": _integer_reader(LONG, "Long"),
    "float": _read_double,
    "double": _read_double,
    "boolean": _read_boolean,
    "blob": _read_blob,
    "timestamp": timestamps.read,
}
_WRITERS: Final[dict[str, Convert]] = {"float": _write_double, "double": _write_double, "blob": write_blob}
