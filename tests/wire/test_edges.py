"""What strangers send, and what must never leave: malformed bodies, deep ones, header injection, error forms."""

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambent.core.errors import AccessDeniedException, AwsError, SerializationException, ValidationException
from lambent.model.service import load
from lambent.wire import timestamps
from lambent.wire.headers import safe
from lambent.wire.messages import Request, Response
from lambent.wire.protocols import UnspokenProtocol, protocol

LAMBDA, LOGS, IAM, SQS = load("lambda"), load("logs"), load("iam"), load("sqs")


class NotFound(AwsError, code="ResourceNotFoundException"):
    message = "Function not found: {arn}"


class TooMany(
    AwsError, code="TooManyRequestsException", extra={"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "7"}
):
    message = "Rate Exceeded."


class Broken(AwsError, code="ServiceException"):
    message = "A bug"


class NoSuchQueue(AwsError, code="QueueDoesNotExist"):
    message = "No such queue."


class NoSuchRole(AwsError, code="NoSuchEntityException"):
    message = "The role with name {name} cannot be found."


def parsed(service: str, operation: str, body: bytes, **headers: str) -> dict[str, Any]:
    model = load(service)
    return protocol(model).parse(
        model.operation(operation), Request("POST", "/", "", headers, body), {"FunctionName": "f"}
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "Could not parse request body into json: Unexpected end-of-input: expected close marker for Object"),
        (b'{"Timeout":3,}', r"Could not parse request body into json: Unexpected character \('}' \(code 125\)\): was"),
        (b"\xff\xfe", "Could not parse request body into json"),
        (b"[]", "Unexpected value type in payload"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"Environment":' * 5_000, "nested too deeply"),
        (b'{"Timeout":"3"}', "STRING_VALUE can not be converted to Integer"),
        (b'{"Timeout":3.5}', "DECIMAL_VALUE can not be converted to Integer"),
        (b'{"Timeout":99999999999}', "NUMBER_VALUE can not be converted to Integer"),
        (b'{"Timeout":1e400}', "can not be converted to Integer|Could not parse"),
        (b'{"Timeout":true}', "TRUE_VALUE can not be converted to Integer"),
        (b'{"Description":1}', "NUMBER_VALUE can not be converted to String"),
        (b'{"Description":{}}', "Start of structure or map found where not expected."),
        (b'{"Layers":"x"}', "Expected list or null"),
        (b'{"Environment":{"Variables":[]}}', "Expected map or null"),
        (b'{"Publish":"yes"}', "STRING_VALUE can not be converted to Boolean"),
        (b'{"Code":{"ZipFile":"no base64!"}}', "can not be converted to Blob"),
    ],
)
def test_a_malformed_body_is_a_serialization_exception_that_says_why(body: bytes, reason: str) -> None:
    operation = "CreateFunction" if b"Code" in body or b"Publish" in body else "UpdateFunctionConfiguration"
    with pytest.raises(SerializationException, match=reason):
        parsed("lambda", operation, body)


def test_nulls_and_unknown_members_are_left_out() -> None:
    body = b'{"Description":null,"Nonsense":{"a":[1]},"VpcConfig":{"SubnetIds":null,"What":1}}'
    assert parsed("lambda", "UpdateFunctionConfiguration", body) == {"FunctionName": "f", "VpcConfig": {}}


def test_an_empty_body_has_no_members() -> None:
    assert parsed("lambda", "UpdateFunctionConfiguration", b"") == {"FunctionName": "f"}
    assert parsed("logs", "DescribeLogGroups", b"") == {}


def test_a_payload_of_bytes_is_never_looked_into() -> None:
    assert parsed("lambda", "Invoke", b"\xff{not json")["Payload"] == b"\xff{not json"


@pytest.mark.parametrize("text", ["x", "", "%201", "1_0", "1.0", "9" * 30])
def test_a_number_in_a_query_is_digits_and_nothing_else(text: str) -> None:
    request = Request("GET", "/2015-03-31/functions", f"MaxItems={text}", {}, b"")
    with pytest.raises(SerializationException):
        protocol(LAMBDA).parse(LAMBDA.operation("ListFunctions"), request, {})


def test_a_form_with_too_many_fields_is_refused() -> None:
    with pytest.raises(SerializationException):
        parsed("iam", "TagRole", b"&".join(b"Tags.member.%d.Key=k" % number for number in range(30_000)))


def test_a_form_reaches_no_deeper_than_the_shape_and_its_numbers_only_give_an_order() -> None:
    deep = (
        b"RoleName=r&" + b"Tags." * 10_000 + b"x=1&Tags.member.999999999.Key=z&Tags.member.7.Key=a&Tags.member.x.Key=no"
    )
    assert parsed("iam", "TagRole", deep) == {"RoleName": "r", "Tags": [{"Key": "a"}, {"Key": "z"}]}


