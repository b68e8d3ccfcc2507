"""The filter language of event source mappings: a pattern is JSON, and so is what it is held against.

    pattern   = { field: pattern | leaf, ... }    all fields have to match; "$or": [pattern, pattern, ...] one of them
    leaf      = [ test, ... ]                     one of the tests has to match
    test      = string | number | true | false | null
              | {"exists": bool} | {"prefix": string} | {"suffix": string} | {"equals-ignore-case": string}
              | {"anything-but": string | number | [string, ...] | [number, ...]}
              | {"numeric": ["=", n] | ["<" or "<=", n] | [">" or ">=", n] | [">" or ">=", n, "<" or "<=", n]}

Where the record has a list, any of its elements may match, and all fields of a pattern within have to match the same
element. A field that holds an object or an empty list counts as absent for a leaf. What a pattern holds against a record
costs its own size times the record's, whatever either looks like: nothing is multiplied out, and nothing backtracks.

Sources: reference/lambda.md 4.2; Lambda developer guide, "Control which events Lambda sends to your function". Where they
are silent, it is as in Event Ruler, which AWS uses: empty objects and lists are refused, and "$or" with fewer than two
patterns, or with names of tests in them, is a field like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import ge, gt, le, lt
from typing import Any, Final, cast

import msgspec

from lambent.lambda_.sources.errors import FilterPatternInvalid
from lambent.lambda_.sources.limits import FILTER_DEPTH_MAX

Fields = dict[str, Any]
Condition = Callable[[Fields], bool]  # of an object of the record
Test = Callable[[Any], bool]  # of a string, a number, a boolean or null of the record

LOWER: Final = {">": gt, ">=": ge}
UPPER: Final = {"<": lt, "<=": le}


class FilterPattern:
    """One pattern, ready to be held against records."""

    __slots__ = ("matches", "structured")

    def __init__(self, text: str) -> None:
        """Raises FilterPatternInvalid."""
        pattern = _decoded(text)
        self.matches: Final[Condition] = _condition(pattern, 0)
        """Whether a record, an object of JSON, passes."""
        self.structured: Final = frozenset(key for key, value in pattern.items() if isinstance(value, dict))
        """The fields whose content the pattern looks into: what is text there has to be read as JSON first."""


def _decoded(text: str) -> Fields:
    try:
        pattern: object = msgspec.json.decode(text)
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise FilterPatternInvalid from None
    if not isinstance(pattern, dict):
        raise FilterPatternInvalid
    return cast("Fields", pattern)


def _condition(pattern: Fields, depth: int) -> Condition:
    if not pattern or depth > FILTER_DEPTH_MAX:
        raise FilterPatternInvalid
    conditions = [_field(name, value, depth + 1) for name, value in pattern.items()]
    return lambda fields: all(condition(fields) for condition in conditions)


def _field(name: str, value: object, depth: int) -> Condition:
    if isinstance(value, dict):
        inner = _condition(cast("Fields", value), depth)
        return lambda fields: any(map(inner, _objects(fields.get(name)) or [{}]))
    if not isinstance(value, list) or not value:
        raise FilterPatternInvalid
    items = cast("list[object]", value)
    if name == "$or" and len(items) > 1 and all(_alternative(item) for item in items):
        branches = [_condition(cast("Fields", item), depth) for item in items]
        return lambda fields: any(branch(fields) for branch in branches)
    return _leaf(name, items)


def _alternative(item: object) -> bool:
    """Whether it is a pattern within "$or", and no test."""
    return isinstance(item, dict) and not cast("Fields", item).keys() & (MATCHERS.keys() | {"exists"})


def _leaf(name: str, items: list[object]) -> Condition:
    exact: list[object] = []
    tests: list[Test] = []
    presence: set[bool] = set()
    for item in items:
        if isinstance(item, list):
            raise FilterPatternInvalid
        if not isinstance(item, dict):
            exact.append(item)
        elif item.keys() == {"exists"}:
            presence.add(_boolean(cast("Fields", item)["exists"]))
        else:
            tests.append(_matcher(cast("Fields", item)))
    if exact:
        tests.append(_one_of(exact))

    def matches(fields: Fields) -> bool:
        values = _scalars(fields[name]) if name in fields else []
        if not values:
            return False in presence
        return True in presence or any(test(value) for value in values for test in tests)

    return matches


# --- tests -----------------------------------------------------------------------------------------------------------


def _matcher(item: Fields) -> Test:
    if len(item) != 1:
        raise FilterPatternInvalid
    ((name, operand),) = item.items()
    make = MATCHERS.get(name)
    if make is None:
        raise FilterPatternInvalid
    return make(operand)


def _one_of(exact: list[object]) -> Test:
    known = {_identity(value) for value in exact}
    return lambda value: _identity(value) in known


def _identity(value: object) -> tuple[str, object]:
    """Equal for what is equal in JSON: 1 and 1.0 are, 1 and true are not."""
    return ("number" if _is_number(value) else type(value).__name__, value)


def _prefix(operand: object) -> Test:
    start = _string(operand)
    return lambda value: isinstance(value, str) and value.startswith(start)


def _suffix(operand: object) -> Test:
    end = _string(operand)
    return lambda value: isinstance(value, str) and value.endswith(end)


def _equals_ignore_case(operand: object) -> Test:
    lower = _string(operand).lower()
    return lambda value: isinstance(value, str) and value.lower() == lower


def _anything_but(operand: object) -> Test:
    values: list[object] = cast("list[object]", operand) if isinstance(operand, list) else [operand]
    strings, numbers = all(isinstance(value, str) for value in values), all(map(_is_number, values))
    if not values or not (strings or numbers):
        raise FilterPatternInvalid
    among = _one_of(values)
    return lambda value: not among(value)


def _numeric(operand: object) -> Test:
    match cast("list[Any]", operand) if isinstance(operand, list) else []:
        case ["=", number] if _is_number(number):
            return lambda value: _is_number(value) and value == number
        case [str(sign), bound] if sign in LOWER | UPPER and _is_number(bound):
            holds = (LOWER | UPPER)[sign]
            return lambda value: _is_number(value) and holds(value, bound)
        case [str(first), low, str(second), high] if (
            first in LOWER and second in UPPER and _is_number(low) and _is_number(high) and low < high
        ):
            above, below = LOWER[first], UPPER[second]
            return lambda value: _is_number(value) and above(value, low) and below(value, high)
        case _:
            raise FilterPatternInvalid


MATCHERS: Final[Mapping[str, Callable[[object], Test]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "anything-but": _anything_but,
    "numeric": _numeric,
}


# --- values ----------------------------------------------------------------------------------------------------------


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise FilterPatternInvalid
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise FilterPatternInvalid
    return value


def _elements(value: object) -> Iterator[object]:
    """The value, or if it is a list what is in it, however deep; in any order."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(cast("list[object]", one))
        else:
            yield one


def _objects(value: object) -> list[Fields]:
    return [cast("Fields", one) for one in _elements(value) if isinstance(one, dict)]


def _scalars(value: object) -> list[object]:
    return [one for one in _elements(value) if not isinstance(one, dict)]
