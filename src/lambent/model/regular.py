"""A pattern as a tree, read by Python's own parser, so that what is proven of the tree holds for Python's engine.

`^` and `$` are gone where they say what a match of the whole text says anyway. What a tree cannot hold (back references,
word boundaries, an anchor in the middle) is NotRegular.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

_LAST: Final = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""A set of letters: code points from and to, in order, with a gap between one range and the next."""

_CATEGORIES: Final[dict[str, Ranges]] = {
    "CATEGORY_DIGIT": ((0x30, 0x39),),
    "CATEGORY_SPACE": ((0x09, 0x0D), (0x20, 0x20)),
    "CATEGORY_WORD": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}


class NotRegular(ValueError):
    """The pattern asks for more than a tree of letters, sequences, choices and repetitions can say."""


class Letters(msgspec.Struct, frozen=True):
    """One letter of a set."""

    ranges: Ranges

    def has(self, letter: str) -> bool:
        """Whether the letter is one of them."""
        at = bisect_right(self.ranges, (ord(letter), _LAST)) - 1
        return at >= 0 and ord(letter) <= self.ranges[at][1]


class Sequence(msgspec.Struct, frozen=True):
    """One after the other; none is the empty text."""

    parts: tuple[Node, ...]


class Choice(msgspec.Struct, frozen=True):
    """One of several."""

    options: tuple[Node, ...]


class Repeat(msgspec.Struct, frozen=True):
    """The same, `least` to `most` times; None: without end."""

    least: int
    most: int | None
    body: Node


class Look(msgspec.Struct, frozen=True):
    """What must, or must not, stand before or behind, and is not taken."""

    body: Node


Node = Letters | Sequence | Choice | Repeat | Look

EMPTY: Final = Sequence(())


def tree(pattern: str) -> Node:
    """The tree of a pattern in Python's dialect, with the ASCII flag. Raises NotRegular, re.error."""
    parsed: Any = importlib.import_module("re._parser").parse(pattern, re.ASCII)
    return _Reader(parsed.state.flags).sequence(list(parsed), starts=True, ends=True)


class _Reader:
    """Walks the lists of (operator, argument) that Python's parser makes."""

    def __init__(self, flags: int) -> None:
        if flags & (re.MULTILINE | re.UNICODE):
            raise NotRegular("flags")
        self._any: Final[Ranges] = ((0, _LAST),) if flags & re.DOTALL else ((0, 9), (11, _LAST))
        self._folds: Final = bool(flags & re.IGNORECASE)

    def sequence(self, items: list[tuple[Any, Any]], *, starts: bool, ends: bool) -> Node:
        """`starts`, `ends`: whether nothing stands before, or behind, but what takes no room."""
        last = max((at for at, item in enumerate(items) if not _takes_no_room(item)), default=-1)
        parts: list[Node] = []
        for at, item in enumerate(items):
            operator, argument = item
            part = self._part(str(operator), argument, starts=starts, ends=ends and at >= last)
            starts = starts and _takes_no_room(item)
            if part != EMPTY:
                parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _part(self, operator: str, argument: Any, *, starts: bool, ends: bool) -> Node:
        match operator:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return Letters(self._letters(operator, argument))
            case "SUBPATTERN":
                _, added, removed, body = argument
                if added or removed:
                    raise NotRegular("flags inside")
                return self.sequence(list(body), starts=starts, ends=ends)
            case "BRANCH":
                return Choice(tuple(self.sequence(list(each), starts=starts, ends=ends) for each in argument[1]))
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(argument, starts=starts, ends=ends)
            case "ASSERT" | "ASSERT_NOT":
                return Look(self.sequence(list(argument[1]), starts=starts, ends=True))
            case "AT":
                return self._anchor(str(argument), starts=starts, ends=ends)
            case _:
                raise NotRegular(operator)

    def _letters(self, operator: str, argument: Any) -> Ranges:
        if operator == "ANY":
            return self._any
        if operator == "IN":
            return self._set(argument)
        ranges = self._folded([(argument, argument)])
        return complement(ranges) if operator == "NOT_LITERAL" else ranges

    def _repeat(self, argument: Any, *, starts: bool, ends: bool) -> Node:
        least, most, body = argument
        if least and all(map(_takes_no_room, body)):  # a repeated anchor
            return self.sequence(list(body), starts=starts, ends=ends)
        unbounded = str(most) == "MAXREPEAT"
        return Repeat(least, None if unbounded else most, self.sequence(list(body), starts=False, ends=False))

    def _anchor(self, anchor: str, *, starts: bool, ends: bool) -> Node:
        if (anchor in ("AT_BEGINNING", "AT_BEGINNING_STRING") and starts) or (
            anchor in ("AT_END", "AT_END_STRING") and ends
        ):
            return EMPTY
        raise NotRegular(anchor)

    def _set(self, items: Iterable[tuple[Any, Any]]) -> Ranges:
        found: list[tuple[int, int]] = []
        negated = False
        for operator, argument in items:
            match str(operator):
                case "NEGATE":
                    negated = True
                case "LITERAL":
                    found.append((argument, argument))
                case "RANGE":
                    found.append(argument)
                case "CATEGORY":
                    name = str(argument)
                    known = _CATEGORIES[name.replace("_NOT_", "_")]
                    found += complement(known) if "_NOT_" in name else known
                case other:
                    raise NotRegular(other)
        ranges = self._folded(found)
        return complement(ranges) if negated else ranges

    def _folded(self, ranges: Iterable[tuple[int, int]]) -> Ranges:
        """With the other case of ASCII letters, where the pattern ignores it."""
        ranges = list(ranges)
        if self._folds:
            for first, last, shift in ((0x41, 0x5A, 32), (0x61, 0x7A, -32)):
                ranges += [
                    (max(low, first) + shift, min(high, last) + shift)
                    for low, high in list(ranges)
                    if low <= last and high >= first
                ]
        return united(ranges)


