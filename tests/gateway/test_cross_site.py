"""Web pages that would use an open Lambent behind their reader's back: by cross-site requests, and by a rebound name."""

from __future__ import annotations

import json

import pytest

from lambent.gateway.cross_site import CrossSite, ForeignHost, ForeignOrigin
from lambent.wire.messages import Request, Response
from tests.gateway.small import SESSION, gateway
from tests.gateway.test_sites import HOST as SITE
from tests.gateway.test_sites import Shop
from tests.wire.signing import signed

INVOKE = "/2015-03-31/functions/hello/invocations"
FORM = {"content-type": "application/x-www-form-urlencoded"}
IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"
STREAM = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def post(
    body: bytes = b"1", path: str = INVOKE, query: str = "", also: dict[str, str] | None = None, **headers: str
) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()} | (also or {})
    return Request("POST", path, query, {"host": "127.0.0.1:4566", **named}, body, "127.0.0.1")


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def opened(request: Request) -> Response:
    return await gateway("open", site=Shop()).handle(request)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:4566",
        "127.0.0.1",
        "localhost:4566",
        "LOCALHOST:4566",
        "localhost.:4566",
        "lambda.eu-north-1.localhost:4566",
        "[::1]:4566",
        "[FE80::1%25eth0]",
        "[::ffff:127.0.0.1]:4566",
        "192.168.1.7:4566",
        "2130706433",  # no browser resolves a name for these: to it, they are 127.0.0.1
        "0x7f.1:4566",
        "127.1",
        "lambent",
        "lambent_1:4566",
        "host.docker.internal:4566",
        "localhost.localstack.cloud:4566",
        "s3.localhost.localstack.cloud",
        "lambda.us-east-1.amazonaws.com",
        "lambda.us-east-1.amazonaws.com.",
        "Lambda.cn-north-1.amazonaws.com.cn:443",
        "lambda.us-east-1.api.aws",
        "",
        "aws.example.test:1",
        "a.b.corp.test",
    ],
)
async def test_an_address_and_a_name_of_nobody_else_is_answered(host: str):
    CrossSite(allowed_hosts="aws.example.test, *.Corp.test").admit(post(host=host))


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:4566",
        "evil.test.",
        "127.0.0.1.nip.io:4566",
        "localhost.evil.test",
        "evillocalhost.test",
        "xlocalhost.localstack.cloud",
        "internal.evil.test",
        "amazonaws.com.evil.test",
        "evilamazonaws.com",
        "localhost@evil.test",
        "evil.test@localhost",
        "user:pass@localhost",
        "localhost,evil.test",  # two lines of it
        "localhost,localhost",
        "localhost evil.test",
        "localhost/evil.test",
        "localhost:4566:80",
        "localhost..",
        "evil.test.1",  # ends in a number, and is no address
        "127.0.0.1 evil.test",
        "300.1.1.1",
        "[::1",
        "::1",
        "[evil.test]",
        "[1.2.3.4]",
        "evil.test:",
        "*.corp.test",
        "corp.test.evil.test",
        "xaws.example.test",
        "\xe9vil.test",
        "ev%69l.test",
    ],
)
async def test_a_name_that_may_be_a_pages_is_not(host: str):
    with pytest.raises(ForeignHost, match=r"--allowed-hosts"):
        CrossSite(allowed_hosts="aws.example.test,*.corp.test").admit(post(host=host))


async def test_a_program_of_http_1_0_names_no_host():
    request = post()
    del request.headers["host"]
    assert (await opened(request)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:3000", "sec_fetch_site": "same-site"},
        {"origin": "http://127.0.0.1:3000", "sec_fetch_site": "cross-site"},  # of localhost:4566
        {"origin": "https://[::1]:3000"},
        {"origin": "http://app.localhost"},
        {"origin": "https://app.example.test", "sec_fetch_site": "cross-site"},
        {"origin": "HTTPS://App.Example.test"},
        {"referer": "http://localhost:3000/some/page"},
        {"referer": "https://app.example.test/page?x"},
        {"sec_fetch_site": "none", "user_agent": FIREFOX},
        {"sec_fetch_site": "same-origin"},
        {"user_agent": FIREFOX},
    ],
)
async def test_programs_and_pages_of_this_machine_and_configured_ones_may_call(headers: dict[str, str]):
    CrossSite(allowed_origins="https://app.example.test/ , http://other.test:8080").admit(post(also=dashed(headers)))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost.evil.test"},
        {"origin": "http://127.0.0.1.nip.io"},
        {"origin": "http://localhost@evil.test"},
        {"origin": "http://localhost:x@evil.test"},
        {"origin": "http://localhost:3000 https://evil.test"},
        {"origin": "http://localhost:3000,https://evil.test"},  # two lines of it
        {"origin": "http://lambent:4566"},  # a name without a dot is for Host: who has it here is not known
        {"origin": "file://"},
        {"origin": "chrome-extension://localhost"},
        {"origin": "https://app.example.test.evil.test"},
        {"origin": "https://app.example.test:8443"},
        {"origin": "http://app.example.test"},
        {"origin": "http://one.shop.us-east-1.localhost:4566"},  # a page that a function wrote
        {"referer": "http://127.0.0.1:4566/_lambent/shop/abc/page"},
        {"referer": "https://evil.test/http://localhost/"},
        {"referer": "http://localhost?@evil.test/"},
        {"origin": "https://evil.test", "sec_fetch_site": "same-origin"},
        {"origin": "null", "referer": "http://localhost/"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none,cross-site"},
        {"sec_fetch_site": "CROSS-SITE"},
        {"query": "Action=CreateRole&RoleName=x", "user_agent": FIREFOX},
    ],
)
async def test_other_pages_may_not(headers: dict[str, str]):
    query = headers.pop("query", "")
    with pytest.raises(ForeignOrigin, match=r"--allowed-origins"):
        CrossSite(allowed_origins="https://app.example.test", site=Shop()).admit(
            post(query=query, also=dashed(headers))
        )


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", [INVOKE, "/", "/2015-03-31/functions", "/_lambent/health", "/_lambent/code/x.zip"])
async def test_an_open_lambent_refuses_a_page_and_names_the_setting(method: str, path: str):
    for headers, setting in (({"origin": "https://evil.test"}, "origins"), ({"host": "evil.test:4566"}, "hosts")):
        request = post(path=path, also=headers)
        request.method = method
        answer = await opened(request)
        assert answer.status == 403
        assert f"--allowed-{setting}" in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    "headers", [FORM, {"x-amz-target": "Logs_20140328.DescribeLogGroups", "content-type": "text/plain"}]
)
async def test_the_refusal_has_one_status_in_every_protocol(headers: dict[str, str]):
    answer = await opened(post(IDENTITY, "/", also=headers, origin="https://evil.test"))
    assert (answer.status, b"--allowed-origins" in answer.body) == (403, True)


