"""Lists of versions, a page at a time, in the order of names and then of numbers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from lambent.core.paging import InvalidMarker, Page, key_of, page
from lambent.lambda_.errors import MarkerInvalid
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.limits import PAGE_MAX


def paged(
    versions: Sequence[FunctionVersion], *, scope: str, marker: str | None, max_items: int | None
) -> Page[FunctionVersion]:
    """The page after `marker` of `versions`, which are in order; `scope` names the list. Raises MarkerInvalid."""
    try:
        start = bisect_right(versions, key_of(scope, marker), key=_key) if marker else 0
    except InvalidMarker:
        raise MarkerInvalid from None
    return page(versions[start:], size=min(max_items or PAGE_MAX, PAGE_MAX), scope=scope, key=_key)


def _key(version: FunctionVersion) -> str:
    """A text that sorts as the lists are sorted: no name has a character below "-", and $LATEST is number 0."""
    number = version.version
    return f"{version.arn.name} {int(number) if number.isdecimal() else 0:012d}"