def _takes_no_room(item: tuple[Any, Any]) -> bool:
    operator, argument = item
    if str(operator) == "SUBPATTERN":
        return all(map(_takes_no_room, argument[3]))
    if str(operator) == "MAX_REPEAT":
        return argument[0] > 0 and all(map(_takes_no_room, argument[2]))
    return str(operator) in ("AT", "ASSERT", "ASSERT_NOT")


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The union, in order and without overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every other letter."""
    return tuple(_gaps(ranges))


def _gaps(ranges: Ranges) -> Iterator[tuple[int, int]]:
    begin = 0
    for low, high in ranges:
        if begin < low:
            yield begin, low - 1
        begin = high + 1
    if begin <= _LAST:
        yield begin, _LAST


def overlap(some: Ranges, others: Ranges) -> bool:
    """Whether a letter is in both."""
    first = second = 0
    while first < len(some) and second < len(others):
        if some[first][1] < others[second][0]:
            first += 1
        elif others[second][1] < some[first][0]:
            second += 1
        else:
            return True
    return False


def nullable(node: Node) -> bool:
    """Whether the empty text is one of its texts."""
    match node:
        case Letters():
            return False
        case Sequence(parts):
            return all(map(nullable, parts))
        case Choice(options):
            return any(map(nullable, options))
        case Repeat(least, _, body):
            return least == 0 or nullable(body)
        case Look():
            return True


def first(node: Node) -> Ranges:
    """The letters that its texts begin with."""
    match node:
        case Letters(ranges):
            return ranges
        case Sequence(parts):
            return first_of(parts, ())
        case Choice(options):
            return united(pair for option in options for pair in first(option))
        case Repeat(_, most, body):
            return () if most == 0 else first(body)
        case Look():
            return ()


def first_of(parts: tuple[Node, ...], behind: Ranges) -> Ranges:
    """The letters that these begin with, one after the other; those of `behind`, where all of them may be empty."""
    found: list[tuple[int, int]] = []
    for part in parts:
        found += first(part)
        if not nullable(part):
            return united(found)
    return united([*found, *behind])
