"""JSON patterns: `{ ($.user.id = 1) && $.users[0].email = "john*" || $.error NOT EXISTS }`.

    pattern    = "{" either "}"
    either     = both { "||" both }
    both       = condition { "&&" condition }
    condition  = "(" either ")" | selector ( "NOT EXISTS" | "IS" ("NULL" | "TRUE" | "FALSE") | operator value )
    selector   = "$" { "." name | ".*" | "[" number "]" | "[*]" | "['" name "']" }
    operator   = "=" "!=" "<" "<=" ">" ">="

A selector that leads to nothing, or to an array or object, matches nothing but NOT EXISTS. A value of digits is
compared as a number with numbers, and as text with text; `*` in a value is a wildcard. A message that is not a JSON
object never matches. The parser is a recursive descent of bounded depth; what comes out is a tree of closures.

Conditions look at no more than FILTER_VALUES values of one message, all together, and their wildcards at FILTER_CHARACTERS; a
message of which they would look at more does not match. Else a single event of a megabyte, with a wildcard in each of fifty
conditions, would take half a minute. For the same reason a long integer is no text, and what is long and has very many
values is not even read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, cast

from lambent.services.logs.errors import InvalidFilterPattern
from lambent.services.logs.limits import (
    FILTER_CHARACTERS,
    FILTER_DIGITS,
    FILTER_PATTERN_DEPTH,
    FILTER_VALUES,
    FREELY_READ_CHARACTERS,
)

Condition = Callable[["Values"], bool]

TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.\*|\.?\['[^']*'\]|\.?\["[^"]*"\]|\.[\w-]+|\[(?:\d+|\*)\])+)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<symbol>&&|\|\||<=|>=|!=|[=<>(){}])
      | (?P<word>[^\s"&|<>=!(){}]+)
    )""",
    re.VERBOSE,
)
STEP: Final = re.compile(r"""\.?\['([^']*)'\]|\.?\["([^"]*)"\]|\.([\w-]+)|\[(\d+)\]|(\.\*|\[\*\])""")
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Steps = tuple[str | int | None, ...]  # a field, an element, or None: each of them

LONG_INTEGER: Final = 10**FILTER_DIGITS

NOTHING: Final = object()  # where a selector leads that leads nowhere


class Token(NamedTuple):
    kind: str  # selector | string | symbol | word | end
    text: str


def json_predicate(text: str) -> Callable[[str], bool]:
    """Compile the pattern. Raises InvalidFilterPattern."""
    condition = Parser(text).pattern()

    def matches(message: str) -> bool:
        if not message.lstrip().startswith("{") or _is_dear_to_read(message):
            return False
        try:
            event: object = json.loads(message)
        except (ValueError, RecursionError):
            return False
        try:
            return condition(Values(event))
        except TooMuchToRead:
            return False

    return matches


def _is_dear_to_read(message: str) -> bool:
    return len(message) > FREELY_READ_CHARACTERS and sum(map(message.count, ",[{")) > FILTER_VALUES


class TooMuchToRead(Exception):
    """A message has more for its conditions to look at than they may."""


class Values:
    """One message, and how much of it may still be looked at."""

    __slots__ = ("_characters_left", "_event", "_left")

    def __init__(self, event: object) -> None:
        self._event: Final = event
        self._left = FILTER_VALUES
        self._characters_left = FILTER_CHARACTERS

    def look_through(self, text: str) -> None:
        """Count what a wildcard is about to look through. Raises TooMuchToRead."""
        self._characters_left -= len(text)
        if self._characters_left < 0:
            raise TooMuchToRead

    def at(self, steps: Steps) -> list[Any]:
        """Return all that a selector points to; a way that leads nowhere gives NOTHING. Raises TooMuchToRead."""
        found: list[Any] = [self._event]
        for step in steps:
            self._left -= len(found) if step is not None else sum(map(_width, found))
            if self._left < 0:
                raise TooMuchToRead
            found = [reached for node in found for reached in _reached(node, step)]
        return found or [NOTHING]


