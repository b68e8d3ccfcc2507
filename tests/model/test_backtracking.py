"""Patterns that make Python's `re` hang do not hang a server. A test that fails here may do so by its timeout."""

import re
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.model import regular
from lambent.model.automaton import Automaton
from lambent.model.backtracking import forks
from lambent.model.patterns import matches, translated
from lambent.model.service import load

HEADER_VALUE = r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$"  # events

HOSTILE = [  # pattern, what is repeated, what spoils the match; found by trying each of AWS's patterns
    (HEADER_VALUE, " ", "\0"),
    (r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*", "-a", "\0"),  # bedrock
    (r"[a-zA-Z0-9_](([a-zA-Z0-9_]+)*([a-zA-Z0-9_]+))?", "a", "\0"),  # cleanrooms
    (r"^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$", "a", "\0"),  # ecr
    (r"^[a-z0-9A-Z]+[\.\-\w]*[a-z0-9A-Z]+$", "a", "\0"),  # dynamodb
    (r".*.+.*", "a", "\n"),  # bedrock-data-automation
    (r"[ -~]*[!-~]+[ -~]*", "a", "\0"),  # application-signals
]


@pytest.mark.parametrize(("pattern", "repeated", "spoiler"), HOSTILE)
def test_a_hostile_text_is_refused_in_time_that_grows_with_its_length(
    pattern: str, repeated: str, spoiler: str
) -> None:
    assert not matches(pattern, "a" + repeated * 100_000 + spoiler)
    assert matches(pattern, "a" + repeated * 10 + "a")


@pytest.mark.parametrize("service", ["lambda", "iam", "sts", "logs"])
def test_every_pattern_of_the_services_we_have_is_matched_in_bounded_time(service: str) -> None:
    for shape in load(service).traits.shapes.values():
        if shape.pattern:
            tree = regular.tree(translated(shape.pattern))
            if forks(tree) > 1:
                Automaton(tree)  # raises NotRegular for what it cannot match


def test_a_function_name_is_left_to_the_engine_in_c() -> None:
    for shape in ("FunctionName", "NamespacedFunctionName", "Qualifier", "RoleArn", "Handler"):
        pattern = load("lambda").traits.shapes[shape].pattern
        assert pattern is not None
        assert forks(regular.tree(translated(pattern))) == 0


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[a-z]+:[0-9]*", 0),
        ("(/[a-z]+)*/", 1),
        ("(-[a-z]+)*:", 0),
        ("[a-z]{2,4}a", 0),
        ("[a-z]*a", 1),
        (".*a.*", 1),
        (".*.+.*", 2),
        ("(a|ab)c", 0),
        ("((a|a*b)c)*", inf),
        ("(a*)*", inf),
        ("(a?b?)*", inf),
        ("([a-z]+-?)*", inf),
        ("(?!aws)[a-z]+", 0),
        ("(?!.*aws)[a-z]+", 1),
        ("(?i)[a-z]+A", 1),
    ],
)
def test_a_fork_is_a_repetition_that_leaves_open_where_it_ends(pattern: str, expected: float) -> None:
    assert forks(regular.tree(pattern)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        HEADER_VALUE,
        "(a|ab)(c|bcd)(d*)",
        "(a?b?)*",
        "((ab?){2,3}|-+)*",
        "[^a]{0,3}b{2}",
        "(a{0}b|)*c?",
        r"(\w|\s)*-\d{1,2}",
        "(?i)(a|B)*c",
        "^$|a+",
    ],
)
@given(text=st.text("abcdAB -1\n", max_size=9))
def test_the_automaton_and_the_engine_agree(pattern: str, text: str) -> None:
    expected = re.compile(pattern, re.ASCII).fullmatch(text) is not None
    assert Automaton(regular.tree(pattern)).matches(text) == expected


def test_what_the_automaton_has_learnt_is_bounded() -> None:
    automaton = Automaton(regular.tree(".*[a\u4e00-\u9fff]"))
    assert automaton.matches("".join(map(chr, range(0x4E00, 0x9FFF))) * 2)
    assert not automaton.matches("".join(map(chr, range(0x4E00, 0x9FFF))) + "b")


@pytest.mark.parametrize("pattern", [r"(a)\1", r"a\b", "a^b", "(?!a)a"])
def test_what_no_tree_can_say_is_not_regular(pattern: str) -> None:
    with pytest.raises(regular.NotRegular):
        Automaton(regular.tree(pattern))
