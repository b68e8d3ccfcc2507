"""Unstructured patterns: words and phrases, wanted, optional or excluded.

For each term the message is looked through, FILTER_CHARACTERS in all. What is not decided by then does not match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lambent.services.logs.errors import InvalidFilterPattern
from lambent.services.logs.limits import FILTER_CHARACTERS

TERM: Final = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')


def terms_predicate(text: str) -> Callable[[str], bool]:
    """Compile the pattern. Raises InvalidFilterPattern."""
    wanted: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    for sign, term in _terms(text):
        {"": wanted, "?": optional, "-": excluded}[sign].append(term)

    def all_but_excluded(message: str) -> bool:
        if len(message) * (len(wanted) + len(excluded)) > FILTER_CHARACTERS:
            return False
        return all(term in message for term in wanted) and not any(term in message for term in excluded)

    if wanted or excluded:  # "If you combine ? with other filter patterns, all question mark terms will be ignored"
        return all_but_excluded
    if optional:
        return lambda message: any(term in message for term in optional[: FILTER_CHARACTERS // (len(message) or 1)])
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
