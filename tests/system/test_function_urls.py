"""Function URLs as their users meet them: real functions, plain HTTP by host and by path, signatures by botocore."""

from __future__ import annotations

import base64
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system.conftest import Server, deployed, started, stopped, zipped
from tests.system.test_first_function import PYTHON

ECHO = """
import json
def handler(event, context):
    if event['rawPath'] == '/say':
        return json.loads(event['body'])
    if event['rawPath'] == '/fail':
        raise ValueError('secret')
    return event | {
        'arn': context.invoked_function_arn, 'version': context.function_version, 'id': context.aws_request_id
    }
"""
FORBIDDEN = (
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    b'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)


class Answer:
    """What came over a connection until it was closed."""

    def __init__(self, received: bytes) -> None:
        head, _, self.body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        self.headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        return next((value for one, value in self.headers if one == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Url:
    """A function's URL, spoken to over plain sockets: names under .localhost need no resolver here."""

    def __init__(self, server: Server, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.id = self.host.partition(".")[0]
        endpoint = urlsplit(server.endpoint)
        self._address = (endpoint.hostname or "", endpoint.port or 0)
        self._server = server

    def raw(self, message: bytes) -> Answer:
        """Send bytes, and read until the server closes."""
        with socket.create_connection(self._address, timeout=20) as connection:
            connection.sendall(message)
            received = b""
            while part := connection.recv(65536):
                received += part
        return Answer(received)

    def __call__(
        self, target: str = "/", method: str = "GET", body: bytes = b"", host: str | None = None, **headers: str
    ) -> Answer:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.host}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def say(self, result: object) -> Answer:
        """Let the function return this."""
        return self("/say", "POST", json.dumps(result).encode(), content_type="application/json")

    def signed(self, target: str = "/", method: str = "GET", body: bytes = b"", **scope: str) -> Answer:
        """A request signed as botocore signs."""
        keys = self._server.keys
        secret = scope.get("secret", keys["AWS_SECRET_ACCESS_KEY"])
        draft = AWSRequest(method=method, url=f"http://{self.host}{target}", data=body)
        region = scope.get("region", keys["AWS_DEFAULT_REGION"])
        key = scope.get("key", keys["AWS_ACCESS_KEY_ID"])
        SigV4Auth(Credentials(key, secret), scope.get("service", "lambda"), region).add_auth(draft)
        return self(target, method, body, **{name.replace("-", "_"): value for name, value in draft.headers.items()})


def published(server: Server, name: str, code: str, **settings: Any) -> Any:
    """A client, once the function is active and everybody may call its URL."""
    client = deployed(server, name, PYTHON, "app.handler", zipped(app__py=code), **settings)
    let_everybody_in(client, name)
    return client


def let_everybody_in(client: Any, name: str, **qualifier: str) -> None:
    """As AWS's console does for a URL without authentication."""
    given = {"FunctionName": name, "Principal": "*"} | qualifier
    client.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **given)
    client.add_permission(StatementId="via", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **given)


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return published(server, "web", ECHO)


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> Url:
    client = published(server, "fuzzed", ECHO)
    return Url(server, client.create_function_url_config(FunctionName="fuzzed", AuthType="NONE")["FunctionUrl"])


def made(server: Server, client: Any, auth_type: str = "NONE", **members: Any) -> Url:
    """The URL of the function, made anew."""
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function_url_config(FunctionName="web")
    url = client.create_function_url_config(FunctionName="web", AuthType=auth_type, **members)
    return Url(server, url["FunctionUrl"])


def test_a_get_reaches_the_function_by_host_and_by_path(server: Server, client: Any):
    url = made(server, client)
    answer = url("/a%2Fb?x=1&x=2", cookie="a=1; b=2", user_agent="curl", connection="close")
    assert answer.status == 200
    event = answer.json
    assert (event["rawPath"], event["queryStringParameters"], event["cookies"]) == (
        "/a%2Fb",
        {"x": "1,2"},
        ["a=1", "b=2"],
    )
    assert event["requestContext"]["accountId"] == "anonymous"
    assert event["requestContext"]["domainName"] == event["headers"]["host"] == url.host.partition(":")[0]
    assert event["requestContext"]["http"]["path"] == "/a/b"
    assert event["requestContext"]["requestId"] == event["id"] == answer.header("x-amzn-requestid")
    assert event["arn"].endswith(":function:web")
    assert answer.header("content-type") == "application/json"
    assert (answer.header("x-amzn-trace-id") or "").startswith(event["headers"]["x-amzn-trace-id"].lower() + ";parent=")
    by_path = url(f"/_lambent/url/{url.id}/a%2Fb?x=1&x=2", host="anything").json
    assert by_path["rawPath"] == "/a%2Fb"
    assert by_path["requestContext"]["domainPrefix"] == url.id
    assert url("/", host=f"{url.id}.lambda-url.{server.keys['AWS_DEFAULT_REGION']}.on.aws").status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_every_method_reaches_the_function(server: Server, client: Any, method: str):
    answer = made(server, client)("/x", method)
    assert answer.status == 200
    if method == "HEAD":
        assert answer.body == b""
        assert int(answer.header("content-length") or 0) > 100
    else:
        assert answer.json["requestContext"]["http"]["method"] == method


def test_bodies_come_as_text_or_in_base64(server: Server, client: Any):
    url = made(server, client)
    event = url("/", "POST", "grüße".encode(), content_type="text/plain").json
    assert (event["body"], event["isBase64Encoded"]) == ("grüße", False)
    event = url("/", "POST", b"a=1", content_type="application/x-www-form-urlencoded").json
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"a=1", True)


def test_what_the_function_says_is_the_response(server: Server, client: Any):
    url = made(server, client)
    answer = url.say(
        {
            "statusCode": 418,
            "headers": {"X-A": "ü", "Content-Length": "3"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\0\1").decode(),
            "isBase64Encoded": True,
        }
    )
    assert (answer.status, answer.body) == (418, b"\0\1")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert answer.header("content-length") == "2"
    assert answer.header("x-amzn-remapped-content-length") == "3"
    assert url.say("hello").body == b"hello"
    assert url.say([1]).body == b"[1]"
    assert url.say({"statusCode": 204, "body": "none may be"}).body == b""


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: stolen=1\r\n\r\nHTTP/1.1 200 OK"}},
        {"statusCode": 200, "cookies": ["a\0"]},
        {"statusCode": 100},
        {"statusCode": 200, "headers": {"X": "y" * 1_000_000}},
    ],
)
def test_a_response_that_is_none_is_a_bad_gateway(server: Server, client: Any, result: object):
    answer = made(server, client).say(result)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_a_function_that_fails_or_takes_too_long_tells_nothing(server: Server, client: Any):
    url = made(server, client)
    answer = url("/fail")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert answer.header("x-amzn-requestid")
    code = "import time\ndef handler(e, c): time.sleep(30)\n"
    published(server, "slow", code, Timeout=1)
    slow = client.create_function_url_config(FunctionName="slow", AuthType="NONE")
    assert Url(server, slow["FunctionUrl"])().status == 502
    client.delete_function(FunctionName="slow")


