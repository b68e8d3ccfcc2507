"""Values as Java writes them."""

import pytest

from lambent.model.java import double, hash_code, hash_set_order, to_string
from lambent.model.service import load

LAMBDA = load("lambda")

RECORDED_RUNTIMES = [
    *("nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25"),
    *("python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17"),
    *("nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2"),
]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0"),
        (-1.0, "-1.0"),
        (0.5, "0.5"),
        (0.001, "0.001"),
        (0.00012, "1.2E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-1.5e10, "-1.5E10"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_a_double_is_written_as_java_writes_it(value: float, written: str) -> None:
    assert double(value) == written


def test_lists_maps_and_structures_are_written_as_java_writes_them() -> None:
    assert to_string(["a", None], LAMBDA.shape("StringList")) == "[a, null]"
    assert to_string({"1": 0.5, "2": 1}, LAMBDA.shape("AdditionalVersionWeights")) == "{1=0.5, 2=1.0}"
    assert to_string({"Destination": "x"}, LAMBDA.shape("OnFailure")) == "OnFailure(destination=x)"
    assert to_string(True, LAMBDA.shape("Boolean")) == "true"
    assert to_string(b"abc", LAMBDA.shape("Blob")) == "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]"


def test_a_hash_code_is_javas() -> None:
    assert hash_code("") == 0
    assert hash_code("hello") == 99162322


@pytest.mark.parametrize(
    ("declared", "recorded"),
    [
        (["BUFFERED", "RESPONSE_STREAM"], ["RESPONSE_STREAM", "BUFFERED"]),
        (["AWS_IAM", "NONE"], ["NONE", "AWS_IAM"]),
        (["OFF", "ON", "OPTIONAL"], ["OPTIONAL", "OFF", "ON"]),
        (RECORDED_RUNTIMES, RECORDED_RUNTIMES),
    ],
)
def test_a_set_gives_its_values_in_the_recorded_order(declared: list[str], recorded: list[str]) -> None:
    assert hash_set_order(declared) == recorded
