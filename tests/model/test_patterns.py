"""Java's patterns in Python."""

import re

import pytest

from lambent.model import files
from lambent.model.patterns import matches, translated
from lambent.model.service import load

UNREADABLE = {r"^arn:\S+:rbin:[a-z\-0-9]{0,63}:[0-9]{12}:rule/[0-9a-zA-Z]{11}{0,1011}$"}


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "é ü１=", "a#"),
        (r"\P{C}+", "aé\u3042", "a\x00"),
        (r"[\P{M}\p{M}]{1,3}", "a\u0301", "abcd"),
        (r"[\p{Print}&&[^|:/]]+", "a b", "a|b"),
        (r"\p{XDigit}+", "fF0", "g"),
        (r"\p{Alnum}+", "a1", "é"),
        (r"[\p{L}||\p{N}]+", "é1|", "-"),
        (r"(?! )[\p{L}\p{N}\p{Z}-_]*", "é-_", "a."),
        (r"^(?i)(true|false)$", "TRUE", "yes"),
        (r"\A[0-9]+\z", "12", "12\n"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\U0001f600\n", "\x00"),
        (r"[\w- ]*", "a -b", "é"),
        (r"[a-zA-Z0-9\s-_()\[\]]+", "a-_[]", "%"),
        (r"[a\x{60}]+", "a`", "b"),
        (r"\d{2}", "12", "\u0661\u0662"),
        (r"^[-_a-zA-Z0-9]*${2,64}$", "ab", "a b"),
        (r"([a-zA-Z0-9-_]+)", "a-b_c", "example.com"),
        (r"((?!^\d+$)^[0-9a-zA-Z-_]+$)", "v1", "2"),
        (r"$|arn:.*", "", "x"),
    ],
)
def test_a_pattern_means_what_it_means_in_java(pattern: str, fits: str, does_not: str) -> None:
    assert matches(pattern, fits)
    assert not matches(pattern, does_not)


def test_a_pattern_matches_the_whole_text_and_a_line_break_is_text() -> None:
    assert not matches("[a-z]+", "abc\n")


@pytest.mark.filterwarnings("error::FutureWarning")
def test_every_pattern_of_the_services_we_have_can_be_read() -> None:
    for service in ("lambda", "logs", "sts", "iam", "sqs", "sns", "events", "dynamodb", "kinesis", "s3"):
        for shape in load(service).traits.shapes.values():
            if shape.pattern:
                re.compile(translated(shape.pattern), re.ASCII)


def test_of_the_patterns_python_refuses_as_they_stand_all_but_one_can_be_read() -> None:
    folder = files.data_folder()
    refused = set[str]()
    for service in (
        "rbin",
        "appflow",
        "budgets",
        "datasync",
        "quicksight",
        "codeartifact",
        "location",
        "config",
        "fsx",
    ):
        for shape in load(service, folder).traits.shapes.values():
            if shape.pattern and not readable(shape.pattern):
                refused.add(shape.pattern)
    assert refused == UNREADABLE


def readable(pattern: str) -> bool:
    try:
        re.compile(translated(pattern), re.ASCII)
    except re.error:
        return False
    return True
