"""What stops a command is one sentence, on every Python from 3.11.0 on."""

from __future__ import annotations

import pytest

from lambent.cli.errors import Failed, failure_of

KINDS = (ConnectionError, LookupError)
ONE = ConnectionError("one.")
OTHER = KeyError("other")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        pytest.param(ONE, "one.", id="alone"),
        pytest.param(ExceptionGroup("", [ONE]), "one.", id="in a group"),
        pytest.param(ExceptionGroup("", [ExceptionGroup("", [ONE])]), "one.", id="in a group of a group"),
        pytest.param(ExceptionGroup("", [ONE, OTHER]), "one.; 'other'", id="two"),
    ],
)
def test_what_is_known_fails_as_one_sentence_and_in_no_group(raised: Exception, said: str):
    with pytest.raises(Failed) as failed, failure_of(*KINDS):
        raise raised
    assert str(failed.value) == said
    assert failed.value.__suppress_context__


@pytest.mark.parametrize(
    "raised",
    [
        pytest.param(ValueError("a fault"), id="alone"),
        pytest.param(KeyboardInterrupt(), id="no error"),
        pytest.param(ExceptionGroup("", [ONE, ValueError("a fault")]), id="beside one that is known"),
        pytest.param(BaseExceptionGroup("", [KeyboardInterrupt()]), id="no error, in a group"),
    ],
)
def test_what_is_not_known_passes_as_it_is(raised: BaseException):
    with pytest.raises(BaseException) as passed, failure_of(*KINDS):
        raise raised
    assert passed.value is raised
