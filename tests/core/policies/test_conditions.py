"""Every operator, on keys that are given, absent and unknown. IAM User Guide, "Condition operators"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.policies.conditions import FOR_ALL, FOR_ANY, IF_EXISTS, OPERATORS, hold, is_operator
from lambent.core.policies.facts import Facts
from lambent.core.policies.truth import Truth

UNKNOWN = "aws:SourceIp"


def holds(operator: str, wanted: str | list[str], *given: str, key: str = "a:k", variables: bool = True) -> Truth:
    facts = Facts({key: given} if given else {})
    values = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    return hold({operator: {key.upper(): values}}, facts, variables=variables)


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "truth"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", [], "a", False),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", ["x", "a*?"], "abc", True),
        ("StringNotLike", "a*", "abc", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", "10", "1e1", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "10", False),
        ("NumericGreaterThanEquals", "9007199254740992", "9007199254740993", True),
        ("NumericGreaterThan", "9007199254740992", "9007199254740993", True),
        ("NumericEquals", "ten", "10", None),
        ("NumericEquals", "NaN", "10", None),
        ("NumericEquals", ["ten", "10"], "10", True),
        ("NumericNotEquals", ["ten", "11"], "10", None),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", True),
        ("DateNotEquals", "2026-01-01", "2026-01-01T00:00:00Z", False),
        ("DateLessThan", "2026-01-02", "2026-01-01T23:59:59Z", True),
        ("DateLessThanEquals", "1767225600", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-01-01", "2026-01-01T00:00:00Z", True),
        ("DateLessThan", "tomorrow", "2026-01-01T00:00:00Z", None),
        ("DateLessThan", "0001-01-01T00:00:00+23:00", "2026-01-01T00:00:00Z", None),
        ("DateLessThan", "999999999999", "2026-01-01T00:00:00Z", None),
        ("Bool", "true", "True", True),
        ("Bool", "false", "true", False),
        ("Bool", "yes", "true", None),
        ("BinaryEquals", "QQ==", "QQ==", True),
        ("BinaryEquals", "QQ==", "Qg==", False),
        ("BinaryEquals", "?", "Qg==", None),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", ["10.0.0.1", "::1"], "::1", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("IpAddress", "here", "10.1.2.3", None),
        ("ArnEquals", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", True),
        ("ArnLike", "arn:aws:*:::bucket", "arn:aws:s3:::bucket", True),
        ("ArnLike", "arn:aws:s3*bucket", "arn:aws:s3:::bucket", None),
        ("ArnLike", "arn:*:*:*:*:*", "arn:aws:sns:eu-west-1:123456789012:topic:with:colons", True),
        ("ArnLike", "arn:aws:sns:*:topic", "arn:aws:sns:eu-west-1:123456789012:topic", None),
        ("ArnLike", "*", "arn:aws:s3:::bucket", True),
        ("ArnLike", "arn:aws:s3:::b", "no arn", False),
        ("ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", False),
        ("ArnNotLike", "arn:aws:s3:::b", "arn:aws:s3:::c", True),
    ],
)
def test_an_operator_compares_as_its_type_does(operator: str, wanted: str | list[str], given: str, truth: Truth):
    assert holds(operator, wanted, given) is truth


@pytest.mark.parametrize(
    ("operator", "truth"),
    [
        ("StringEquals", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
        ("NumericLessThan", False),
        ("NotIpAddress", True),
    ],
)
def test_a_key_that_is_absent_fails_unless_the_operator_is_negated_or_forgives_it(operator: str, truth: bool):
    assert holds(operator, "1") is truth


@pytest.mark.parametrize(
    ("operator", "given", "truth"),
    [
        ("ForAllValues:StringEquals", "ab", True),
        ("ForAllValues:StringEquals", "abx", False),
        ("ForAnyValue:StringEquals", "xya", True),
        ("ForAnyValue:StringEquals", "xy", False),
        ("ForAllValues:StringNotEquals", "xy", True),
        ("ForAllValues:StringNotEquals", "xa", False),
        ("ForAnyValue:StringNotEquals", "xa", True),
        ("ForAnyValue:StringNotEquals", "ab", False),
        ("StringEquals", "ab", None),  # several values, and the policy does not say how many of them shall match
    ],
)
def test_several_values_are_asked_for_all_or_for_any(operator: str, given: str, truth: Truth):
    assert holds(operator, ["a", "b"], *given) is truth


def test_null_asks_whether_a_key_is_there():
    assert holds("Null", "true") is True
    assert holds("Null", "false") is False
    assert holds("Null", "true", "x") is False
    assert holds("Null", "False", "x") is True
    assert holds("Null", "perhaps", "x") is None


@pytest.mark.parametrize(
    "operator", ["StringEquals", "StringNotEquals", "StringEqualsIfExists", "Null", "ForAllValues:StringEquals"]
)
def test_of_a_key_that_is_unknown_nothing_can_be_told(operator: str):
    assert holds(operator, "true", key=UNKNOWN) is None


def test_a_policy_variable_is_not_resolved_and_not_taken_literally():
    assert holds("StringEquals", "${aws:username}", "${aws:username}") is None
    assert holds("StringEquals", ["${aws:username}", "eve"], "eve") is True
    assert holds("StringEquals", "${aws:username}", "${aws:username}", variables=False) is True


def test_all_conditions_hold_or_none_does():
    facts = Facts({"a:k": ("x",), "a:l": ("y",)})
    assert hold({"StringEquals": {"a:k": ("x",), "a:l": ("y",)}}, facts, variables=True) is True
    assert hold({"StringEquals": {"a:k": ("x",)}, "Bool": {"a:l": ("true",)}}, facts, variables=True) is False
    assert hold({"StringEquals": {"a:k": ("z",), UNKNOWN: ("1",)}}, facts, variables=True) is False
    assert hold({"StringEquals": {"a:k": ("x",), UNKNOWN: ("1",)}}, facts, variables=True) is None
    assert hold({}, facts, variables=True) is True


TYPED = st.sampled_from(
    [
        "1",
        "-1e999",
        "1e-999",
        "9" * 64,
        "2026-01-01",
        "9999-12-31T23:59:59-23:59",
        "-99999999999",
        "10.0.0.0/8",
        "::/0",
        "arn:aws:s3:::b",
        "QQ==",
        "true",
        "${a",
        "1.2.3.4/33",
        "0001-01-01T00:00:00+14:00",
    ]
)
VALUES = st.lists(TYPED | st.text(max_size=12), max_size=3)


@given(
    st.sampled_from(["", FOR_ALL, FOR_ANY]),
    st.sampled_from([*OPERATORS]),
    st.sampled_from(["", IF_EXISTS]),
    VALUES,
    VALUES,
)
def test_no_value_is_too_strange_to_be_compared(
    before: str, name: str, after: str, wanted: list[str], given: list[str]
):
    assert is_operator(before + name + after)
    assert holds(before + name + after, wanted, *given) in (True, False, None)
