"""Wildcards mean what they mean, and no pattern takes longer than its length and the text's allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.policies.globs import matches

PATTERNS = st.text("ab*?", max_size=8)
TEXTS = st.text("ab", max_size=10)


def naive(pattern: str, text: str) -> bool:
    """The definition, tried out."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naive(pattern[1:], text[skipped:]) for skipped in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and naive(pattern[1:], text[1:])


@given(PATTERNS, TEXTS)
def test_a_pattern_matches_what_its_definition_says(pattern: str, text: str):
    assert matches(pattern, text) is naive(pattern, text)


@given(st.text(), st.text())
def test_without_wildcards_only_the_same_matches(pattern: str, text: str):
    if not set(pattern) & set("*?"):
        assert matches(pattern, text) is (pattern == text)


@pytest.mark.parametrize("letter", ["\n", ".", "[", "\\", "é", "\U0001f600"])
def test_no_other_character_is_special(letter: str):
    assert matches("a?b", f"a{letter}b")
    assert matches("*", letter * 3)
    assert matches(f"{letter}*", f"{letter}x")
    assert not matches(f"{letter}*", "ax")


def test_a_star_may_be_what_is_asked_for():
    assert matches("*", "*")
    assert matches("a?", "a?")


BOMBS = {
    "stars": "*a" * 10_000 + "b",
    "any": "?" * 5_000 + "*" + "?" * 5_000 + "b",
    "only stars": "*" * 20_000 + "b",
    "all of Unicode": "*" + "".join(map(chr, range(0x3000, 0x3000 + 7_000))),
}


@pytest.mark.parametrize("pattern", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_only_a_long_pattern(pattern: str):
    assert not matches(pattern, "a" * 10_000)
