"""Paging as IAM does it: `Marker` in, `IsTruncated` and `Marker` out; the marker is the last name given, sealed from
sight.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from lambent.services.iam.errors import InvalidMarker

T = TypeVar("T")


def name_before(marker: str | None) -> str:
    """Return the name behind which the page begins; "" for the first page. Raises InvalidMarker."""
    if marker is None:
        return ""
    try:
        return base64.urlsafe_b64decode(marker.encode("ascii")).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidMarker from None


def paged(found: Sequence[T], size: int, name: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Cut what was found (one more than the page holds, if there is more) to the page and the marker of the next."""
    page = list(found[:size])
    if len(found) <= size:
        return page, None
    return page, base64.urlsafe_b64encode(name(page[-1]).encode()).decode()


def page_of(names: Sequence[T], marker: str | None, size: int, name: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Page over a short list that is all there, sorted by `name`."""
    after = name_before(marker)
    return paged([each for each in names if name(each) > after], size, name)
