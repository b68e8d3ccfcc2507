"""AWS writes its patterns in Java's dialect; this is the translation to Python's `re`.

Nine of ten patterns mean the same in both. What differs: `\\p{L}` and its kind, `\\z`, `\\x{60}`, surrogate pairs, a
`-` after a class escape inside brackets, intersections (`[a-z&&[^x]]`), flags in the middle, a repeated anchor, and
`\\w \\d \\s \\b`, which in Java are ASCII. A match is always of the whole text, as in Java's `matches()`.

Python's engine takes years over some of these patterns. It is used where `backtracking` proves that it takes time in
proportion to the text, `automaton` for the others. What neither can do is not enforced: of AWS's 4,994 patterns 104
that look around, hold a word boundary or an anchor in the middle and are not proven, and one that Python cannot read.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final

from lambent.model import backtracking, regular
from lambent.model.automaton import Automaton

SQUARED_LETTERS: Final = (
    2048  # a text that takes time in proportion to its square: 40 ms; a longer one is not held against it
)

_POSIX: Final = {
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "ASCII": "\\x00-\\x7f",
    "Blank": " \\t",
    "Cntrl": "\\x00-\\x1f\\x7f",
    "Digit": "0-9",
    "Graph": "!-~",
    "Lower": "a-z",
    "Print": " -~",
    "Punct": "!-/:-@\\[-`{-~",
    "Space": " \\t\\n\\x0b\\f\\r",
    "Upper": "A-Z",
    "XDigit": "0-9a-fA-F",
    "IsWhitespace": " \\t-\\r\\x1c-\\x1f\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
    "all": "\\x00-\\U0010ffff",
}
_CATEGORIES: Final = {"IsAlphabetic": ("L", "Nl"), "LD": ("L", "Nd")}

_ASSIGNED_BELOW: Final = 0x32400
_TAGS: Final = range(0xE0000, 0xE0200)
_PRIVATE: Final = range(0xF0000, 0x110000)

_PROPERTY: Final = re.compile(r"\\([pP])(?:\{\^?(\w+)\}|(\w))")
_CODE_POINT: Final = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_SURROGATES: Final = re.compile(r"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_INTERSECTION: Final = re.compile(r"\[((?:[^\[\]\\]|\\.|\\[pP]\{\w+\})+)&&(\[(?:[^\[\]\\]|\\.)+\])\]")
_LOOSE_FLAG: Final = re.compile(r"\(\?([ims]+)\)")
_REPEATED_ANCHOR: Final = re.compile(r"(?<!\\)\$(?=\{\d)")
_DASH_AFTER_ESCAPE: Final = re.compile(r"(\\[wdsWDS])-(?!\])")


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is one that the pattern describes; True where the pattern is not enforced."""
    return _matcher(pattern)(text)


@lru_cache(maxsize=2048)
def _matcher(pattern: str) -> Callable[[str], bool]:
    """What matches, made when a text is first held against the pattern: most never are."""
    try:
        python = translated(pattern)
        fullmatch = re.compile(python, re.ASCII).fullmatch
        tree = regular.tree(python)
    except (re.error, regular.NotRegular):
        return _unenforced
    forks = backtracking.forks(tree)
    if not forks:
        return lambda text: fullmatch(text) is not None
    try:
        return Automaton(tree).matches
    except regular.NotRegular:
        return _unenforced if forks > 1 else lambda text: len(text) > SQUARED_LETTERS or fullmatch(text) is not None


def _unenforced(_text: str) -> bool:
    return True


def translated(pattern: str) -> str:
    """The pattern in Python's dialect."""
    text = _INTERSECTION.sub(lambda found: f"(?:(?={found[2]})[{found[1]}])", pattern)
    text = _SURROGATES.sub(_joined, text)
    text = _CODE_POINT.sub(lambda found: f"\\U{int(found[1], 16):08x}", text)
    text = _REPEATED_ANCHOR.sub("(?:$)", text)
    text = text.replace("\\z", "\\Z")
    text, flags = _with_flags_first(text)
    return flags + "".join(_pieces(text))


def _joined(found: re.Match[str]) -> str:
    high, low = int(found[1], 16), int(found[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _with_flags_first(text: str) -> tuple[str, str]:
    """Java's flags hold from where they stand; all of AWS's stand where nothing before them has letters."""
    flags = "".join(sorted({flag for found in _LOOSE_FLAG.findall(text) for flag in found}))
    return _LOOSE_FLAG.sub("", text), f"(?{flags})" if flags else ""


def _pieces(text: str) -> Iterator[str]:
    """The text with properties written out; inside brackets their ranges, outside a bracket of their own."""
    position, inside = 0, False
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            if found := _PROPERTY.match(text, position):
                yield _property(found, inside=inside)
                position = found.end()
                if inside and text[position : position + 1] == "-":
                    yield "\\-"
                    position += 1
            elif inside and (found := _DASH_AFTER_ESCAPE.match(text, position)):
                yield f"{found[1]}\\-"
                position = found.end()
            else:
                yield text[position : position + 2]
                position += 2
            continue
        if inside:
            inside = letter != "]"
            yield f"\\{letter}" if letter in "[|~&" else letter  # Python means to give these a meaning of their own
        else:
            inside = letter == "["
            yield letter
        position += 1


def _property(found: re.Match[str], *, inside: bool) -> str:
    name = found[2] or found[3]
    ranges = _complement(name) if found[1] == "P" else _ranges(name)
    return ranges if inside else f"[{ranges}]"


def _ranges(name: str) -> str:
    posix = _POSIX.get(name)
    if posix is not None:
        return posix
    wanted = _CATEGORIES.get(name, (name.removeprefix("Is"),))
    return _written(low_high for category, low_high in _categories() if category.startswith(wanted))


def _complement(name: str) -> str:
    unwanted = _CATEGORIES.get(name, (name.removeprefix("Is"),))
    return _written(low_high for category, low_high in _categories() if not category.startswith(unwanted))


def _written(ranges: Iterator[tuple[int, int]]) -> str:
    merged: list[tuple[int, int]] = []
    for low, high in ranges:
        if merged and merged[-1][1] + 1 == low:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return "".join(f"\\U{low:08x}-\\U{high:08x}" if low != high else f"\\U{low:08x}" for low, high in merged)


@lru_cache(maxsize=1)
def _categories() -> tuple[tuple[str, tuple[int, int]], ...]:
    """Unicode's general categories as ranges of code points in order: 15 ms, once, when a pattern first asks.

    Looking at all 1.1 million would take 100; above U+323AF there are only tags and private use.
    """
    return (
        *_scanned(range(_ASSIGNED_BELOW)),
        ("Cn", (_ASSIGNED_BELOW, _TAGS.start - 1)),
        *_scanned(_TAGS),
        ("Cn", (_TAGS.stop, _PRIVATE.start - 1)),
        ("Co", (_PRIVATE.start, _PRIVATE.stop - 1)),
    )


def _scanned(code_points: range) -> Iterator[tuple[str, tuple[int, int]]]:
    for category, run in groupby(code_points, key=lambda point: unicodedata.category(chr(point))):
        points = list(run)
        yield category, (points[0], points[-1])
