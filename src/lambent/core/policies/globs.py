"""Wildcards: `*` is any run of characters, `?` any one, nothing else is special.

A pattern is an automaton whose state is one integer: bit i says that the first i symbols of the pattern can have been
read. Every character of the text moves all of them at once, so the time is that of the text's length times that of a
few operations on an integer as long as the pattern. No pattern makes it slower, unlike a regular expression's: a
policy's author is not trusted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

REMEMBERED: Final = 1024  # patterns kept compiled
REMEMBERED_MAX: Final = 256  # characters of such a pattern: compiled it takes up to the square of that in bits


class Glob(msgspec.Struct, frozen=True):
    """A compiled pattern."""

    length: int  # of symbols that are no stars
    stars: int  # bit i: a star stands after the first i symbols
    any: int  # bit i: symbol i is "?"
    literal: dict[str, int]  # by character, the same for symbols that accept it, "?" among them

    def matches(self, text: str) -> bool:
        alive = 1
        for character in text:
            alive = alive & self.stars | (alive & self.literal.get(character, self.any)) << 1
            if not alive:
                return False
        return bool(alive >> self.length & 1)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is what the pattern describes."""
    if pattern == text:
        return True
    if "*" not in pattern and "?" not in pattern:
        return False
    compiled = _remembered if len(pattern) <= REMEMBERED_MAX else _compiled
    return compiled(pattern).matches(text)


def _compiled(pattern: str) -> Glob:
    length = stars = anything = 0
    literal: dict[str, int] = {}
    for symbol in pattern:
        if symbol == "*":
            stars |= 1 << length
            continue
        if symbol == "?":
            anything |= 1 << length
        else:
            literal[symbol] = literal.get(symbol, 0) | 1 << length
        length += 1
    return Glob(length, stars, anything, {character: bits | anything for character, bits in literal.items()})


_remembered: Final = lru_cache(REMEMBERED)(_compiled)
