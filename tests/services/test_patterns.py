"""The filter pattern language, by the examples of its page in the CloudWatch Logs User Guide."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.logs.errors import InvalidFilterPattern
from lambent.services.logs.limits import FILTER_CHARACTERS, FILTER_DIGITS, FILTER_VALUES
from lambent.services.logs.patterns import compiled

LINES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[INFO] REQUEST FAILED",
]
EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "yes": True,
    "latency": 49.5,
}
USERS = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("", [0, 1, 2, 3, 4]),
        ('" "', [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 3]),
        ("ERROR ARGUMENTS", [2, 3]),
        ("?ERROR ?FAILED", [0, 1, 2, 3, 4]),
        ("?ERROR ?ARGUMENTS REQUEST", [0, 1, 4]),
        ('"BAD REQUEST"', [0]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ("error", []),
        ('-"[ERROR"', [4]),
    ],
)
def test_terms(pattern: str, matching: list[int]):
    matches = compiled(pattern)
    assert [index for index, line in enumerate(LINES) if matches(line)] == matching


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = UpdateTrail }", True),
        ('{ $.eventType = "Update*" }', True),
        ('{ $.eventType = "*date*ail" }', True),
        ('{ $.eventType = "Update" }', False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ('{ $.arrayKey[0] = "value" }', True),
        ('{ $.arrayKey[1] = "value" }', False),
        ('{ $.arrayKey[*] = "another*" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ('{ $.* = "c" }', True),
        ("{ $.['cluster.name'] = \"c\" }", True),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.yes IS TRUE }", True),
        ("{ $.yes IS FALSE }", False),
        ("{ $.SomeOtherObject NOT EXISTS }", True),
        ("{ $.eventType NOT EXISTS }", False),
        ("{ $.latency < 50 && $.latency >= 4.95e+1 }", True),
        ("{ $.latency > 50 }", False),
        ("{ $.missing != 1 }", False),
        ("{ $.arrayKey = value }", False),
    ],
)
def test_json(pattern: str, expected: bool):
    assert compiled(pattern)(json.dumps(EVENT)) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        ('{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "n" && $.actions[2] = "n" }', True),
        ('{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "n") && $.actions[2] = "n" }', False),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
    ],
)
def test_compound_json(pattern: str, expected: bool):
    assert compiled(pattern)(json.dumps(USERS)) is expected


@pytest.mark.parametrize("message", ["", "plain", "[1]", "{", '"a"', "{" * 100_000])
def test_what_is_no_json_object_never_matches_json(message: str):
    assert compiled("{ $.a NOT EXISTS }")(message) is False


@pytest.mark.parametrize(
    "pattern",
    [
        '"open',
        "{ $.a }",
        "{ $.a = }",
        "{ a = 1 }",
        "{ $.a > text }",
        "{ $.a = 1 ",
        "{ $.*.* = 1 }",
        "[a, b]",
        "%a+%",
        "{ " + "(" * 100 + "$.a = 1" + ")" * 100 + " }",
        "{ $.a = %x% }",
        "{ $.a = 1 } x",
        "{ $.a IS NOT }",
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str):
    with pytest.raises(InvalidFilterPattern):
        compiled(pattern)


@given(st.text(), st.text())
def test_any_text_is_a_pattern_or_is_refused(pattern: str, message: str):
    try:
        matches = compiled(pattern)
    except InvalidFilterPattern:
        return
    assert matches(message) in (True, False)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_wildcards_mean_what_a_regular_expression_of_them_means(value: str, text: str):
    import re

    expected = re.fullmatch(re.escape(value).replace(r"\*", ".*"), text) is not None
    assert compiled(f'{{ $.a = "{value}" }}')(json.dumps({"a": text})) is expected


def many(value: object, last: object, count: int) -> str:
    return json.dumps({"a": [value] * (count - 1) + [last]})


# Each matches a message of the size that is given by its very last value, and would match a larger one if it were looked at.
DEAR: dict[str, tuple[str, Callable[[int], str], int]] = {
    "values": ("{ $.a[*] = 8 }", lambda size: many(7, 8, size), FILTER_VALUES - 1),
    "fields": (
        "{ $.* = 8 }",
        lambda size: json.dumps(dict.fromkeys(map(str, range(size)), 7) | {"z": 8}),
        FILTER_VALUES - 1,
    ),
    "values, for each condition": (
        "{ ($.a[*] = 9) || ($.a[*] = 8) }",
        lambda size: many(7, 8, size),
        FILTER_VALUES // 2 - 2,
    ),
    "steps": ("{ $.a[*].b.c = 1 }", lambda size: many({"b": 7}, {"b": {"c": 1}}, size), FILTER_VALUES // 3 - 2),
    "a long text": ("{ $.a[*] = *c*d }", lambda size: many("ab", "c" * size + "d", 3), FILTER_CHARACTERS - 5),
    "long texts": ("{ $.a[*] = *c*d }", lambda size: many("a" * size, "cd", 5), FILTER_CHARACTERS // 4 - 2),
    "long text, for each condition": (
        "{ ($.a = *e*) || ($.a = *c*d) }",
        lambda size: json.dumps({"a": "a" * (size - 2) + "cd"}),
        FILTER_CHARACTERS // 2,
    ),
    "much to read": (
        "{ $.a = 8 }",
        lambda size: json.dumps({"b": [[]] * (size // 2), "c": "x" * 300_000, "a": 8}),
        19_990,
    ),
    "a term": ("cd", lambda size: "a" * (size - 2) + "cd", FILTER_CHARACTERS),
    "terms": ("aa cd -x", lambda size: "a" * (size - 2) + "cd", FILTER_CHARACTERS // 3),
    "optional terms": ("?x ?y ?cd", lambda size: "a" * (size - 2) + "cd", FILTER_CHARACTERS // 3),
}


@pytest.mark.parametrize("dear", DEAR)
def test_a_message_is_looked_at_up_to_a_bound(dear: str) -> None:
    pattern, message, size = DEAR[dear]
    matches = compiled(pattern)
    assert matches(message(size))
    assert not matches(message(size + size // 20))


@pytest.mark.parametrize("pattern", ["{ $.a = 7* }", "{ $.a = x }"])
def test_a_long_integer_is_no_text(pattern: str) -> None:
    assert not compiled(pattern)(json.dumps({"a": int("7" * (FILTER_DIGITS + 1))}))
    assert not compiled(pattern)(json.dumps({"a": -int("7" * 4000)}))
    assert compiled("{ $.a > 7 }")(json.dumps({"a": int("7" * 300)}))
    assert compiled("{ $.a = 7* }")(json.dumps({"a": int("7" * FILTER_DIGITS)}))
