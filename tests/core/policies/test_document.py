"""Texts that are policies, and hostile ones that are not."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.policies.document import Flaw, PolicyMalformed, parsed

STATEMENT: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "a:B", "Resource": "*"}


def text_of(*statements: object, **fields: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | fields)


def flaw_of(text: str) -> Flaw:
    with pytest.raises(PolicyMalformed) as caught:
        parsed(text)
    return caught.value.flaw


def test_one_and_many_are_written_alike():
    one = parsed(text_of(STATEMENT)).statements[0]
    many = parsed(text_of(STATEMENT | {"Action": ["a:B"], "Resource": ["*"]})).statements[0]
    assert one == many
    assert parsed(json.dumps({"Statement": STATEMENT})).version == "2008-10-17"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "NaN", "[" * 100_000, '{"Statement":' * 50_000, '"\\ud800"', "9" * 50_000, "\x00"),
        '{"Statement": [{"Effect": "Allow", "Sid": "\\udfff"}]}',
    ],
)
def test_what_is_no_json_is_said_to_be_none(text: str):
    assert flaw_of(text) is Flaw.NOT_JSON


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "1", "null", "{}", text_of(), text_of(1), text_of(STATEMENT, Version="2013-01-01"), text_of(None)),
        text_of(STATEMENT, What=1),
        text_of(STATEMENT, Id=1),
        text_of(STATEMENT, Version=["2012-10-17"]),
        text_of(STATEMENT | {"effect": "Allow"}),
        text_of(STATEMENT | {"Effect": ["Allow"]}),
        text_of(STATEMENT | {"Sid": 1}),
        text_of(STATEMENT | {"NotAction": "a:B"}),
        text_of(STATEMENT | {"NotResource": "*"}),
        text_of(STATEMENT | {"NotPrincipal": "*"}),
        text_of(STATEMENT | {"Action": [["a:B"]]}),
        text_of(STATEMENT | {"Principal": {"Somebody": "x"}}),
        text_of(STATEMENT | {"Principal": {}}),
        text_of(STATEMENT | {"Principal": "123456789012"}),
        text_of(STATEMENT | {"Condition": {"StringEquals": "x"}}),
        text_of(STATEMENT | {"Condition": {"StringEqual": {"a:b": "x"}}}),
        text_of(STATEMENT | {"Condition": {"NullIfExists": {"a:b": "true"}}}),
        text_of(STATEMENT | {"Condition": {"ForAllValues:ForAnyValue:StringEquals": {"a:b": "x"}}}),
        text_of(STATEMENT | {"Condition": {"StringEquals": {"a:b": {"c": "x"}}}}),
        text_of(STATEMENT).replace('"Effect": "Allow"', '"Effect": "Deny", "Effect": "Allow"'),
        text_of(STATEMENT).replace('"Statement"', '"Statement": [], "Statement"'),
    ],
)
def test_what_breaks_the_grammar_is_refused(text: str):
    assert flaw_of(text) is Flaw.SYNTAX


def test_statements_are_told_apart_by_their_sid():
    assert flaw_of(text_of(STATEMENT | {"Sid": "x"}, STATEMENT | {"Sid": "x"})) is Flaw.REPEATED_SID
    assert len(parsed(text_of(STATEMENT, STATEMENT)).statements) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "AWS", "Condition", "Bool"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON.map(json.dumps) | st.text())
def test_any_text_is_a_policy_or_is_refused(text: str):
    with suppress(PolicyMalformed):
        parsed(text)
