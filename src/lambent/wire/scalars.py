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

_INTEGER_DIGITS: Final = 40  # more digits than any integer of AWS has; int() is slow for long ones


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


def _read_integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS:
        raise _unreadable(text, "Integer")
    try:
        return int(text)
    except ValueError:
        raise _unreadable(text, "Integer") from None


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
    "integer": _read_integer,
    "long": _read_integer,
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
