"""The filter language, by examples and against a matcher that is written another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.lambda_.sources.errors import FilterPatternInvalid
from lambent.lambda_.sources.filters import FilterPattern

ORDER = {
    "id": 5,
    "city": "Cambridge",
    "price": 300.0,
    "open": True,
    "note": None,
    "empty": "",
    "tags": ["new", "Big", 7],
    "lines": [{"sku": "a-1", "count": 2}, {"sku": "b-2", "count": 30}],
    "none": [],
    "customer": {"name": "Ann", "home": {"zip": "02139"}},
}


def matches(pattern: object, record: dict[str, Any] = ORDER) -> bool:
    return FilterPattern(json.dumps(pattern)).matches(record)


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ({"city": ["Cambridge"]}, True),
        ({"city": ["Boston", "Cambridge"]}, True),
        ({"city": ["Boston"]}, False),
        ({"city": ["cambridge"]}, False),
        ({"city": ["Cambridge"], "id": [5]}, True),
        ({"city": ["Cambridge"], "id": [6]}, False),
        ({"id": [5.0]}, True),
        ({"price": [300]}, True),
        ({"id": ["5"]}, False),  # text is no number
        ({"open": [True]}, True),
        ({"open": [1]}, False),  # true is no number
        ({"id": [True]}, False),
        ({"note": [None]}, True),
        ({"empty": [""]}, True),
        ({"nowhere": [None]}, False),
        ({"city": [{"equals-ignore-case": "CAMBRIDGE"}]}, True),
        ({"city": [{"prefix": "Cam"}]}, True),
        ({"city": [{"suffix": "ridge"}]}, True),
        ({"city": [{"prefix": "cam"}]}, False),
        ({"id": [{"prefix": "5"}]}, False),
        ({"city": [{"anything-but": "Boston"}]}, True),
        ({"city": [{"anything-but": ["Boston", "Cambridge"]}]}, False),
        ({"id": [{"anything-but": [5, 6]}]}, False),
        ({"id": [{"anything-but": 6}]}, True),
        ({"nowhere": [{"anything-but": "x"}]}, False),  # there is nothing that could be anything
        ({"price": [{"numeric": ["=", 300]}]}, True),
        ({"price": [{"numeric": [">", 10, "<=", 300]}]}, True),
        ({"price": [{"numeric": [">", 10, "<", 300]}]}, False),
        ({"price": [{"numeric": ["<", 301]}]}, True),
        ({"price": [{"numeric": [">=", 300]}]}, True),
        ({"city": [{"numeric": [">", 0]}]}, False),
        ({"open": [{"numeric": [">", 0]}]}, False),
        ({"city": [{"exists": True}]}, True),
        ({"city": [{"exists": False}]}, False),
        ({"nowhere": [{"exists": False}]}, True),
        ({"nowhere": [{"exists": True}]}, False),
        ({"note": [{"exists": True}]}, True),  # null is there
        ({"customer": [{"exists": True}]}, False),  # of leaf nodes only
        ({"none": [{"exists": True}]}, False),
        ({"nowhere": {"deep": [{"exists": False}]}}, True),
        ({"nowhere": ["x", {"exists": False}]}, True),
        ({"customer": {"home": {"zip": [{"prefix": "02"}]}}}, True),
        ({"customer": {"home": {"zip": ["x"]}}}, False),
        ({"city": {"name": ["x"]}}, False),
        ({"tags": ["new"]}, True),  # any element
        ({"tags": [7]}, True),
        ({"tags": ["old"]}, False),
        ({"lines": {"sku": ["b-2"]}}, True),
        ({"lines": {"sku": ["a-1"], "count": [{"numeric": [">", 1]}]}}, True),
        ({"lines": {"sku": ["a-1"], "count": [30]}}, False),  # the same element
        ({"$or": [{"city": ["Boston"]}, {"id": [5]}]}, True),
        ({"$or": [{"city": ["Boston"]}, {"id": [6]}]}, False),
        ({"city": ["Cambridge"], "$or": [{"id": [6]}, {"id": [7]}]}, False),
        ({"customer": {"$or": [{"name": ["Bob"]}, {"home": {"zip": ["02139"]}}]}}, True),
        ({"$or": [{"id": [6]}, {"$or": [{"id": [4]}, {"city": [{"prefix": "C"}]}]}]}, True),
    ],
    ids=json.dumps,
)
def test_a_record_passes_a_pattern(pattern: object, passes: bool) -> None:
    assert matches(pattern) is passes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "simple string",
        "null",
        "[]",
        '"x"',
        "{}",
        '[{"eventName": ["INSERT"]}]',
        '[{"eventName": ["INSERT"=123}]',
        '{"eventName": "INSERT"}',  # not in a list
        '{"eventName": []}',
        '{"eventName": {}}',
        '{"eventName": [[]]}',
        '{"eventName": [["INSERT"]]}',
        '{"eventName": [{}]}',
        '{"eventName": [{"prefix": "a", "suffix": "b"}]}',
        '{"eventName": [{"prefix": 1}]}',
        '{"eventName": [{"suffix": null}]}',
        '{"eventName": [{"equals-ignore-case": ["a"]}]}',
        '{"eventName": [{"exists": "true"}]}',
        '{"eventName": [{"exists": 1}]}',
        '{"eventName": [{"anything-but": []}]}',
        '{"eventName": [{"anything-but": null}]}',
        '{"eventName": [{"anything-but": ["a", 1]}]}',
        '{"eventName": [{"anything-but": {"prefix": "a"}}]}',  # EventBridge alone has it
        '{"eventName": [{"wildcard": "a*"}]}',
        '{"eventName": [{"cidr": "10.0.0.0/8"}]}',
        '{"n": [{"numeric": []}]}',
        '{"n": [{"numeric": ["="]}]}',
        '{"n": [{"numeric": [1, "="]}]}',
        '{"n": [{"numeric": ["=", "1"]}]}',
        '{"n": [{"numeric": ["!=", 1]}]}',
        '{"n": [{"numeric": ["=", true]}]}',
        '{"n": [{"numeric": ["<", 1, ">", 0]}]}',
        '{"n": [{"numeric": [">", 2, "<", 1]}]}',
        '{"n": [{"numeric": [">", 1, "<", 1]}]}',
        '{"n": [{"numeric": [">", 1, "<", 2, "<", 3]}]}',
        '{"$or": []}',
        '{"$or": [{"a": [1]}]}',  # of one, as in Event Ruler
        '{"$or": [{"a": [1]}, {}]}',
        '{"$or": [{"a": [1]}, {"b": 1}]}',
        '{"a": [1e999]}',
        '{"a": [NaN]}',
        '{"a": ["\\ud800"]}',
        '{"a": ' * 100 + "[1]" + "}" * 100,
        "[" * 4096,
        '{"a": [1]} trailing',
    ],
    ids=lambda text: text[:60],
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(FilterPatternInvalid, match=r"^Invalid filter pattern definition\.$"):
        FilterPattern(text)


def test_a_pattern_tells_which_fields_it_looks_into() -> None:
    pattern = FilterPattern('{"body": {"a": [1]}, "messageId": ["x"], "$or": [{"q": [1]}, {"r": [1]}]}')
    assert pattern.structured == {"body"}


class Counted(dict[str, Any]):
    """A record that counts how often it is looked into."""

    looks = 0

    def get(self, *args: Any) -> Any:
        self.looks += 1
        return super().get(*args)

    def __getitem__(self, name: str) -> Any:
        self.looks += 1
        return super().__getitem__(name)


def test_alternatives_are_not_multiplied_out() -> None:
    """Thirty alternatives within each other would be 2^30 patterns; a field is looked at once for each time it is named."""
    alternatives: dict[str, object] = {"x": ["no"], "y": ["no"]}
    for level in range(30):
        alternatives = {"$or": [{f"a{level}": ["no"]}, alternatives], f"b{level}": [{"anything-but": "no"}]}
    text = json.dumps(alternatives)
    assert len(text) <= 4096
    pattern = FilterPattern(text)
    record = Counted({name: "yes" for level in range(30) for name in (f"a{level}", f"b{level}")} | {"x": 1, "y": 1})
    assert not pattern.matches(record)
    assert record.looks <= 62


# --- against another way of doing it ---------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d"])
REQUIRED, ALTERNATIVE = st.sampled_from(["a", "b"]), st.sampled_from(["c", "d"])  # a field is held to one thing
SCALARS = st.one_of(
    st.none(), st.booleans(), st.sampled_from([0, 1, 2, 1.0, 2.5]), st.sampled_from(["", "x", "X", "xy", "yx"])
)
ELEMENTS = st.one_of(st.lists(SCALARS, max_size=3), st.lists(st.lists(SCALARS, max_size=2), max_size=2))
RECORDS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    NAMES,
    st.recursive(
        st.one_of(SCALARS, ELEMENTS),
        lambda inner: st.one_of(
            st.dictionaries(NAMES, inner, max_size=3),
            st.lists(st.dictionaries(NAMES, inner, max_size=3), min_size=1, max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=3,
)
TEXTS = st.sampled_from(["", "x", "X", "xy"])
NUMBERS = st.sampled_from([0, 1, 2.5])
TESTS = st.one_of(
    SCALARS,
    st.builds(lambda v: {"exists": v}, st.booleans()),
    st.builds(lambda k, v: {k: v}, st.sampled_from(["prefix", "suffix", "equals-ignore-case"]), TEXTS),
    st.builds(lambda v: {"anything-but": v}, st.one_of(TEXTS, NUMBERS, st.lists(TEXTS, min_size=1, max_size=2))),
    st.builds(lambda s, n: {"numeric": [s, n]}, st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS),
    st.builds(lambda a, b: {"numeric": [a, 0, b, 2]}, st.sampled_from([">", ">="]), st.sampled_from(["<", "<="])),
)
LEAVES = st.lists(TESTS, min_size=1, max_size=3)


def patterns_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.dictionaries(REQUIRED, st.one_of(LEAVES, inner), min_size=1, max_size=2)
    alternatives = st.lists(st.dictionaries(ALTERNATIVE, st.one_of(LEAVES, inner), min_size=1), min_size=2, max_size=3)
    return st.one_of(plain, st.builds(lambda fields, either: {**fields, "$or": either}, plain, alternatives))


PATTERNS = patterns_of(patterns_of(patterns_of(LEAVES)))


def choices(value: object) -> Iterator[object]:
    """The value with one element chosen for each list, in every way; a list of nothing is no value."""
    if isinstance(value, list):
        chosen = [choice for element in value for choice in choices(element)]
        yield from chosen or [ABSENT]
    elif isinstance(value, dict):
        for combination in product(*(list(choices(inner)) for inner in value.values())):
            yield dict(zip(value, combination, strict=True))
    else:
        yield value


ABSENT: Any = object()


def holds(test: Any, value: object) -> bool:
    """One test of a value that is no list and no object."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match test:
        case {"exists": wanted}:
            return (value is not ABSENT) is wanted
        case _ if value is ABSENT:
            return False
        case {"prefix": start}:
            return isinstance(value, str) and value[: len(start)] == start
        case {"suffix": end}:
            return isinstance(value, str) and value[len(value) - len(end) :] == end
        case {"equals-ignore-case": text}:
            return isinstance(value, str) and value.upper() == text.upper()
        case {"anything-but": list(texts)}:
            return not any(holds(text, value) for text in texts)
        case {"anything-but": one}:
            return not holds(one, value)
        case {"numeric": comparisons}:
            pairs = zip(comparisons[::2], comparisons[1::2], strict=True)
            signs = {"=": "__eq__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
            return number and all(getattr(float(cast("float", value)), signs[sign])(float(n)) for sign, n in pairs)
        case _:
            return json.dumps(test) == json.dumps(value) or (
                number and isinstance(test, int | float) and not isinstance(test, bool) and test == value
            )


def naive(pattern: dict[str, Any], record: object) -> bool:
    """A record without lists."""
    fields = record if isinstance(record, dict) else {}
    for name, inner in pattern.items():
        if name == "$or":
            if not any(naive(alternative, fields) for alternative in inner):
                return False
            continue
        value = fields.get(name, ABSENT)
        if isinstance(inner, dict):
            if not naive(inner, value):
                return False
        elif not any(holds(test, ABSENT if isinstance(value, dict) else value) for test in inner):
            return False
    return True


@settings(deadline=None)
@given(PATTERNS, RECORDS)
def test_it_finds_what_trying_every_element_of_every_list_finds(
    pattern: dict[str, Any], record: dict[str, Any]
) -> None:
    assert matches(pattern, record) is any(naive(pattern, choice) for choice in choices(record))


@given(st.text(max_size=200) | st.recursive(SCALARS, lambda v: st.lists(v) | st.dictionaries(NAMES, v)).map(json.dumps))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        pattern = FilterPattern(text)
    except FilterPatternInvalid:
        return
    assert pattern.matches({"a": 1}) in (True, False)
