"""An error is declared once and raised by name."""

import pytest

from lambent.core.errors import AccessDeniedException, AwsError, ValidationException


class FunctionNotFound(AwsError, code="ResourceNotFoundException"):
    message = "Function not found: {arn}"


class TooMany(AwsError, code="TooManyRequestsException", extra={"Reason": "{reason}", "Type": "User"}):
    message = "Rate Exceeded."


def test_the_fields_of_a_raise_fill_the_sentence() -> None:
    with pytest.raises(AwsError, match="Function not found: arn:x") as raised:
        raise FunctionNotFound(arn="arn:x")
    assert raised.value.code == "ResourceNotFoundException"


def test_further_members_are_templates_over_the_same_fields() -> None:
    error = TooMany(reason="ReservedFunctionConcurrentInvocationLimitExceeded")
    assert error.members == {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"}
    assert error.text == "Rate Exceeded."


def test_braces_in_what_a_caller_sent_are_not_a_template() -> None:
    assert FunctionNotFound(arn="{fields}").text == "Function not found: {fields}"


def test_a_subclass_keeps_the_code_of_its_kind() -> None:
    class LayerNotFound(FunctionNotFound):
        message = "Layer {arn}"

    assert LayerNotFound(arn="x").code == "ResourceNotFoundException"


def test_one_violation_is_an_error_and_two_are_errors() -> None:
    assert str(ValidationException(["a"])) == "1 validation error detected: a"
    assert str(ValidationException(["a", "b"])) == "2 validation errors detected: a; b"


def test_access_denied_names_caller_action_and_resource() -> None:
    assert AccessDeniedException(caller="arn:me", action="lambda:Invoke", resource="arn:it").text == (
        "User: arn:me is not authorized to perform: lambda:Invoke on resource: arn:it "
        "because no identity-based policy allows the lambda:Invoke action"
    )