def test_a_signed_request_is_let_in_and_named(server: Server, client: Any):
    url = made(server, client, "AWS_IAM")
    event = url.signed("/a b?x=1%2F".replace(" ", "%20"), "POST", b'{"a": 1}').json
    assert event["requestContext"]["accountId"] == "000000000000"
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert "authorization" not in event["headers"]


def test_who_is_not_known_is_not_let_in(server: Server, client: Any):
    url = made(server, client, "AWS_IAM")
    answer = url()
    assert (answer.status, answer.body) == (403, FORBIDDEN)
    assert answer.header("x-amzn-errortype") == "AccessDeniedException"
    wrong = url.signed(secret="wrong")
    assert (wrong.status, wrong.header("x-amzn-errortype")) == (403, "InvalidSignatureException")
    assert wrong.json == {
        "message": "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."
    }
    assert url.signed(key="AKIANOBODY").json == {"message": "The security token included in the request is invalid."}
    assert url.signed(service="s3").json == {"message": "Credential should be scoped to correct service: 'lambda'. "}
    assert url.signed(region="us-west-1").json == {
        "message": "Credential should be scoped to a valid region, not 'us-west-1'. "
    }


def test_without_authentication_the_policy_must_allow_everybody_both_things(server: Server, client: Any):
    url = made(server, client)
    let = {"FunctionName": "web", "Principal": "*"}
    assert url().status == 200
    client.remove_permission(FunctionName="web", StatementId="url")
    assert (url().status, url().body) == (403, FORBIDDEN)
    client.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="AWS_IAM", **let)
    assert url().status == 403
    client.remove_permission(FunctionName="web", StatementId="url")
    client.add_permission(StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **let)
    assert url().status == 200
    client.remove_permission(FunctionName="web", StatementId="via")
    assert url().status == 403
    client.add_permission(StatementId="via", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **let)
    assert url().status == 200


