"""Members in HTTP headers: strings, lists by commas, HTTP dates, and JSON text in base64.

`safe` is the defence of every response against header injection: what a function or a caller said may stand in a
header, and never a line break or another control character with it.
"""

import binascii
import re
from collections.abc import Callable
from typing import Any, Final

from lambent.model.service import ShapeModel
from lambent.wire import scalars
from lambent.wire.faults import SerializationException

_ITEM: Final = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*+(?:"|\\?\Z))*+)(?:,|\Z)', re.DOTALL)
"""An item with what ends it; possessive, so that it never looks back."""

_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS: Final = dict.fromkeys((*range(0x20), 0x7F), " ")


def safe(text: str) -> str:
    """The text without control characters."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def header_reader(member: ShapeModel) -> Callable[[str], Any] | None:
    """What reads a header as the member; None: as it is."""
    if member.reference.jsonvalue:
        return _read_json
    if member.type != "list":
        return scalars.reader(member)
    element = scalars.reader(member.member)
    split = _split_dates if member.member.type == "timestamp" else _split
    return lambda text: [item if element is None else element(item) for item in split(text)]


def header_writer(member: ShapeModel) -> Callable[[Any], str] | None:
    """What writes the member as a header; None: it is a string."""
    if member.reference.jsonvalue:
        return lambda value: scalars.write_blob(value.encode())
    if member.type != "list":
        return scalars.writer(member, timestamp_format="rfc822")
    element = scalars.writer(member.member, timestamp_format="rfc822")
    quoted = member.member.type == "string"
    return lambda value: ", ".join(
        _quoted(item) if quoted else str(element(item) if element else item) for item in value
    )


def _read_json(text: str) -> str:
    """The JSON as text: the model says string, and what it means is the operation's affair."""
    try:
        return binascii.a2b_base64(text).decode()
    except ValueError:
        raise SerializationException(reason="A header is not base64") from None


def _split(text: str) -> list[str]:
    """Items between commas, of which those in quotes may hold commas and escaped quotes (RFC 9110, 5.6)."""
    *found, _ = (item[1].strip() for item in _ITEM.finditer(text))  # the last is what is behind the end: nothing
    return [
        _ESCAPED.sub(r"\1", item[1:-1]) if item[:1] == item[-1:] == '"' and len(item) > 1 else item for item in found
    ]


def _split_dates(text: str) -> list[str]:
    """HTTP dates have a comma of their own: "Mon, 16 Dec 2019 23:48:18 GMT, Tue, ..."."""
    parts = [part.strip() for part in text.split(",")]
    if not any(part.endswith("GMT") for part in parts):
        return parts
    return [f"{day}, {rest}" for day, rest in zip(parts[::2], parts[1::2], strict=False)]


def _quoted(text: str) -> str:
    if "," in text or '"' in text:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text
