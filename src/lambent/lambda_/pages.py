"""Lists, a page at a time, in the order of a key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
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

    def behind(last: str | None) -> Sequence[T]:
        start = bisect_right(items, last, key=key) if last is not None else 0
        return items[start : start + page_max + 1]

    return paged_behind(behind, key=key, scope=scope, marker=marker, max_items=max_items, page_max=page_max)


def paged_behind(
    behind: Callable[[str | None], Iterable[T]],
    *,
    key: Callable[[T], str],
    scope: str,
    marker: str | None,
    max_items: int | None,
    page_max: int = PAGE_MAX,
) -> Page[T]:
    """The same of a list that is too long to be made for every page: `behind` gives what comes behind a key."""
    try:
        last = key_of(scope, marker) if marker else None
    except InvalidMarker:
        raise MarkerInvalid from None
    return page(behind(last), size=min(max_items or page_max, page_max), scope=scope, key=key)


def place(version: FunctionVersion) -> str:
    """A key that sorts as lists of versions do: by name, which has no character below "-", then $LATEST, then by number."""
    number = version.version
    return f"{version.arn.name} {int(number) if number.isdecimal() else 0:012d}"


def name_in(place: str) -> str:
    """The function's name in such a key."""
    return place.partition(" ")[0]
