"""Members that are one string on the wire: labels, query parameters, headers, form fields, XML text.

A reader turns the text into what the member is inside; None stands for "already that", so that the many plain strings
cost nothing. Readers raise SerializationException; writers trust what operations return.
"""

import binascii
import math
from collections.abc import Callable
from typing import Any, Final

from lambent.model.service import ShapeModel
from lambent.wire import timestamps
from lambent.wire.faults import SerializationException

Read = Callable[[str], Any]
Write = Callable[[Any], str]

_MOST_DIGITS: Final = 20  # int() is slow for long ones, and 64 bits have 19
INTEGER: Final = range(-(2**31), 2**31)
LONG: Final = range(-(2**63), 2**63)


def reader(shape: ShapeModel) -> Read | None:
    """What reads the shape from text; None: text it is."""
    return _READERS.get(shape.type)


def writer(shape: ShapeModel, *, timestamp_format: str) -> Write | None:
    """What writes the shape as text; None: it is text."""
    if shape.type == "timestamp":
        form = shape.timestamp_format or timestamp_format
        return timestamps.writer("unixTimestampText" if form == "unixTimestamp" else form)
    return _WRITERS.get(shape.type)


def _read_boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise _unreadable(text, "Boolean")
    return lowered == "true"


def _integer_reader(allowed: range, name: str) -> Read:
    def read(text: str) -> int:
        try:
            number = int(text) if len(text) <= _MOST_DIGITS and text.lstrip("+-").isdecimal() else None
        except ValueError:
            number = None
        if number is None or number not in allowed:
            raise _unreadable(text, name)
        return number

    return read


def _read_double(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _unreadable(text, "Double") from None


def read_blob(text: str) -> bytes:
    """Base64 to bytes; line breaks inside are forgiven."""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except ValueError:
        pass
    try:
        return binascii.a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True)
    except ValueError:
        raise _unreadable(text, "Blob") from None


def write_blob(value: bytes) -> str:
    """Bytes to base64."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _write_boolean(value: bool) -> str:
    return "true" if value else "false"


def _write_double(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return special_double(value)


def special_double(value: float) -> str:
    """The three doubles that JSON has no number for."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _unreadable(text: str, wanted: str) -> SerializationException:
    return SerializationException(reason=f"{text[:64]!r} can not be converted to {wanted}")


_READERS: Final[dict[str, Read]] = {
    "boolean": _read_boolean,
    "integer": _integer_reader(INTEGER, "Integer"),
    "long": _integer_reader(LONG, "Long"),
    "float": _read_double,
    "double": _read_double,
    "timestamp": timestamps.read,
    "blob": read_blob,
}
_WRITERS: Final[dict[str, Write]] = {
    "boolean": _write_boolean,
    "integer": str,
    "long": str,
    "float": _write_double,
    "double": _write_double,
    "blob": write_blob,
}
