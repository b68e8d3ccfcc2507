"""How functions may be named, and what each form means."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.lambda_.errors import (
    FunctionInOtherAccount,
    FunctionInOtherRegion,
    FunctionNameMalformed,
    QualifierMismatch,
)
from lambent.lambda_.names import FunctionArn, FunctionReference

ACCOUNT = "123456789012"
REGION = "eu-central-1"

NAMES = st.text(st.sampled_from("abcXYZ019-_"), min_size=1, max_size=64).filter(
    lambda name: name != "function" and not (len(name) == 12 and name.isdigit())
)
QUALIFIERS = st.none() | st.just("$LATEST") | st.text(st.sampled_from("abcXYZ019-_"), min_size=1, max_size=128)


def forms(name: str) -> list[str]:
    """Every way to write the function of ACCOUNT and REGION."""
    return [
        name,
        f"function:{name}",
        f"{ACCOUNT}:function:{name}",
        f"{REGION}:{ACCOUNT}:function:{name}",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
    ]


@given(NAMES, QUALIFIERS)
def test_every_form_of_a_name_means_the_same_function(name: str, qualifier: str | None) -> None:
    expected = FunctionArn(REGION, ACCOUNT, name, qualifier)
    for form in forms(name):
        written = form if qualifier is None else f"{form}:{qualifier}"
        assert FunctionReference.of(written).located(ACCOUNT, REGION) == expected
        assert FunctionReference.of(form, qualifier).located(ACCOUNT, REGION) == expected
        assert FunctionReference.of(written, qualifier).located(ACCOUNT, REGION) == expected


@given(NAMES, QUALIFIERS)
def test_an_arn_that_was_written_is_read_back_the_same(name: str, qualifier: str | None) -> None:
    arn = FunctionArn(REGION, ACCOUNT, name, qualifier)
    assert FunctionReference.of(str(arn)).located(ACCOUNT, REGION) == arn


@given(st.text(max_size=200), st.none() | st.text(max_size=20))
def test_any_text_is_read_or_refused_with_an_error_of_aws(text: str, qualifier: str | None) -> None:
    with suppress(FunctionNameMalformed, QualifierMismatch):
        FunctionReference.of(text, qualifier)


def test_a_qualifier_in_the_name_that_contradicts_the_member_is_refused() -> None:
    with pytest.raises(QualifierMismatch, match="The derived qualifier from the function name does not match"):
        FunctionReference.of("thumbnail:1", "2")


def test_a_function_of_another_region_is_not_reachable() -> None:
    reference = FunctionReference.of(f"arn:aws:lambda:ap-southeast-1:{ACCOUNT}:function:f")
    with pytest.raises(FunctionInOtherRegion) as caught:
        reference.located(ACCOUNT, REGION)
    assert str(caught.value) == f"Functions from 'ap-southeast-1' are not reachable in this region ('{REGION}')"


def test_a_function_of_another_account_is_denied_without_a_sentence() -> None:
    with pytest.raises(FunctionInOtherAccount) as caught:
        FunctionReference.of("999999999999:function:f").located(ACCOUNT, REGION)
    assert caught.value.message is None


def test_the_regions_of_the_other_partitions_are_read() -> None:
    for region in ("us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "cn-north-1"):
        assert FunctionReference.of(f"arn:aws:lambda:{region}:{ACCOUNT}:function:f").region == region
