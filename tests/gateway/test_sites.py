"""Requests that are for a site and not for an AWS operation: which they are, and what the gateway does for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.core.budgets import Payer
from lambent.core.http import Fault
from lambent.core.ports import FindSender, Prove
from lambent.wire.messages import Request, Response
from tests.gateway.small import Mode, gateway
from tests.wire.signing import REGION, signed

HOST = f"one.shop.{REGION}.localhost:4566"


class Shop:
    """A site that tells who has come."""

    host_mark = ".shop."
    path_root = "/_lambent/shop/"
    body_max_bytes = 7_000_000

    async def answer(self, request: Request, request_id: str, prove: Prove) -> Response:
        if request.path == "/broken":
            raise ZeroDivisionError
        caller = await prove(request, "lambda", REGION)
        return Response(200, [("x-amzn-RequestId", request_id)], b"nobody" if caller is None else caller.arn.encode())

    def admit(self, head: Request, request_id: str, sender: FindSender) -> str | Response:
        found = sender(head, "lambda", REGION)
        return "the shop" if found is None else found.payer

    def too_large(self, request_id: str) -> Response:
        return Response(413, [("x-amzn-RequestId", request_id)], b"too large")


def unsigned(path: str = "/", host: str = HOST) -> Request:
    return Request("GET", path, "", {"host": host}, b"")


async def answered(request: Request, auth: Mode = "enforced") -> Response:
    return await gateway(auth, Shop()).handle(request)


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", HOST),
        ("/", HOST.upper()),
        ("/_lambent/health", HOST),
        ("/2015-03-31/functions/hello/invocations", HOST),
        ("/_lambent/shop/x", "127.0.0.1:4566"),
    ],
)
async def test_a_host_or_a_path_of_its_own_is_the_sites(path: str, host: str):
    assert (await answered(unsigned(path, host))).body == b"nobody"


async def test_our_own_paths_stay_ours():
    assert json.loads((await answered(unsigned("/_lambent/health", "x"))).body)["status"] == "ready"
    assert (await answered(unsigned("/_lambent/shops", "x"))).status == 404


async def test_without_a_site_there_are_no_hosts_and_no_paths_of_it():
    assert (await gateway().handle(unsigned())).status == 403
    assert (await gateway().handle(unsigned("/_lambent/shop/x", "x"))).status == 404


async def test_who_has_signed_is_proven_for_the_site():
    assert (await answered(signed("POST", f"http://{HOST}/a%2Fb", body=b"x"))).body.endswith(b":root")
    path = signed("POST", "http://127.0.0.1:4566/_lambent/shop/a?b=c", body=b"x")
    assert (await answered(path)).body.endswith(b":root")


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ({"service": "sts"}, "Credential should be scoped to correct service: 'lambda'. "),
        ({"region": "us-west-1"}, "Credential should be scoped to a valid region, not 'us-west-1'. "),
        ({"access_key": "AKIANOBODY"}, "The security token included in the request is invalid."),
    ],
)
async def test_who_has_signed_wrongly_hears_it_as_of_rest_and_without_what_was_to_be_signed(
    scope: dict[str, Any], sentence: str
):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused = await answered(signed("POST", f"http://{HOST}/", headers=headers, body=b"Action=x", **scope))
    assert (refused.status, json.loads(refused.body)) == (403, {"message": sentence})
    wrong = await answered(signed("GET", f"http://{HOST}/", secret="wrong"))
    assert json.loads(wrong.body)["message"].endswith("Consult the service documentation for details.")


async def test_in_open_mode_who_has_signed_is_somebody_and_who_has_not_is_nobody():
    assert (await answered(unsigned(), "open")).body == b"nobody"
    named = signed("GET", f"http://{HOST}/", access_key="999999999999", service="anything", region="us-west-1")
    assert (await answered(named, "open")).body == b"arn:aws:iam::999999999999:root"


async def test_a_bug_of_the_site_is_told_without_its_trace():
    answer = await answered(unsigned("/broken"))
    assert answer.status == 500
    assert b"Zero" not in answer.body


def test_the_site_says_how_large_a_body_may_be_and_what_is_said_of_a_larger_one():
    door = gateway(site=Shop())
    assert door.admit(unsigned()) == Payer("the shop", 7_000_000)
    assert isinstance(door.admit(unsigned("/", "elsewhere")), Response)
    assert door.refuse(Fault.BODY_TOO_LARGE, unsigned()).body == b"too large"
    slow = door.refuse(Fault.SLOW, unsigned())
    assert (slow.status, json.loads(slow.body)) == (408, {"message": "The request did not arrive in time."})
    assert door.refuse(Fault.MALFORMED, None).status == 400