class Parser:
    """One pass over the tokens of one pattern."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._position = 0
        self._depth = 0

    def pattern(self) -> Condition:
        """Parse all of it. Raises InvalidFilterPattern."""
        self._expect("{")
        condition = self._either()
        self._expect("}")
        if self._next.kind != "end":
            self._refuse("something follows the closing brace")
        return condition

    @property
    def _next(self) -> Token:
        return self._tokens[min(self._position, len(self._tokens) - 1)]  # the end comes again and again

    def _take(self) -> Token:
        token = self._next
        self._position += 1
        return token

    def _took(self, *texts: str) -> bool:
        """Consume the texts (words, whatever their case) if they come next."""
        coming = self._tokens[self._position : self._position + len(texts)]
        if [token.text.upper() for token in coming if token.kind in ("symbol", "word")] != list(texts):
            return False
        self._position += len(texts)
        return True

    def _expect(self, text: str) -> None:
        if not self._took(text):
            self._refuse(f"{text} is expected")

    def _refuse(self, reason: str) -> None:
        raise InvalidFilterPattern(reason=f"{reason}, near {self._next.text or 'the end'}")

    def _either(self) -> Condition:
        conditions = [self._both()]
        while self._took("||"):
            conditions.append(self._both())
        return conditions[0] if len(conditions) == 1 else lambda values: any(each(values) for each in conditions)

    def _both(self) -> Condition:
        conditions = [self._condition()]
        while self._took("&&"):
            conditions.append(self._condition())
        return conditions[0] if len(conditions) == 1 else lambda values: all(each(values) for each in conditions)

    def _condition(self) -> Condition:
        if self._took("("):
            self._depth += 1
            if self._depth > FILTER_PATTERN_DEPTH:
                self._refuse("parentheses are too deep")
            condition = self._either()
            self._expect(")")
            self._depth -= 1
            return condition
        if self._next.kind != "selector":
            self._refuse("a property selector ($.name) is expected")
        steps = _steps(self._take().text)
        if self._took("NOT", "EXISTS"):
            return lambda values: all(found is NOTHING for found in values.at(steps))
        if self._took("IS"):
            return self._is(steps)
        return self._comparison(steps)

    def _is(self, steps: Steps) -> Condition:
        for word, wanted in (("NULL", None), ("TRUE", True), ("FALSE", False)):
            if self._took(word):
                return lambda values: any(found is wanted for found in values.at(steps))
        self._refuse("NULL, TRUE or FALSE is expected")
        raise AssertionError

    def _comparison(self, steps: Steps) -> Condition:
        operator = self._take()
        if operator.kind != "symbol" or operator.text not in COMPARISONS:
            self._refuse("an operator is expected")
        value = self._take()
        if value.kind not in ("string", "word"):
            self._refuse("a value is expected")
        if value.text.startswith("%"):
            self._refuse("Lambent does not know regular expressions yet")
        if operator.text in ("=", "!="):
            equal = _equal(value)
            if operator.text == "=":
                return lambda values: any(equal(found, values) for found in values.at(steps) if _is_value(found))
            return lambda values: any(not equal(found, values) for found in values.at(steps) if _is_value(found))
        if not NUMBER.fullmatch(value.text):
            self._refuse("a number is expected")
        number, compare = float(value.text), COMPARISONS[operator.text]
        return lambda values: any(compare(found, number) for found in values.at(steps) if _is_number(found))


COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _tokens(text: str) -> Iterator[Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            raise InvalidFilterPattern(reason=f"character {position + 1} is not understood")
        yield Token(match.lastgroup or "", match[match.lastgroup or 0])
        position = match.end()
    yield Token("end", "")


def _equal(value: Token) -> Callable[[Any, Values], bool]:
    """Compile the comparison with a value: text with wildcards, and as a number if it is one and stands unquoted."""
    quoted = value.kind == "string"
    text = re.sub(r"\\(.)", r"\1", value.text[1:-1]) if quoted else value.text
    parts = text.split("*")
    number = float(text) if not quoted and NUMBER.fullmatch(text) else None

    def equal(found: Any, values: Values) -> bool:
        if _is_number(found) and number is not None:
            return found == number
        text = _text(found)
        if len(parts) > 1:
            values.look_through(text)
        return _matches(parts, text)

    return equal


def _matches(parts: list[str], text: str) -> bool:
    """Whether the text is these parts with anything between them; linear, unlike a regular expression of wildcards."""
    first, *middle, last = parts if len(parts) > 1 else (*parts, None)
    if last is None:
        return text == first
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        position = text.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True


def _text(found: Any) -> str:
    """Return a value as it stands in JSON, strings without their quotation marks; nothing for an integer of many digits."""
    if isinstance(found, str):
        return found
    if type(found) is int:
        return str(found) if abs(found) < LONG_INTEGER else ""  # to write it takes the square of its length
    return json.dumps(found)


def _is_value(found: Any) -> bool:
    return found is not NOTHING and found is not None and not isinstance(found, dict | list)


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _steps(text: str) -> Steps:
    """Compile `$.a[0].*`: the way from an event to all that it points to."""
    steps: list[str | int | None] = []
    for match in STEP.finditer(text, 1):
        name = next((part for part in match.groups()[:3] if part is not None), None)
        steps.append(name if name is not None else int(match[4]) if match[4] else None)
    if steps.count(None) > 1:
        raise InvalidFilterPattern(reason="a property selector has at most one wildcard")
    return tuple(steps)


def _width(node: Any) -> int:
    return len(cast("dict[str, Any] | list[Any]", node)) if isinstance(node, dict | list) else 1


def _reached(node: Any, step: str | int | None) -> list[Any]:
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if step is None:
            return list(fields.values())
        return [fields[step]] if isinstance(step, str) and step in fields else [NOTHING]
    if isinstance(node, list):
        elements = cast("list[Any]", node)
        if step is None:
            return elements
        return [elements[step]] if isinstance(step, int) and step < len(elements) else [NOTHING]
    return [NOTHING]
