"""Lists in headers: between commas, and what is in quotes holds commas and quotes of its own."""

from typing import Any

import msgspec
import pytest

from lambent.model.service import ServiceModel, ShapeModel
from lambent.model.traits import ServiceTraits
from lambent.wire.headers import header_reader, header_writer

MODEL = {
    "metadata": {"apiVersion": "1", "endpointPrefix": "imagined", "protocol": "rest-json"},
    "operations": {},
    "shapes": {"Word": {"type": "string"}, "Words": {"type": "list", "member": {"shape": "Word"}}},
}


def words() -> ShapeModel:
    return ServiceModel("imagined", msgspec.convert(MODEL, ServiceTraits)).shape("Words")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b ,c", ["a", "b", "c"]),
        ('"a,b", c', ["a,b", "c"]),
        (r'"a\"b", "c\\d", "e\\\"f"', ['a"b', r"c\d", r"e\"f"]),
        ("a,,b", ["a", "", "b"]),
        ('"not closed, b', ['"not closed, b']),
    ],
)
def test_a_list_in_a_header_is_split_at_commas_outside_of_quotes(text: str, expected: list[str]) -> None:
    read = header_reader(words())
    assert read is not None
    assert read(text) == expected


@pytest.mark.parametrize("items", [["a", "b"], ["a,b", 'c"d'], ['\\"', ",\\\\"]])
def test_a_list_in_a_header_is_read_as_it_was_written(items: list[Any]) -> None:
    write, read = header_writer(words()), header_reader(words())
    assert write is not None
    assert read is not None
    assert read(write(items)) == items


def test_a_long_header_that_never_closes_its_quotes_is_read() -> None:
    read = header_reader(words())
    assert read is not None
    assert len(read('"\\a' * 30_001)) == 1
