"""What is decided about a request from its head, before more than a small body is taken: who pays, or why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth

from lambent.core.budgets import Payer
from lambent.core.ports import FindSender
from lambent.wire.messages import Request, Response
from tests.gateway.small import ACCOUNT, ROOT, SESSION, Mode, gateway
from tests.gateway.test_sites import HOST, Shop
from tests.wire.signing import REGION, SECRET, signed

URL = "http://127.0.0.1:4566"
INVOKE = f"{URL}/2015-03-31/functions/hello/invocations"
BODY = json.dumps("x" * 20_000).encode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INVOKE_BYTES = 6_291_556
ROOT_UNPROVEN = Payer("unproven " + ROOT.arn, INVOKE_BYTES)
ROOT_PROVEN = Payer(ROOT.arn, INVOKE_BYTES)


def head(request: Request) -> Request:
    """What has arrived of it when it is decided about."""
    request.body = b""
    return request


def admitted(request: Request, auth: Mode = "enforced") -> Payer | Response:
    return gateway(auth, Shop()).admit(head(request))


def refused(request: Request, auth: Mode = "enforced") -> tuple[int, str]:
    answer = admitted(request, auth)
    assert isinstance(answer, Response)
    headers = dict(answer.headers)
    assert headers["x-amzn-RequestId"]
    return answer.status, headers["x-amzn-ErrorType"]


def declaring(secret: str = SECRET) -> Request:
    """A request whose head declares the hash of its body, as JavaScript's SDK sends all, and each its requests to S3."""
    return signed("POST", INVOKE, signer=S3SigV4Auth, body=BODY, secret=secret)


def test_a_signature_over_a_declared_hash_is_proven_from_the_head_alone():
    assert admitted(declaring()) == ROOT_PROVEN
    assert refused(declaring(secret="wrong")) == (403, "InvalidSignatureException")
    changed = declaring()
    changed.headers["x-amz-content-sha256"] = "0" * 64
    assert refused(changed) == (403, "InvalidSignatureException")


async def test_a_body_that_is_not_the_declared_one_is_refused_when_it_is_there():
    request = declaring()
    request.body = BODY.replace(b"xx", b"xy", 1)
    assert (await gateway().handle(request)).status == 403
    assert (await gateway().handle(declaring())).body == BODY


@pytest.mark.parametrize("payload", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_so_is_one_over_a_word_that_stands_for_the_body(payload: str):
    headers = {"X-Amz-Content-SHA256": payload}
    assert admitted(signed("POST", INVOKE, headers=headers)) == ROOT_PROVEN
    assert refused(signed("POST", INVOKE, headers=headers, secret="wrong")) == (403, "InvalidSignatureException")


def test_where_the_hash_is_not_declared_the_claim_is_looked_at():
    assert admitted(signed("POST", INVOKE, body=BODY)) == ROOT_UNPROVEN
    session = signed("POST", INVOKE, body=BODY, access_key="ASIASESSION", token="token")
    assert admitted(session) == Payer("unproven " + SESSION.arn, INVOKE_BYTES)
    assert admitted(signed("POST", INVOKE, signer=SigV4QueryAuth)) == ROOT_UNPROVEN


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"access_key": "AKIANOBODY"}, "UnrecognizedClientException"),
        ({"access_key": "ASIASESSION", "token": "another"}, "UnrecognizedClientException"),
        ({"access_key": "ASIASESSION"}, "UnrecognizedClientException"),
        ({"access_key": "ASIASESSION", "token": "ended"}, "ExpiredTokenException"),
        ({"access_key": "AKIAUSER"}, "AccessDeniedException"),
        ({"access_key": "AKIASTRANGER"}, "AccessDeniedException"),
        ({"region": "nowhere"}, "InvalidSignatureException"),
    ],
)
@pytest.mark.parametrize("signer", [SigV4Auth, SigV4QueryAuth])
def test_who_cannot_be_let_in_is_refused_from_the_head(changes: dict[str, Any], expected: str, signer: type[SigV4Auth]):
    assert refused(signed("POST", INVOKE, signer=signer, **changes)) == (403, expected)


@pytest.mark.parametrize(
    ("date", "sentence"), [("20200101T000000Z", "Signature expired"), ("20990101T000000Z", "not yet current")]
)
def test_a_date_that_is_out_of_time_is_refused_from_the_head(date: str, sentence: str):
    request = signed("POST", INVOKE, body=BODY)
    day = request.headers["x-amz-date"][:8]
    request.headers["x-amz-date"] = date
    request.headers["authorization"] = request.headers["authorization"].replace(f"/{day}/", f"/{date[:8]}/")
    answer = admitted(request)
    assert isinstance(answer, Response)
    assert sentence in json.loads(answer.body)["message"]


def test_without_a_signature_no_large_body_is_taken():
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "AWS4-HMAC-SHA256 Credential=x"}):
        request = Request("POST", "/2015-03-31/functions/hello/invocations", "", {"host": "x", **headers}, b"")
        assert refused(request)[0] == 403


def test_an_operation_that_is_named_in_the_body_is_read_within_bounds():
    request = signed("POST", URL, service="sts", headers=FORM, body=b"Action=GetCallerIdentity" + b"&x=" + BODY)
    assert admitted(request) == Payer("unproven " + ROOT.arn, 1024 * 1024)


def test_our_own_pages_take_no_large_body():
    assert admitted(Request("POST", "/_lambent/health", "", {"host": "x"}, b"")) == Payer("own pages", 16 * 1024)


def test_open_mode_lets_everybody_in_but_a_page():
    request = Request("POST", "/2015-03-31/functions/hello/invocations", "", {"host": "x"}, b"")
    assert admitted(request, "open") == Payer("open", INVOKE_BYTES)
    request.headers["origin"] = "https://evil.test"
    assert refused(request, "open") == (403, "AccessDeniedException")
    del request.headers["origin"]
    assert gateway("open").admit(request, guest=SESSION) == Payer(SESSION.arn, INVOKE_BYTES)


def test_a_site_says_who_pays():
    unsigned = Request("POST", "/", "", {"host": HOST}, b"")
    assert admitted(unsigned) == Payer("the shop", 7_000_000)
    assert admitted(signed("POST", f"http://{HOST}/", body=BODY)) == Payer("unproven " + ROOT.arn, 7_000_000)
    assert refused(signed("POST", f"http://{HOST}/", body=BODY, access_key="AKIANOBODY"))[0] == 403
    wrong = signed("POST", f"http://{HOST}/", body=BODY, service="sts", region=REGION)
    assert refused(wrong) == (403, "InvalidSignatureException")


def test_a_head_that_breaks_us_is_a_fault_of_ours_and_not_the_end():
    class Broken(Shop):
        def admit(self, head: Request, request_id: str, sender: FindSender) -> str | Response:
            raise ZeroDivisionError

    answer = gateway(site=Broken()).admit(Request("POST", "/", "", {"host": HOST}, b""))
    assert isinstance(answer, Response)
    assert answer.status == 500
    assert ACCOUNT not in answer.body.decode()