def test_a_url_that_is_gone_is_forbidden(server: Server, client: Any):
    url = made(server, client)
    client.delete_function_url_config(FunctionName="web")
    for answer in (url(), url(f"/_lambent/url/{url.id}/", host="x"), url(host="a" * 32 + ".lambda-url.x.localhost")):
        assert (answer.status, answer.body) == (403, b'{"Message":null}')
        assert answer.header("x-amzn-errortype") == "AccessDeniedException"


def test_an_alias_has_a_url_of_its_own_and_takes_it_along(server: Server, client: Any):
    version = client.publish_version(FunctionName="web")["Version"]
    client.create_alias(FunctionName="web", Name="live", FunctionVersion=version)
    client.get_waiter("published_version_active").wait(FunctionName="web", Qualifier=version)
    url = Url(
        server, client.create_function_url_config(FunctionName="web", Qualifier="live", AuthType="NONE")["FunctionUrl"]
    )
    assert url().status == 403
    let_everybody_in(client, "web", Qualifier="live")
    assert url().json["arn"].endswith(":function:web:live")
    client.update_function_configuration(FunctionName="web", Description="another")
    client.get_waiter("function_updated_v2").wait(FunctionName="web")
    other = client.publish_version(FunctionName="web")["Version"]
    client.get_waiter("published_version_active").wait(FunctionName="web", Qualifier=other)
    assert url().json["version"] == version
    client.update_alias(FunctionName="web", Name="live", RoutingConfig={"AdditionalVersionWeights": {other: 1.0}})
    assert url().json["version"] == other
    client.delete_alias(FunctionName="web", Name="live")
    for answer in (url(), url("/x", "POST", b"{}"), url(f"/_lambent/url/{url.id}/", host="x")):
        assert (answer.status, answer.body) == (403, FORBIDDEN)
        assert answer.header("x-amzn-errortype") == "AccessDeniedException"


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (["--auth", "open"], 200),
        (["--auth", "open", "--url-permissions", "both"], 403),
        (["--url-permissions", "url"], 200),
    ],
)
def test_whether_one_permission_is_enough_goes_by_the_mode_or_by_the_setting(
    tmp_path: Path, flags: list[str], status: int
):
    server = started(tmp_path, "--sandbox", "process", *flags)
    try:
        client = published(server, "web", ECHO)
        url = made(server, client)
        assert url().status == 200
        client.remove_permission(FunctionName="web", StatementId="via")
        assert url().status == status
        client.remove_permission(FunctionName="web", StatementId="url")
        assert url().status == 403
    finally:
        stopped(server)


def test_who_comes_when_all_are_busy_is_throttled(tmp_path: Path):
    server = started(tmp_path, "--sandbox", "process", "--concurrency-limit", "1")
    try:
        code = "import time\ndef handler(e, c): time.sleep(1)\n"
        client = published(server, "busy", code)
        url = Url(server, client.create_function_url_config(FunctionName="busy", AuthType="NONE")["FunctionUrl"])
        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(lambda _: url(), range(3)))
        assert sorted(answer.status for answer in answers) == [200, 429, 429]
        throttled = next(answer for answer in answers if answer.status == 429)
        assert throttled.header("x-amzn-errortype") == "TooManyRequestsException"
        assert throttled.json["Reason"] == "ConcurrentInvocationLimitExceeded"
    finally:
        stopped(server)


def test_a_preflight_is_answered_without_the_function(server: Server, client: Any):
    rules = {"AllowOrigins": ["https://page"], "AllowMethods": ["GET"], "AllowHeaders": ["x-a"], "MaxAge": 9}
    url = made(server, client, "AWS_IAM", Cors=rules)
    answer = url("/fail", "OPTIONS", origin="https://page", access_control_request_method="GET")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("access-control-allow-origin") == "https://page"
    assert answer.header("access-control-allow-methods") == "GET"
    assert answer.header("access-control-max-age") == "9"
    assert url("/", "OPTIONS", origin="https://other").header("access-control-allow-origin") is None
    assert url(origin="https://page").header("access-control-allow-origin") == "https://page"  # also of a refusal


