"""Points in time on the wire: seconds since 1970 as a number, ISO 8601, or the date of an HTTP header.

Inside, a timestamp is a float of seconds since 1970. Which form stands where is the model's affair, and else the
protocol's: headers carry rfc822, query strings and XML iso8601, JSON unixTimestamp. A reader takes the other forms too.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

from lambent.wire.faults import SerializationException

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = 253_402_300_800.0  # the year 10000
_EARLIEST: Final = -62_135_596_800.0  # the year 1


def read(value: Any) -> float:
    """Raises SerializationException for what is no point in time."""
    try:
        seconds = _read_text(value) if type(value) is str else float(value) if type(value) in (int, float) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if not _EARLIEST <= seconds < _LATEST:  # nor is a NaN
        raise SerializationException(reason=f"{str(value)[:64]} is not a timestamp")
    return seconds


def _read_text(text: str) -> float:
    if text[:1].isdigit() or text[:1] == "-":
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        return float(text)
    head, separator, fraction = text.partition(".")  # Tue, 29 Apr 2014 18:30:38.123 GMT
    digits = fraction.partition(" ")[0] if separator else ""
    moment = parsedate_to_datetime(f"{head} GMT" if digits else text)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds + float(f"0.{digits}") if digits else seconds


def writer(form: str) -> Callable[[float], Any]:
    """What writes a timestamp in one of the model's three forms."""
    return _WRITERS[form]


def _unix(seconds: float) -> int | float:
    """Whole seconds without a fraction, else milliseconds: what AWS sends."""
    rounded = round(seconds, 3)
    return int(rounded) if rounded.is_integer() else rounded


def _unix_text(seconds: float) -> str:
    return str(_unix(seconds))


def _iso8601(seconds: float) -> str:
    moment = _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _rfc822(seconds: float) -> str:
    return format_datetime(_EPOCH + timedelta(seconds=int(seconds)), usegmt=True)


_WRITERS: Final[dict[str, Callable[[float], Any]]] = {
    "unixTimestamp": _unix,
    "unixTimestampText": _unix_text,
    "iso8601": _iso8601,
    "rfc822": _rfc822,
}
