"""What becomes of a function's result: by table where AWS is known, and by force where a function means harm."""

from __future__ import annotations

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.answers import encode
from lambent.lambda_.limits import URL_RESPONSE_HEAD_MAX_BYTES
from lambent.lambda_.urls.answer import NotAResponse, buffered, streamed
from lambent.wire.messages import Response

JSON = ("Content-Type", "application/json")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def said(**members: object) -> Response:
    return buffered(json.dumps({"statusCode": 200} | members).encode())


@pytest.mark.parametrize(
    ("result", "body"),
    [
        (b'{"hello": "world"}', b'{"hello":"world"}'),
        (b' { "a" : [ 1 , 2.50 , 1e3 ] ,\n"b c" : " : , " } ', b'{"a":[1,2.50,1e3],"b c":" : , "}'),
        (b'[12345678901234567890123, "gr\\u00fc"]', b'[12345678901234567890123,"gr\\u00fc"]'),
        (b'{"a": 1, "a": 2}', b'{"a":1,"a":2}'),
        (b"[ ]", b"[]"),
        (b'["hello",3,true]', b'["hello",3,true]'),
        (b'"hello"', b"hello"),
        (b'"gr\\u00fc\\u00dfe"', "grüße".encode()),
        (b"3", b"3"),
        (b"3.1", b"3.1"),
        (b"true", b"true"),
        (b"null", b"null"),
    ],
)
def test_a_result_that_is_no_response_is_the_body_of_one(result: bytes, body: bytes):
    assert buffered(result) == Response(200, [JSON], body)


def test_a_body_in_a_response_keeps_its_spaces():
    assert said(body='{"a": 1}').body == b'{"a": 1}'


def test_a_result_with_a_status_says_everything_itself():
    response = said(
        statusCode=201,
        headers={"Content-Type": "text/plain", "My-Custom-Header": "Custom Value"},
        body='{"message": "hello"}',
        cookies=["a=1; Max-Age=5", "b=2"],
        isBase64Encoded=False,
    )
    assert response.status == 201
    assert response.headers == [
        ("Content-Type", "text/plain"),
        ("My-Custom-Header", "Custom Value"),
        ("Set-Cookie", "a=1; Max-Age=5"),
        ("Set-Cookie", "b=2"),
    ]
    assert response.body == b'{"message": "hello"}'


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, Response(200, [JSON], b"")),
        ({"body": None, "headers": None, "cookies": None}, Response(200, [JSON], b"")),
        ({"body": "body123"}, Response(200, [JSON], b"body123")),
        ({"body": {"a": [1, "ü"]}}, Response(200, [JSON], '{"a":[1,"ü"]}'.encode())),
        ({"statusCode": "418", "body": "i'm a teapot"}, Response(418, [JSON], b"i'm a teapot")),
        ({"statusCode": 599}, Response(599, [JSON], b"")),
        ({"body": base64.b64encode(b"\0\xff").decode(), "isBase64Encoded": True}, Response(200, [JSON], b"\0\xff")),
        ({"body": "not%base64", "isBase64Encoded": False}, Response(200, [JSON], b"not%base64")),
        (
            {"headers": {"n": 7, "f": 1.5, "yes": True, "no": False, "u": "ü"}},
            Response(200, [JSON, ("n", "7"), ("f", "1.5"), ("yes", "true"), ("no", "false"), ("u", "Ã¼")], b""),
        ),
        ({"headers": {"A": "1", "a": "2"}}, Response(200, [JSON, ("a", "2")], b"")),
        ({"headers": {"content-TYPE": "a/b"}}, Response(200, [("content-TYPE", "a/b")], b"")),
    ],
)
def test_members_may_be_missing_and_values_need_not_be_strings(members: dict[str, object], expected: Response):
    assert said(**members) == expected


@pytest.mark.parametrize(
    "status", [0, 99, 100, 101, 199, 600, 1000, -200, 200.5, True, None, "", "ok", "2e2", "²00", []]
)
def test_a_status_that_is_none_is_no_response(status: object):
    with pytest.raises(NotAResponse, match="statusCode"):
        said(statusCode=status)