def test_a_stream_is_what_the_function_returned(server: Server, client: Any):
    answer = made(server, client, InvokeMode="RESPONSE_STREAM").say({"statusCode": 201, "body": "x"})
    assert (answer.status, answer.json) == (200, {"statusCode": 201, "body": "x"})


def test_a_body_above_six_megabytes_is_too_large(server: Server, client: Any):
    url = made(server, client)
    for size in (6_291_457, 6_291_000):  # the body itself; the event with the body in it
        answer = url("/", "POST", b"x" * size, content_type="text/plain")
        assert answer.status == 413
        assert answer.json["message"] == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\r\nHost: %(host)s\r\nHost: other\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: .lambda-url.\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: %(host)s\xff\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + b"a" * 30_000 + b".lambda-url.x.y\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: %(host)s\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: %(host)s\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: %(host)s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: %(host)s\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: %(host)s\r\n" + b"Cookie: a=1\r\n" * 1000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: %(host)s\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: %(host)s\r\nX\0Y: 1\r\n\r\n",
        b"GET /\xff?\xfe HTTP/1.1\r\nHost: %(host)s\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_a_hostile_client_is_answered_and_nothing_breaks(server: Server, client: Any, message: bytes):
    url = made(server, client)
    answer = url.raw(message.replace(b"%(host)s", url.host.encode()))
    assert 400 <= answer.status < 500, answer.status
    assert url().status == 200


LINE = st.binary(max_size=40).map(lambda some: some.translate(None, b"\r\n\0"))
NAMES = [b"Cookie", b"X-Amzn-Trace-Id", b"Authorization", b"X-Amz-Date", b"Content-Type", b"Origin", b"X-Forwarded-For"]


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from([b"GET", b"POST", b"HEAD", b"OPTIONS", b"BREW", b"get"]) | LINE,
    target=st.text("abc/%?&=+;.#\x7f", max_size=20).map(lambda some: b"/" + some.encode()) | LINE,
    headers=st.lists(st.tuples(st.sampled_from(NAMES) | LINE, LINE), max_size=4),
    body=st.binary(max_size=30),
)
def test_whatever_bytes_come_there_is_an_answer_and_it_is_no_error_of_ours(
    fuzzed: Url, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
):
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + fuzzed.host.encode(), b"Connection: close"]
    lines += [name + b": " + value for name, value in headers]
    lines += [b"Content-Length: %d" % len(body), b"", b""]
    status = fuzzed.raw(b"\r\n".join(lines) + body).status
    assert 200 <= status < 500 or status == 502


@pytest.mark.parametrize("target", ["/%zz?%=%&a=%f", "/%00?%00=%00", "/?" + "a&" * 9000, "//", "/?"])
def test_a_strange_target_reaches_the_function(server: Server, client: Any, target: str):
    answer = made(server, client)(target, cookie="\xff\xfe; =; ;", x_a="\xe4\t\xff")
    assert answer.status == 200
    assert answer.json["rawPath"]


SELF_MADE = """
import boto3
def handler(event, context):
    client, name = boto3.client("lambda"), context.function_name
    made = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    asked = client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    changed = client.update_function_url_config(FunctionName=name, AuthType="AWS_IAM")["FunctionUrl"]
    listed = client.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"][0]["FunctionUrl"]
    return [made, asked, changed, listed, client.get_function(FunctionName=name)["Code"]["Location"]]
"""


def test_a_url_that_a_function_makes_names_the_port_by_which_others_come(server: Server):
    client = deployed(server, "self-made", PYTHON, "app.handler", zipped(app__py=SELF_MADE), Timeout=60)
    *urls, code = json.loads(client.invoke(FunctionName="self-made")["Payload"].read())
    assert set(urls) == {client.get_function_url_config(FunctionName="self-made")["FunctionUrl"]}
    assert urlsplit(urls[0]).port == urlsplit(server.endpoint).port
    assert urlsplit(code).port != urlsplit(server.endpoint).port  # its package it finds by its own door
