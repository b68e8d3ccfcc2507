"""Unstructured patterns: words and phrases, wanted, optional or excluded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lambent.services.logs.errors import InvalidFilterPattern

TERM: Final = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')


def terms_predicate(text: str) -> Callable[[str], bool]:
    """Compile the pattern. Raises InvalidFilterPattern."""
    wanted: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    for sign, term in _terms(text):
        {"": wanted, "?": optional, "-": excluded}[sign].append(term)
    if wanted or excluded:  # "If you combine ? with other filter patterns, all question mark terms will be ignored"
        return lambda message: all(t in message for t in wanted) and not any(t in message for t in excluded)
    if optional:
        return lambda message: any(term in message for term in optional)
    return lambda _message: True


def _terms(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = TERM.match(text, position)
        if match is None:
            raise InvalidFilterPattern(reason=f"a quotation mark is not closed at character {position + 1}")
        sign, phrase, word = match.groups()
        if word is not None and word.startswith("%"):
            raise InvalidFilterPattern(reason="Lambent does not know regular expressions yet")
        found.append((sign, re.sub(r"\\(.)", r"\1", phrase) if word is None else word))
        position = match.end()
    return [(sign, "" if term == " " and len(found) == 1 else term) for sign, term in found]