async def test_what_is_refused_does_not_reach_an_operation_whoever_it_says_it_is():
    request = signed("POST", f"http://evil.test{INVOKE}", body=b"1")
    assert (await opened(request)).status == 403
    assert (await gateway().handle(signed("POST", f"http://evil.test{INVOKE}", body=b"1"))).body == b"1"
    signed_by_page = signed("POST", f"http://evil.test{INVOKE}", body=b"1")
    signed_by_page.headers["origin"] = "https://evil.test"
    assert (await gateway().handle(signed_by_page)).body == b"1"  # enforced: the signature proves it


# --- sites -------------------------------------------------------------------------------------------------------


async def test_a_site_is_for_browsers_and_answers_any_page():
    page = post(b"", "/", host=SITE, origin="https://evil.test", sec_fetch_site="cross-site")
    assert (await opened(page)).body == b"nobody"


async def test_a_page_cannot_sign_to_a_site_where_signatures_prove_nothing():
    presigned = post(
        b"",
        "/",
        query="X-Amz-Credential=999999999999/20260101/us-east-1/lambda/aws4_request&X-Amz-Signature=x",
        host=SITE.replace("example.test", "localhost"),
    )
    assert (await opened(presigned)).body == b"arn:aws:iam::999999999999:root"
    presigned.headers["origin"] = "https://evil.test"
    assert (await opened(presigned)).status == 403


async def test_a_functions_page_below_our_own_path_has_an_origin_of_its_own():
    def policy(answer: Response) -> str | None:
        return {name.lower(): value for name, value in answer.headers}.get("content-security-policy")

    path = Shop().path_root
    assert "allow-same-origin" not in (policy(await opened(post(b"", path))) or "")
    assert (policy(await opened(post(b"", path))) or "").startswith("sandbox ")
    assert policy(await gateway("enforced", site=Shop()).handle(post(b"", path))) is None


# --- inside a sandbox --------------------------------------------------------------------------------------------

FORGED = "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=00"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": FORGED.format("test")},
        {"authorization": FORGED.format("999999999999")},
        {"authorization": FORGED.format("AKIAIOSFODNN7EXAMPLE")},  # root's
        {"authorization": FORGED.format("ASIASESSION"), "x-amz-security-token": "ended"},
        {"authorization": "Basic abc"},
    ],
)
async def test_a_guest_is_its_functions_role_whatever_it_sends(headers: dict[str, str]):
    for query in ("", "X-Amz-Credential=999999999999/20260101/us-east-1/sts/aws4_request"):
        request = post(IDENTITY, "/", query, FORM | headers)
        answer = await gateway("open").handle(request, guest=SESSION)
        assert SESSION.arn.encode() in answer.body


async def test_a_guest_may_prove_that_it_is_another():
    request = signed("POST", "http://127.0.0.1:4566/", service="sts", headers=FORM, body=IDENTITY)
    assert b":root</Arn>" in (await gateway("open").handle(request, guest=SESSION)).body
    wrong = signed("POST", "http://127.0.0.1:4566/", service="sts", headers=FORM, body=IDENTITY, secret="wrong")
    assert SESSION.arn.encode() in (await gateway("open").handle(wrong, guest=SESSION)).body


async def test_a_guest_whose_body_comes_in_chunks_is_its_functions_role():
    signature = {"authorization": FORGED.format("test").replace("sts", "lambda")}
    request = post(b"1\r\n7\r\n0\r\n\r\n", also=STREAM | signature)
    assert (await gateway("open").handle(request, guest=SESSION)).body == b"7"


async def test_a_guest_of_enforced_mode_signs_as_everybody():
    request = post(IDENTITY, "/", also=FORM)
    assert (await gateway().handle(request, guest=SESSION)).status == 403
