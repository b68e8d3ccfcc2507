"""Pages of a list, and the marker by which a client asks for the next one.

A marker is the key of the last row that was shown, made opaque and bound to the list it came from: it goes on working
when rows come and go, needs no state here, and a marker that we did not make is refused instead of believed. It is not
a secret: what it says, its owner has seen.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

_CHECK_BYTES = 6


class InvalidMarker(ValueError):
    """Not a marker of this list. Which AWS error that is depends on the service, so the caller says."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of a list, in order."""

    items: list[T]
    marker: str | None
    """For the next page; None: this is the last."""


def marker(scope: str, key: str) -> str:
    """The opaque form of the last key shown. `scope` names the list: operation, account and what it was filtered by."""
    return urlsafe_b64encode(_check(scope, key) + key.encode()).rstrip(b"=").decode()


def key_of(scope: str, text: str) -> str:
    """The key inside a marker. Raises InvalidMarker for one that this list did not give."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        key = raw[_CHECK_BYTES:].decode()
    except (ValueError, binascii.Error):
        raise InvalidMarker(text) from None
    if raw[:_CHECK_BYTES] != _check(scope, key) or marker(scope, key) != text:
        raise InvalidMarker(text)
    return key


def page(rows: Iterable[T], *, size: int, scope: str, key: Callable[[T], str]) -> Page[T]:
    """The first `size` of `rows`, which begin behind the marker's key and may be many: `size + 1` are looked at."""
    found = list(islice(rows, size + 1))
    if len(found) <= size:
        return Page(found, None)
    shown = found[:size]
    return Page(shown, marker(scope, key(shown[-1])))


def _check(scope: str, key: str) -> bytes:
    return hashlib.blake2b(key.encode(), key=hashlib.sha256(scope.encode()).digest(), digest_size=_CHECK_BYTES).digest()