@pytest.mark.parametrize(
    "members",
    [
        {"headers": {"x": "a\r\nSet-Cookie: stolen=1"}},
        {"headers": {"x": "a\nb"}},
        {"headers": {"x": "a\0b"}},
        {"headers": {"x": "\x7f"}},
        {"headers": {"x\r\ny": "a"}},
        {"headers": {"x: y": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"ü": "a"}},
        {"headers": {"x" * 257: "a"}},
        {"headers": {"x": None}},
        {"headers": {"x": ["a", "b"]}},
        {"headers": {"x": {"a": 1}}},
        {"headers": ["x"]},
        {"headers": "x: y"},
        {"cookies": "a=1"},
        {"cookies": [1]},
        {"cookies": ["a=1\r\nX: y"]},
        {"cookies": ["a=1\0"]},
        {"headers": {"x": "y" * 1_000_000}},
        {"headers": {f"x{number}": "y" * 64 for number in range(1000)}},
        {"cookies": ["c" * 100] * 1000},
        {"body": "not%base64", "isBase64Encoded": True},
        {"body": "YQ", "isBase64Encoded": True},
        {"body": "ü", "isBase64Encoded": True},
    ],
)
def test_what_would_break_the_answer_is_no_response(members: dict[str, object]):
    with pytest.raises(NotAResponse):
        said(**members)


@pytest.mark.parametrize(
    "result", [b"", b"hello", b"{", b"\xff", b"nan", b"[" * 100_000 + b"]" * 100_000, b'"\\ud800"x']
)
def test_what_is_not_json_is_no_response(result: bytes):
    with pytest.raises(NotAResponse):
        buffered(result)


def test_headers_of_the_connection_are_dropped_or_renamed():
    headers = {"Transfer-Encoding": "chunked", "Keep-Alive": "1", "Upgrade": "h2c"}
    renamed = {"Connection": "close", "Content-Length": "7", "www-authenticate": "Basic", "Date": "now", "Server": "me"}
    assert said(headers=headers | renamed).headers == [
        JSON,
        ("x-amzn-Remapped-Connection", "close"),
        ("x-amzn-Remapped-Content-Length", "7"),
        ("x-amzn-Remapped-www-authenticate", "Basic"),
        ("x-amzn-Remapped-Date", "now"),
        ("x-amzn-Remapped-Server", "me"),
    ]


def test_headers_up_to_the_limit_are_written():
    assert len(said(headers={"x": "y" * (URL_RESPONSE_HEAD_MAX_BYTES - 100)}).headers) == 2


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (b'{"statusCode": 201, "body": "x"}', Response(200, [JSON], b'{"statusCode": 201, "body": "x"}')),  # recorded
        (b"plain", Response(200, [("Content-Type", "application/octet-stream")], b"plain")),
        (
            b'{"statusCode": 201, "headers": {"X-A": "b"}, "cookies": ["c=d"]}' + b"\0" * 8 + b"<html>\0\0",
            Response(
                201,
                [("Content-Type", "application/octet-stream"), ("X-A", "b"), ("Set-Cookie", "c=d")],
                b"<html>\0\0",
            ),
        ),
        (b"{}" + b"\0" * 8, Response(200, [("Content-Type", "application/octet-stream")], b"")),
    ],
)
def test_a_streamed_result_is_sent_as_it_is_behind_its_prelude(result: bytes, expected: Response):
    assert streamed(result) == expected


@pytest.mark.parametrize("prelude", [b"", b"x", b"[]", b'{"statusCode": 1}', b'{"headers": {"x": "\\r\\n"}}'])
def test_a_prelude_that_is_none_is_no_response(prelude: bytes):
    with pytest.raises(NotAResponse):
        streamed(prelude + b"\0" * 8 + b"body")


@given(
    st.fixed_dictionaries({"statusCode": st.integers(200, 599) | VALUES}, optional={"body": VALUES, "cookies": VALUES})
    | st.fixed_dictionaries({"statusCode": st.just(200), "headers": st.dictionaries(st.text(max_size=8), VALUES)})
    | VALUES
)
def test_whatever_a_function_returns_one_whole_response_is_written_or_none(result: object):
    try:
        response = buffered(json.dumps(result).encode())
    except NotAResponse:
        return
    written = encode(response, keep_alive=True, bodiless=False)
    head, _, body = written.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    bodiless = response.status in (204, 304)
    assert body == (b"" if bodiless else response.body)
    assert len(lines) == 1 + len(response.headers) + (0 if bodiless else 1)
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert not any(byte < 0x20 and byte not in (0x09, 0x0A, 0x0D) for byte in head)


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange_to_be_refused(result: bytes):
    for read in (buffered, streamed):
        with contextlib.suppress(NotAResponse):
            assert 200 <= read(result).status <= 599
