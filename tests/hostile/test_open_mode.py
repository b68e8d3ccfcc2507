"""`--auth open` trusts every program of this machine, and neither its guests nor the pages that its browsers show."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.hostile.arena import Arena

PRETENDER = """
import http.client, json, os
BODY = "Action=GetCallerIdentity&Version=2011-06-15"
SCOPE = "/20260101/us-east-1/sts/aws4_request"
def who(headers, query=""):
    connection = http.client.HTTPConnection("127.0.0.1", 4566)
    connection.request("POST", "/" + query, BODY, {"content-type": "application/x-www-form-urlencoded", **headers})
    return connection.getresponse().read().decode()
def signed(key):
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={key}{SCOPE}, SignedHeaders=host, Signature=00"}
def handler(event, context):
    token = {"x-amz-security-token": os.environ["AWS_SESSION_TOKEN"]}
    return [
        who({}), who(signed("test")), who(signed("123456789012")), who(signed(event)),
        who(signed(os.environ["AWS_ACCESS_KEY_ID"]) | token), who(signed(event) | token),
        who({}, f"?X-Amz-Credential={event}{SCOPE}"), who({"authorization": "Basic cm9vdDo="}),
        who({"x-forwarded-for": "127.0.0.1", "host": "sts.amazonaws.com"}),
    ]
"""


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    return ("--auth", "open")


def test_a_guest_of_open_mode_is_its_functions_role_whatever_it_sends(arena: Arena) -> None:
    arena.deploy("pretender", PRETENDER)
    answers = arena.invoke("pretender", arena.server.keys["AWS_ACCESS_KEY_ID"])["Payload"]
    assert [answer for answer in answers if "assumed-role/for-tests/pretender</Arn>" not in answer] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test", "Content-Type": "text/plain"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Referer": "https://evil.test/"},
        {"Host": "evil.test:4566"},
        {"Host": "evil.test:4566", "Origin": "http://evil.test:4566", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_web_page_can_neither_change_nor_read_anything(arena: Arena, headers: dict[str, str]) -> None:
    code = {"FunctionName": "made-by-a-page", "Role": "arn:aws:iam::000000000000:role/for-tests", "Code": {}}
    for method, path, body in (
        ("POST", "/2015-03-31/functions", json.dumps(code)),
        ("POST", "/2015-03-31/functions/bystander/invocations", "{}"),
        ("GET", "/2015-03-31/functions", None),
        ("GET", "/?Action=ListRoles&Version=2010-05-08", None),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", arena.port)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        assert (answer.status, b"--allowed-" in answer.read()) == (403, True)
