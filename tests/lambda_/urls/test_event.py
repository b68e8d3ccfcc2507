"""What a function gets of a request to its URL; the expectations are events that users of AWS have captured."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.kernel import Caller
from lambent.lambda_.urls.event import Visit, event_of
from lambent.wire.messages import Request

URL_ID = "abcdefghijklmnopqrstuvwxyz234567"
DOMAIN = f"{URL_ID}.lambda-url.eu-north-1.localhost"
CALLER = Caller(
    account="123456789012",
    arn="arn:aws:sts::123456789012:assumed-role/worker/hello",
    principal_id="AROAEXAMPLE:hello",
    access_key="ASIAEXAMPLE",
    session_name="hello",
)
LATIN_1 = st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n\0"))


def event(
    method: str = "GET",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    caller: Caller | None = None,
) -> dict[str, Any]:
    request = Request(method, path, query, {"host": f"{DOMAIN}:4566"} | (headers or {}), body, "10.0.0.7")
    visit = Visit(
        url_id=URL_ID,
        domain=DOMAIN,
        path=path,
        port="4566",
        caller=caller,
        request_id="a8c8169b-02fb-4762-8419-1fbbd4f7b336",
        trace="Root=1-62fdefd3-1e5a14477f1ac5860602b53b",
        now=1_660_809_171.317,
    )
    return json.loads(event_of(request, visit))


def test_a_request_of_nobody_becomes_the_event_that_aws_makes_of_it():
    headers = {"user-agent": "PostmanRuntime/7.29.0", "accept": "*/*"}
    assert event("GET", "/circulation-supply", "network=all", headers) == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/circulation-supply",
        "rawQueryString": "network=all",
        "headers": {
            "host": DOMAIN,
            "user-agent": "PostmanRuntime/7.29.0",
            "accept": "*/*",
            "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
            "x-amzn-tls-version": "TLSv1.3",
            "x-amzn-trace-id": "Root=1-62fdefd3-1e5a14477f1ac5860602b53b",
            "x-forwarded-for": "10.0.0.7",
            "x-forwarded-port": "4566",
            "x-forwarded-proto": "http",
        },
        "queryStringParameters": {"network": "all"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": URL_ID,
            "domainName": DOMAIN,
            "domainPrefix": URL_ID,
            "http": {
                "method": "GET",
                "path": "/circulation-supply",
                "protocol": "HTTP/1.1",
                "sourceIp": "10.0.0.7",
                "userAgent": "PostmanRuntime/7.29.0",
            },
            "requestId": "a8c8169b-02fb-4762-8419-1fbbd4f7b336",
            "routeKey": "$default",
            "stage": "$default",
            "time": "18/Aug/2022:07:52:51 +0000",
            "timeEpoch": 1660809171317,
        },
        "isBase64Encoded": False,
    }


def test_a_signed_request_says_who_signed_it_and_hides_how():
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=...", "x-amz-date": "20250810T141629Z"}
    seen = event(headers=headers, caller=CALLER)
    assert seen["requestContext"]["accountId"] == "123456789012"
    assert seen["requestContext"]["authorizer"] == {
        "iam": {
            "accessKey": "ASIAEXAMPLE",
            "accountId": "123456789012",
            "callerId": "AROAEXAMPLE:hello",
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": CALLER.arn,
            "userId": "AROAEXAMPLE:hello",
        }
    }
    assert "authorization" not in seen["headers"]
    assert seen["headers"]["x-amz-date"] == "20250810T141629Z"


def test_an_authorization_that_nobody_checks_belongs_to_the_function():
    assert event(headers={"authorization": "Bearer x"})["headers"]["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("path", "raw", "decoded"),
    [
        ("/a%2Fb", "/a%2Fb", "/a/b"),
        ("/a%25b/1", "/a%25b/1", "/a%b/1"),
        ("/a%2525", "/a%2525", "/a%25"),  # once
        ("/with%20space+plus/%zz/%", "/with%20space+plus/%zz/%", "/with space+plus/%zz/%"),
        ("//a/../b", "//a/../b", "//a/../b"),
        ("/%C3%A4", "/%C3%A4", "/ä"),
        ("/%E4", "/%E4", "/ä"),
        ("/\xc3\xa4", "/ä", "/ä"),  # bytes that are UTF-8
        ("/\xe4", "/ä", "/ä"),  # and one that is not
        ("/\xc3%A4", "/\xc3%A4", "/ä"),
        ("/%00", "/%00", "/\0"),
    ],
)
def test_a_path_stays_as_it_came_and_is_decoded_in_the_context(path: str, raw: str, decoded: str):
    found = event(path=path)
    assert (found["rawPath"], found["requestContext"]["http"]["path"]) == (raw, decoded)


@pytest.mark.parametrize("host", [f"{DOMAIN}:4566", f"{DOMAIN.upper()}:1", "127.0.0.1:4566", "anything"])
def test_the_host_is_the_domain_without_a_port_however_the_client_came(host: str):
    seen = event(headers={"host": host})
    assert seen["headers"]["host"] == seen["requestContext"]["domainName"] == DOMAIN
    assert seen["headers"]["x-forwarded-port"] == "4566"


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a=1&a=2&b=3", {"a": "1,2", "b": "3"}),
        ("a=x%20y+z", {"a": "x y z"}),
        ("%C3%A4=%C3%B6", {"ä": "ö"}),
        ("flag&empty=&=nameless", {"flag": "", "empty": "", "": "nameless"}),
        ("a=%zz&b=%", {"a": "%zz", "b": "%"}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a=b=c", {"a": "b=c"}),
        ("&&", None),
        ("", None),
    ],
)
def test_parameters_are_decoded_and_the_query_is_not(query: str, parameters: dict[str, str] | None):
    seen = event(query=query)
    assert seen["rawQueryString"] == query
    assert seen.get("queryStringParameters") == parameters


@pytest.mark.parametrize(
    ("header", "cookies"),
    [("a=1; b=2", ["a=1", "b=2"]), ("a=1;b=2; ", ["a=1", "b=2"]), ("a=x=y", ["a=x=y"]), (";", None), (None, None)],
)
def test_cookies_stand_in_a_list_and_in_their_header(header: str | None, cookies: list[str] | None):
    seen = event(headers={} if header is None else {"cookie": header})
    assert seen.get("cookies") == cookies
    assert seen["headers"].get("cookie") == header


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html; charset=utf-8",
        "application/json",
        "Application/JSON;charset=utf-8",
        "application/xml",
        "application/javascript",
        "application/problem+json",
        "application/atom+xml ; a=b",
    ],
)
def test_a_body_that_is_text_stands_as_text(content_type: str):
    seen = event("POST", headers={"content-type": content_type}, body="grüße".encode())
    assert (seen["body"], seen["isBase64Encoded"]) == ("grüße", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/octet-stream", b"text"),
        ("application/x-www-form-urlencoded", b"a=1"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/jsonx", b"{}"),
        ("image/svg", b"<svg>"),
        ("", b"text"),
        ("text/plain", b"\xff\xfe"),  # is not what it says
    ],
)
def test_any_other_body_is_in_base64(content_type: str, body: bytes):
    seen = event("POST", headers={"content-type": content_type}, body=body)
    assert (base64.b64decode(seen["body"], validate=True), seen["isBase64Encoded"]) == (body, True)


def test_what_is_between_the_client_and_us_does_not_reach_the_function():
    between = {"connection": "close", "transfer-encoding": "chunked", "expect": "100-continue", "te": "trailers"}
    assert not between.keys() & event(headers=between)["headers"].keys()


def test_a_client_cannot_say_where_it_comes_from():
    said = {"x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    seen = event(headers=said | {"x-amzn-tls-version": "SSLv3"})
    assert seen["headers"]["x-amzn-tls-version"] == "TLSv1.3"
    assert seen["requestContext"]["http"]["sourceIp"] == "10.0.0.7"
    assert seen["headers"]["x-forwarded-for"] == "1.2.3.4, 10.0.0.7"
    assert (seen["headers"]["x-forwarded-proto"], seen["headers"]["x-forwarded-port"]) == ("http", "4566")


@given(
    path=LATIN_1,
    query=LATIN_1,
    headers=st.dictionaries(st.sampled_from(["cookie", "content-type", "user-agent", "x-a"]), LATIN_1),
    body=st.binary(max_size=64),
)
def test_every_request_becomes_an_event_with_its_body(path: str, query: str, headers: dict[str, str], body: bytes):
    seen = event("POST", path, query, headers, body)
    text = seen.get("body", "")
    assert (base64.b64decode(text) if seen["isBase64Encoded"] else text.encode()) == body
    assert seen["rawPath"].count("%") == path.count("%")
