"""What an environment is made of, as far as it is decided before there is a sandbox."""

from __future__ import annotations

import pytest

from lambent.lambda_.invoke.launching import SESSION_NAME_MIN, session_name
from lambent.model.service import load


@pytest.mark.parametrize(
    ("function_name", "session"),
    [("f", "f@lambda_function"), ("fn", "fn"), ("a" * 64, "a" * 64)],
)
def test_the_session_of_a_role_is_called_as_its_function_where_sts_would_take_the_name(
    function_name: str, session: str
) -> None:
    traits = load("sts").operation("AssumeRole").input.members["RoleSessionName"].traits  # type: ignore[union-attr]
    assert traits.min == SESSION_NAME_MIN
    assert session_name(function_name) == session
    assert traits.max == 64
