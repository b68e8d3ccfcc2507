"""`--auth open` trusts every program of this machine, and neither its guests nor the pages that its browsers show."""

from __future__ import annotations

import http.client
import json
import socket

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


def status(port: int, request: str) -> int:
    """The status of the answer to a request as no client library would send it."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return int(connection.recv(65536).split(b" ", 2)[1])


PATH = "/2015-03-31/functions"


@pytest.mark.parametrize(
    "request_",
    [
        f"GET {PATH} HTTP/1.1\nHost: localhost\nHost: evil.test\n\n",
        f"GET {PATH} HTTP/1.1\nHost: evil.test\nHost: localhost\n\n",
        f"GET http://evil.test{PATH} HTTP/1.1\nHost: localhost\n\n",
        f"GET http://localhost@evil.test{PATH} HTTP/1.1\nHost: localhost\n\n",
        f"GET {PATH} HTTP/1.0\nHost: evil.test\n\n",
        f"GET {PATH} HTTP/1.1\nHOST: EVIL.TEST.:4566\n\n",
        f"OPTIONS {PATH} HTTP/1.1\nHost: localhost\nOrigin: https://evil.test\nAccess-Control-Request-Method: PUT\n\n",
        f"GET {PATH} HTTP/1.1\nHost: localhost\nOrigin: https://evil.test\nConnection: Upgrade\nUpgrade: websocket\n\n",
        f"GET {PATH} HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nOrigin: https://evil.test\n\n",
        f"POST {PATH} HTTP/1.1\nHost: localhost\nOrigin: null\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n",
        f"POST {PATH} HTTP/1.1\nHost: evil.test\nContent-Length: 20000\n\n{'x' * 20000}",
        f"DELETE {PATH}/bystander HTTP/1.1\nHost: localhost\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\n\n",
    ],
)
def test_no_form_of_a_request_hides_where_it_comes_from(arena: Arena, request_: str) -> None:
    assert status(arena.port, request_) == 403
    assert arena.invoke("bystander", 1)["Payload"] == 1


@pytest.mark.parametrize(
    "request_",
    [
        f"GET {PATH} HTTP/1.0\n\n",
        f"GET {PATH} HTTP/1.1\nHost: [::1]:4566\n\n",
        f"GET http://127.0.0.1:4566{PATH} HTTP/1.1\nHost: proxy.test\n\n",
        f"GET {PATH} HTTP/1.1\nHost: lambda.eu-north-1.amazonaws.com\nUser-Agent: Boto3/1.40\n\n",
        f"GET {PATH} HTTP/1.1\nHost: localhost:4566\nOrigin: http://localhost:3000\nSec-Fetch-Site: same-site\n\n",
    ],
)
def test_programs_and_own_pages_are_answered(arena: Arena, request_: str) -> None:
    assert status(arena.port, request_) == 200
