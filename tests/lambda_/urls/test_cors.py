"""Which headers let a browser's page of another origin in; the first two answers are captured from AWS."""

from __future__ import annotations

import pytest

from lambent.lambda_.urls.config import Cors
from lambent.lambda_.urls.cors import preflight, shared

PAGE = "https://localhost:8080"
RULES = Cors(
    allow_origins=[PAGE],
    allow_headers=["authorization", "content-type"],
    allow_methods=["GET", "POST"],
    allow_credentials=True,
)
VARY = ("Vary", "Origin")


def test_a_preflight_gets_what_is_configured():
    assert preflight(RULES, PAGE) == [
        ("Access-Control-Allow-Origin", PAGE),
        ("Access-Control-Allow-Headers", "authorization,content-type"),
        VARY,
        ("Access-Control-Allow-Methods", "GET,POST"),
        ("Access-Control-Allow-Credentials", "true"),
    ]


def test_every_other_answer_gets_the_origin_and_whether_credentials_may_be_sent():
    assert shared(RULES, PAGE) == [
        VARY,
        ("Access-Control-Allow-Origin", PAGE),
        ("Access-Control-Allow-Credentials", "true"),
    ]


def test_an_age_is_told_to_the_preflight_and_exposed_headers_to_the_rest():
    rules = Cors(allow_origins=["*"], max_age=0, expose_headers=["Date", "X-A"])
    assert preflight(rules, PAGE)[-1] == ("Access-Control-Max-Age", "0")
    assert shared(rules, PAGE)[-1] == ("Access-Control-Expose-Headers", "Date,X-A")


@pytest.mark.parametrize(
    ("allowed", "origin", "named"),
    [
        (["*"], "https://anyone.example", True),
        (["*"], "null", True),
        ([PAGE, "http://other"], "http://other", True),
        ([PAGE], "HTTPS://LOCALHOST:8080", True),
        ([PAGE], "https://localhost:8081", False),
        (["https://*.example.com"], "https://a.example.com", False),
        ([], PAGE, False),
        (None, PAGE, False),
        (["*"], None, False),
    ],
)
def test_only_an_origin_that_is_allowed_is_named(allowed: list[str] | None, origin: str | None, named: bool):
    rules = Cors(allow_origins=allowed, allow_methods=["*"], allow_credentials=True)
    for headers in (preflight(rules, origin), shared(rules, origin)):
        assert VARY in headers
        assert (("Access-Control-Allow-Origin", origin) in headers) is named
        assert named or headers == [VARY]


def test_where_nothing_is_configured_nothing_is_added():
    assert shared(None, PAGE) == []


def test_what_is_configured_cannot_break_the_head():
    rules = Cors(allow_origins=["*"], allow_headers=["a\r\nX: y", "ü"])
    assert preflight(rules, PAGE)[1] == ("Access-Control-Allow-Headers", "a  X: y,Ã¼")
