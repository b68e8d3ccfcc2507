"""Lists of versions, a page at a time.

A marker names the last version of the page before, so that a page goes on in the same place whatever was created or
deleted between two calls. It is opaque to callers, and one that we did not make is refused.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from lambent.lambda_.errors import MarkerInvalid
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.limits import PAGE_MAX

Place = tuple[str, int]  # name and version number, 0 for $LATEST: the order of every list


class Page(msgspec.Struct, frozen=True):
    """Some versions, and the marker of the next page if there is one."""

    items: Sequence[FunctionVersion]
    next_marker: str | None


def paged(versions: Sequence[FunctionVersion], marker: str | None, max_items: int | None) -> Page:
    """The page after `marker` of `versions`, which are in order. Raises MarkerInvalid."""
    start = 0 if not marker else bisect_right(versions, _place_marked(marker), key=_place)
    size = min(max_items or PAGE_MAX, PAGE_MAX)
    items = versions[start : start + size]
    more = start + size < len(versions)
    return Page(items, _marker(items[-1]) if more else None)


def _place(version: FunctionVersion) -> Place:
    number = version.arn.qualifier or ""
    return version.arn.name, int(number) if number.isdecimal() else 0


def _marker(version: FunctionVersion) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_place(version))).decode()


def _place_marked(marker: str) -> Place:
    try:
        return msgspec.json.decode(base64.b64decode(marker, altchars=b"-_", validate=True), type=Place)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise MarkerInvalid from None