def test_a_header_that_a_function_chose_cannot_begin_another() -> None:
    output = {"StatusCode": 200, "FunctionError": "Un\r\nSet-Cookie: a=b\x00"}
    headers = dict(protocol(LAMBDA).serialize(LAMBDA.operation("Invoke"), output, "id").headers)
    assert headers["X-Amz-Function-Error"] == "Un  Set-Cookie: a=b "


@given(st.text())
def test_no_control_character_stays_in_a_header(text: str) -> None:
    assert not any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in safe(text))


def error_of(service: Any, error: AwsError) -> tuple[Response, dict[str, str]]:
    response = protocol(service).serialize_error(service, error, "an-id")
    return response, dict(response.headers)


def test_a_rest_json_error_has_the_models_status_and_its_case_of_message() -> None:
    response, headers = error_of(LAMBDA, NotFound(arn="x"))
    assert response.status == 404
    assert headers["x-amzn-ErrorType"] == "ResourceNotFoundException"
    assert headers["x-amzn-RequestId"] == "an-id"
    assert json.loads(response.body) == {"Type": "User", "Message": "Function not found: x"}


def test_further_members_stand_in_body_or_header_as_the_model_says() -> None:
    response, headers = error_of(LAMBDA, TooMany())
    assert response.status == 429
    assert headers["Retry-After"] == "7"
    assert json.loads(response.body) == {
        "Type": "User",
        "Reason": "CallerRateLimitExceeded",
        "message": "Rate Exceeded.",
    }


def test_a_fault_of_ours_is_the_services() -> None:
    response, _ = error_of(LAMBDA, Broken())
    assert (response.status, json.loads(response.body)) == (500, {"Type": "Service", "Message": "A bug"})


def test_an_error_that_no_model_has_brings_its_own_status_and_no_type() -> None:
    response, _ = error_of(LAMBDA, ValidationException(["x"]))
    assert (response.status, json.loads(response.body)) == (400, {"message": "1 validation error detected: x"})
    response, _ = error_of(LAMBDA, AccessDeniedException(caller="a", action="b", resource="c"))
    assert response.status == 403
    assert list(json.loads(response.body)) == ["Message"]


def test_a_json_error_names_its_type_in_the_body() -> None:
    response, headers = error_of(LOGS, NotFound(arn="x"))
    assert json.loads(response.body) == {"__type": "ResourceNotFoundException", "message": "Function not found: x"}
    assert headers["Content-Type"] == "application/x-amz-json-1.1"


def test_a_protocol_error_has_the_namespace_of_awss_framework() -> None:
    response, _ = error_of(LOGS, SerializationException(reason="x"))
    assert json.loads(response.body)["__type"] == "com.amazon.coral.service#SerializationException"


def test_a_service_that_once_spoke_query_tells_the_code_in_a_header_too() -> None:
    response, headers = error_of(SQS, NoSuchQueue())
    assert headers["x-amzn-query-error"] == "QueueDoesNotExist;Sender"
    assert json.loads(response.body)["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"


@given(st.text(st.characters(exclude_categories=[])))
@example("\ufffe\uffff\x00\ud800")
def test_an_error_in_xml_can_be_read_whatever_it_quotes(name: str) -> None:
    response, _ = error_of(IAM, NoSuchRole(name=name))
    message = ET.fromstring(response.body).find(".//{*}Message")
    assert message is not None
    assert message.text is not None
    assert len(message.text) == len(f"The role with name {name} cannot be found.")


def test_a_query_error_is_xml_with_the_code_of_the_wire() -> None:
    response, _ = error_of(IAM, NoSuchRole(name="<r>"))
    assert response.status == 404
    assert b"<Type>Sender</Type><Code>NoSuchEntity</Code>" in response.body
    assert b"&lt;r&gt;" in response.body


def test_a_protocol_nobody_wrote_is_said_to_be_unspoken() -> None:
    with pytest.raises(UnspokenProtocol, match="rest-xml"):
        protocol(load("s3"))


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01T00:00:00Z", "nan", "inf", "9" * 400, "Mon, 99 Foo 2020 00:00:00 GMT"]
)
def test_what_is_no_point_in_time_is_refused(text: str) -> None:
    with pytest.raises(SerializationException):
        timestamps.read(text)


@pytest.mark.parametrize("value", [True, [], {}, 1e300, float("nan")])
def test_no_other_json_is_a_point_in_time(value: object) -> None:
    with pytest.raises(SerializationException):
        timestamps.read(value)


@given(st.integers(-30_000_000_000_000, 253_000_000_000_000))
def test_a_point_in_time_is_read_back_from_each_form(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    for form in ("iso8601", "unixTimestamp"):
        assert timestamps.read(timestamps.writer(form)(seconds)) == pytest.approx(seconds, abs=0.0006)
    assert timestamps.read(timestamps.writer("rfc822")(float(int(seconds)))) == int(seconds)
