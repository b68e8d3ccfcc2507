"""Lists, a page at a time, in the order of a key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from lambent.core.paging import InvalidMarker, Page, key_of, page
from lambent.lambda_.errors import MarkerInvalid
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.limits import PAGE_MAX

T = TypeVar("T")


def paged(
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    scope: str,
    marker: str | None,
    max_items: int | None,
    page_max: int = PAGE_MAX,
) -> Page[T]:
    """The page after `marker` of `items`, which stand in the order of `key`; `scope` names the list.

    A page has at most `page_max` items, whatever is asked for. Raises MarkerInvalid.
    """
    try:
        start = bisect_right(items, key_of(scope, marker), key=key) if marker else 0
    except InvalidMarker:
        raise MarkerInvalid from None
    return page(items[start : start + page_max + 1], size=min(max_items or page_max, page_max), scope=scope, key=key)


def place(version: FunctionVersion) -> str:
    """A key that sorts as lists of versions do: by name, which has no character below "-", then $LATEST, then by number."""
    number = version.version
    return f"{version.arn.name} {int(number) if number.isdecimal() else 0:012d}"
