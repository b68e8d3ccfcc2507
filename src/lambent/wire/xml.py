"""Members as XML text, for the query protocol: one closure per shape that appends to a list of strings.

Text is escaped, and what XML 1.0 cannot hold (most control characters, lone surrogates) becomes a question mark,
because a client could not read the document at all otherwise.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from lambent.model.service import ShapeModel
from lambent.wire import scalars

Append = Callable[[str, Any, list[str]], None]
"""Appends the value under an element's name."""

_SPECIAL: Final = re.compile(
    '[\x00-\x1f"&<>]|[\ud800-\udfff\ufffe\uffff]'
)  # in one bracket they would take 4 ms to compile
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#xD;", "\n": "&#xA;", "\t": "&#x9;"}


def escaped(text: str) -> str:
    """The text as it can stand in an element or an attribute: XML 1.0 has no form for most of what is replaced."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], "?"), text)


class XmlCodec:
    """Compiles output shapes of one service."""

    def __init__(self) -> None:
        self._structures: dict[str, Append] = {}

    def writer(self, shape: ShapeModel) -> Append:
        """What appends a value of the shape."""
        match shape.type:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case _:
                return _scalar(shape)

    def members_writer(self, members: dict[str, ShapeModel]) -> Callable[[dict[str, Any], list[str]], None]:
        """Appends members of a structure, in the order of the output."""
        known = {name: (member.location_name or name, self.writer(member)) for name, member in members.items()}

        def append(value: dict[str, Any], parts: list[str]) -> None:
            for name, item in value.items():
                if item is not None and (member := known.get(name)) is not None:
                    member[1](member[0], item, parts)

        return append

    def _structure(self, shape: ShapeModel) -> Append:
        if shape.name in self._structures:

            def again(name: str, value: Any, parts: list[str]) -> None:
                self._structures[shape.name](name, value, parts)

            return again
        self._structures[shape.name] = _unfinished
        attributes = [
            (name, member.location_name or name, scalars.writer(member, timestamp_format="iso8601"))
            for name, member in shape.members.items()
            if member.reference.xml_attribute
        ]
        elements = {name: member for name, member in shape.members.items() if not member.reference.xml_attribute}
        inside = self.members_writer(elements)
        namespace = shape.xml_namespace
        prefix = f":{namespace.prefix}" if namespace and namespace.prefix else ""
        declared = f' xmlns{prefix}="{escaped(namespace.uri)}"' if namespace else ""

        def append(name: str, value: Any, parts: list[str]) -> None:
            parts.append(f"<{name}{declared}")
            for member, attribute, convert in attributes:
                item = value.get(member)
                if item is not None:
                    parts.append(f' {attribute}="{escaped(item if convert is None else convert(item))}"')
            parts.append(">")
            inside(value, parts)
            parts.append(f"</{name}>")

        self._structures[shape.name] = append
        return append

    def _list(self, shape: ShapeModel) -> Append:
        element = self.writer(shape.member)
        given = shape.member.location_name
        if shape.flattened:

            def flat(name: str, value: Any, parts: list[str]) -> None:
                for item in value:
                    element(given or name, item, parts)

            return flat

        def wrapped(name: str, value: Any, parts: list[str]) -> None:
            parts.append(f"<{name}>")
            for item in value:
                element(given or "member", item, parts)
            parts.append(f"</{name}>")

        return wrapped

    def _map(self, shape: ShapeModel) -> Append:
        key_name = shape.key.location_name or "key"
        value_name = shape.value.location_name or "value"
        element = self.writer(shape.value)

        def entries(name: str, value: Any, parts: list[str]) -> None:
            for key, item in value.items():
                parts.append(f"<{name}><{key_name}>{escaped(key)}</{key_name}>")
                element(value_name, item, parts)
                parts.append(f"</{name}>")

        def wrapped(name: str, value: Any, parts: list[str]) -> None:
            parts.append(f"<{name}>")
            entries("entry", value, parts)
            parts.append(f"</{name}>")

        return entries if shape.flattened else wrapped


def _scalar(shape: ShapeModel) -> Append:
    convert = scalars.writer(shape, timestamp_format="iso8601")
    if convert is None:

        def text(name: str, value: Any, parts: list[str]) -> None:
            parts.append(f"<{name}>{escaped(value)}</{name}>")

        return text

    def converted(name: str, value: Any, parts: list[str]) -> None:
        parts.append(f"<{name}>{convert(value)}</{name}>")

    return converted


def _unfinished(name: str, _value: Any, _parts: list[str]) -> None:
    raise AssertionError(f"{name} is written before it is compiled")
