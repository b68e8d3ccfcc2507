"""What becomes of a request on its way to an operation, in each protocol; signed by botocore, without a socket."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.httpchecksum import AwsChunkedWrapper

from lambent.core.limits import Fault
from lambent.wire.messages import Request, Response
from tests.gateway.small import ACCOUNT, Mode, gateway
from tests.wire.signing import signed

URL = "http://127.0.0.1:4566"
INVOKE = f"{URL}/2015-03-31/functions/hello/invocations"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
PUT_ITEM = {"X-Amz-Target": "DynamoDB_20120810.PutItem"}
DESCRIBE = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1"}


async def answered(request: Request, auth: Mode = "enforced") -> Response:
    response = await gateway(auth).handle(request)
    assert dict(response.headers).get("x-amzn-RequestId")
    return response


def error(response: Response) -> tuple[int, str, str]:
    """Status, code and sentence, whatever the protocol."""
    body = response.body.decode()
    if body.startswith("{"):
        content: dict[str, Any] = json.loads(body)
        sentence = content.get("message") or content.get("Message", "")
        return response.status, content.get("__type") or dict(response.headers)["x-amzn-ErrorType"], sentence
    code = body.partition("<Code>")[2].partition("</Code>")[0]
    return response.status, code, body.partition("<Message>")[2].partition("</Message>")[0]


# --- the way through ---------------------------------------------------------------------------------------------


async def test_a_signed_invocation_reaches_its_function():
    response = await answered(signed("POST", INVOKE, params={"Qualifier": "7"}, body=b'{"a": 1}'))
    assert (response.status, response.body) == (200, b'{"a": 1}')
    assert dict(response.headers)["X-Amz-Executed-Version"] == "7"


async def test_the_region_is_the_one_that_was_signed_for():
    request = signed("POST", URL, service="logs", region="ap-southeast-2", headers=DESCRIBE, body=b"{}")
    assert json.loads((await answered(request)).body) == {"nextToken": "ap-southeast-2"}


async def test_a_query_request_reaches_its_operation():
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    response = await answered(signed("POST", URL, service="sts", headers=FORM, body=body))
    assert f"<Account>{ACCOUNT}</Account>" in response.body.decode()


async def test_a_presigned_url_works_as_its_signer():
    url = f"{URL}/?Action=GetCallerIdentity&Version=2011-06-15"
    response = await answered(signed("GET", url, signer=SigV4QueryAuth, service="sts"))
    assert b":root</Arn>" in response.body


async def test_a_role_session_of_the_account_is_let_in_and_named():
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    request = signed("POST", URL, service="sts", headers=FORM, body=body, access_key="ASIASESSION", token="token")
    assert b"assumed-role/worker/hello</Arn>" in (await answered(request)).body


async def test_a_large_body_is_proven_too():
    payload = json.dumps("x" * 1_000_000).encode()
    assert (await answered(signed("POST", INVOKE, body=payload))).body == payload
    request = signed("POST", INVOKE, body=payload)
    request.body = payload.replace(b"xx", b"xy", 1)
    assert error(await answered(request))[1] == "InvalidSignatureException"


async def test_a_body_in_chunks_arrives_without_its_frames():
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Trailer": "x-amz-checksum-crc32",
        "Content-Encoding": "aws-chunked",
    }
    framed = AwsChunkedWrapper(io.BytesIO(b'{"a": 1}')).read()
    assert (await answered(signed("POST", INVOKE, headers=headers, body=framed))).body == b'{"a": 1}'
    broken = await answered(signed("POST", INVOKE, headers=headers, body=framed[:-9]))
    assert error(broken)[:2] == (400, "SerializationException")


async def test_a_trailer_that_nobody_signed_cannot_become_a_header_that_means_something():
    headers = {
        "X-Amz-Content-SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "X-Amz-Trailer": "x-amz-checksum-crc32,x-amz-client-context",
    }
    body = b"1\r\n1\r\n0\r\nx-amz-checksum-crc32:g9/z9w==\r\nx-amz-client-context:evil\r\nx-amz-log-type:Tail\r\n\r\n"
    request = signed("POST", INVOKE, headers=headers, body=body)
    assert (await answered(request)).body == b"1"
    assert request.headers["x-amz-checksum-crc32"] == "g9/z9w=="
    assert not {"x-amz-client-context", "x-amz-log-type"} & request.headers.keys()


# --- who is not let in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "headers", "body", "expected"),
    [
        ("lambda", {}, b"", (403, "UnrecognizedClientException")),
        ("logs", DESCRIBE, b"{}", (400, "UnrecognizedClientException")),
        ("sts", FORM, b"Action=GetCallerIdentity", (403, "InvalidClientTokenId")),
        ("dynamodb", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}, b"{}", (400, "UnrecognizedClientException")),
    ],
)
async def test_an_unknown_access_key_is_refused_in_the_words_of_each_protocol(
    service: str, headers: dict[str, str], body: bytes, expected: tuple[int, str]
):
    url = INVOKE if service == "lambda" else URL
    response = await answered(signed("POST", url, service=service, headers=headers, body=body, access_key="AKIANOBODY"))
    assert error(response) == (*expected, "The security token included in the request is invalid.")


@pytest.mark.parametrize(
    ("service", "headers", "body", "expected"),
    [
        ("lambda", {}, b"", (403, "MissingAuthenticationTokenException", "Missing Authentication Token")),
        (
            "logs",
            DESCRIBE,
            b"{}",
            (400, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
        ),
        (
            "sts",
            FORM,
            b"Action=GetCallerIdentity",
            (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        ),
    ],
)
async def test_an_unsigned_request_is_refused(
    service: str, headers: dict[str, str], body: bytes, expected: tuple[int, str, str]
):
    request = signed("POST", INVOKE if service == "lambda" else URL, service=service, headers=headers, body=body)
    del request.headers["authorization"]
    assert error(await answered(request)) == expected


async def test_a_wrong_secret_is_refused_and_the_answer_shows_what_was_to_be_signed():
    status, code, sentence = error(await answered(signed("POST", INVOKE, secret="wrong")))
    assert (status, code) == (403, "InvalidSignatureException")
    assert "The Canonical String for this request should have been\n'POST\n/2015-03-31/functions" in sentence
    status, code, sentence = error(await answered(signed("POST", URL, service="sts", headers=FORM, secret="wrong")))
    assert (status, code) == (403, "SignatureDoesNotMatch")
    assert sentence.endswith("Consult the service documentation for details.")


async def test_a_session_that_has_ended_is_refused():
    response = await answered(signed("POST", INVOKE, access_key="ASIASESSION", token="ended"))
    assert error(response) == (403, "ExpiredTokenException", "The security token included in the request is expired")


async def test_a_region_that_is_none_is_refused():
    response = await answered(signed("POST", INVOKE, region="moon"))
    assert error(response)[2] == "Credential should be scoped to a valid region, not 'moon'."


@pytest.mark.parametrize(("key", "arn"), [("AKIAUSER", f"{ACCOUNT}:user/eve"), ("AKIASTRANGER", "999999999999:root")])
async def test_a_user_and_another_account_are_known_and_denied(key: str, arn: str):
    status, code, sentence = error(await answered(signed("POST", INVOKE, access_key=key)))
    assert (status, code) == (403, "AccessDeniedException")
    assert sentence == (
        f"User: arn:aws:iam::{arn} is not authorized to perform: lambda:InvokeFunction on resource: * "
        "because no identity-based policy allows the lambda:InvokeFunction action"
    )


# --- what is not there -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "named"),
    [
        ("lambda", "GET", "/2015-03-31/functions/", {}, b"", "lambda:ListFunctions"),
        ("lambda", "POST", "/2026-10-01/runtimes", {}, b"{}", "lambda-core:CreateRuntime"),
        ("lambda", "POST", "/2025-09-09/microvms", {}, b"{}", "lambda-microvms:RunMicrovm"),
        ("logs", "POST", "/", {"X-Amz-Target": "Logs_20140328.StartQuery"}, b"{}", "logs:StartQuery"),
        ("sts", "POST", "/", FORM, b"Action=GetSessionToken&Version=2011-06-15", "sts:GetSessionToken"),
        ("dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.PutItem"}, b"{}", "dynamodb:PutItem"),
        ("ec2", "POST", "/", FORM, b"Action=RunInstances&Version=2016-11-15", "ec2:RunInstances"),
        ("s3", "PUT", "/bucket/a/key", {}, b"", "s3:PutObject"),
        ("monitoring", "POST", "/service/GraniteServiceVersion20100801/operation/PutMetricData",
         {"smithy-protocol": "rpc-v2-cbor"}, b"", "cloudwatch:PutMetricData"),
    ],
)  # fmt: skip
async def test_an_operation_that_lambent_does_not_have_is_named(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, named: str
):
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    request = signed(method, URL + path, signer=signer, service=service, headers=headers, body=body)
    response = await answered(request)
    assert response.status == 501
    assert f"{named} is an AWS operation that Lambent does not implement yet.".encode() in response.body


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "status"),
    [
        ("lambda", "GET", "/2015-03-31/nonsense", {}, 404),
        ("lambda", "POST", "/2015-03-31/functions//", {}, 404),
        ("logs", "POST", "/", {}, 404),
        ("logs", "POST", "/", {"X-Amz-Target": "Logs_20140328.Nonsense"}, 400),
        ("sts", "POST", "/", FORM, 400),
        ("dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.Nonsense"}, 400),
        ("nonsense", "GET", "/", {}, 404),
    ],
)
async def test_an_operation_that_aws_does_not_have_is_unknown(
    service: str, method: str, path: str, headers: dict[str, str], status: int
):
    response = await answered(signed(method, URL + path, service=service, headers=headers, body=b"Action=Nonsense"))
    assert error(response)[:2] == (status, "InvalidAction" if service == "sts" else "UnknownOperationException")


async def test_a_stranger_is_not_told_what_there_is():
    response = await answered(signed("GET", f"{URL}/2015-03-31/nonsense", secret="wrong"))
    assert error(response)[1] == "InvalidSignatureException"


async def test_a_bug_of_ours_is_told_as_awss_own_and_not_shown():
    response = await answered(signed("POST", f"{URL}/2015-03-31/functions/broken/invocations"))
    assert error(response)[:2] == (500, "ServiceException")
    assert b"secret" not in response.body


# --- open mode ---------------------------------------------------------------------------------------------------


IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize(
    ("key", "token", "account"),
    [("111122223333", None, "111122223333"), ("test", None, "000000000000"), ("ASIASESSION", "token", ACCOUNT)],
)
async def test_in_open_mode_any_signature_is_accepted(key: str, token: str | None, account: str):
    request = signed("POST", URL, service="sts", headers=FORM, body=IDENTITY, access_key=key, secret="x", token=token)
    request.headers["x-amz-date"] = "20200101T000000Z"
    assert f"<Account>{account}</Account>" in (await answered(request, "open")).body.decode()


@pytest.mark.parametrize(
    ("host", "path", "headers", "body", "contains"),
    [
        ("127.0.0.1:4566", "/", FORM, IDENTITY, b"<Account>000000000000</Account>"),
        ("127.0.0.1:4566", "/", DESCRIBE, b"{}", b"us-east-1"),
        ("127.0.0.1:4566", "/2015-03-31/functions/hello/invocations", {}, b"1", b"1"),
        ("lambda.us-east-1.localhost:4566", "/2015-03-31/functions/hello/invocations", {}, b"1", b"1"),
        ("sts.amazonaws.com", "/", FORM, IDENTITY, b"000000000000"),
        (
            "dynamodb.us-east-1.amazonaws.com",
            "/",
            PUT_ITEM,
            b"{}",
            b"dynamodb:PutItem is an AWS operation that Lambent",
        ),
        ("bucket.s3.eu-north-1.amazonaws.com", "/", {}, b"", b"not recognized by the service s3"),
        ("127.0.0.1:4566", "/key", {}, b"", b"names no AWS service"),
    ],
)
async def test_in_open_mode_an_unsigned_request_is_recognised(
    host: str, path: str, headers: dict[str, str], body: bytes, contains: bytes
):
    lower = {"host": host, **{name.lower(): value for name, value in headers.items()}}
    response = await answered(Request("POST", path, "", lower, body), "open")
    assert contains in response.body


# --- our own paths -----------------------------------------------------------------------------------------------


async def test_anyone_may_ask_whether_it_is_ready():
    response = await answered(Request("GET", "/_lambent/health", "", {}, b""))
    assert (response.status, json.loads(response.body)) == (200, {"status": "ready", "version": "0.0-test"})


async def test_other_paths_of_ours_do_not_exist():
    assert (await answered(Request("GET", "/_lambent/secrets", "", {}, b""))).status == 404


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_of_a_request_that_did_not_arrive_has_an_answer(fault: Fault):
    for head in (None, Request("POST", "/2015-03-31/functions/f/invocations", "", {}, b"")):
        response = gateway().refuse(fault, head)
        assert response.status == fault.value
        assert dict(response.headers)["x-amzn-RequestId"]
