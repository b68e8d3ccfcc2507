"""A large body is decoded as a small one is, in small steps."""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Any

import msgspec
import pytest

from lambent.wire.faults import SerializationException
from lambent.wire.large_json import PIECE_BYTES, REST_MAX_BYTES, WINDOW_BYTES, LargeText, decode_large, read_large_blob

LONG = os.urandom(700_001)


def resolved(value: Any) -> Any:
    """The value with its long strings as text."""
    if isinstance(value, LargeText):
        return value.text()
    if isinstance(value, dict):
        return {key: resolved(item) for key, item in value.items()}
    return [resolved(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("size", [0, 1, 2, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, 3 * WINDOW_BYTES, 700_001])
@pytest.mark.parametrize("before", ["", " " * 100, " " * (WINDOW_BYTES - 12)])
def test_whatever_json_is_decoded_as_ever(size: int, before: str):
    value = {
        "FunctionName": "f",
        "Code": {"ZipFile": base64.b64encode(LONG[:size]).decode(), "Other": ["", '"\\', "é" * size]},
        "Description": "x" * size,
        "Publish": True,
        "Number": 1.5,
        "Nothing": None,
    }
    for body in (json.dumps(value, ensure_ascii=False), before + json.dumps(value, ensure_ascii=False, indent=3)):
        assert resolved(decode_large(body.encode())) == value


def written(text: str) -> LargeText:
    found = decode_large(b'{"ZipFile": "' + text.encode() + b'"}')["ZipFile"]
    assert isinstance(found, LargeText)
    return found


@pytest.mark.parametrize("size", range(PIECE_BYTES - 3, PIECE_BYTES + 4))
def test_base64_is_decoded_wherever_its_pieces_end(size: int):
    assert read_large_blob(written(base64.b64encode(LONG[:size]).decode())) == LONG[:size]


@pytest.mark.parametrize("breaks", ["\\n", "\\r\\n"])
@pytest.mark.parametrize("width", [76, 77, 1021])
def test_line_breaks_and_escaped_slashes_are_forgiven(breaks: str, width: int):
    text = base64.b64encode(LONG).decode()
    lines = breaks.join(text[start : start + width] for start in range(0, len(text), width))
    assert read_large_blob(written(lines)) == LONG
    assert read_large_blob(written(text.replace("/", "\\/"))) == LONG


TEXT = base64.b64encode(LONG).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT + "A",
        TEXT[:-1],
        TEXT + "====",
        "====" + TEXT,
        TEXT[:400_000] + "AA==" + TEXT[400_000:],
        TEXT[: PIECE_BYTES - 4] + "AA==" + TEXT,
        TEXT[:400_000] + "*" + TEXT[400_001:],
        TEXT[:400_000] + "\\u0041" + TEXT,
        TEXT[:400_000] + "é" + TEXT,
    ],
)
def test_what_is_not_base64_is_refused(text: str):
    with pytest.raises(SerializationException, match="can not be converted to Blob"):
        read_large_blob(written(text))


A = b"A" * (3 * WINDOW_BYTES)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        A,
        b'"' + A,
        b'{"a": "b' + A,
        b'{"a": "b"' + A + b'"c"}',
        b'{"a": "\\"' + A + b'"}',
        b'{"a": "' + A + b'" "b"}',
        b'{"' + A + b'": 1}',
        b'{"a": ["' + A + b'", }',
        b'{"a": 1} {"b": "' + A + b'"}',
    ],
)
def test_what_is_not_json_is_refused(body: bytes):
    with pytest.raises(SerializationException, match="Could not parse request body into json"):
        decode_large(body)


@pytest.mark.parametrize("unit", [b'"a",', b"1,", b'"' + b"a" * (WINDOW_BYTES - 2) + b'",'])
def test_a_body_that_is_large_beside_its_package_is_refused(unit: bytes):
    body = b'{"ZipFile": "' + A + b'", "a": [' + unit * (2 * REST_MAX_BYTES // len(unit)) + b"1]}"
    with pytest.raises(SerializationException, match="beside the package"):
        decode_large(body)


def test_nesting_ends_in_a_refusal():
    with pytest.raises((RecursionError, SerializationException)):
        decode_large(b'{"ZipFile": "' + A + b'", "a": ' + b"[" * 500_000 + b"]" * 500_000 + b"}")


def test_no_step_handles_more_than_a_piece(monkeypatch: pytest.MonkeyPatch):
    """What cannot be interrupted is done to a quarter of a mebibyte at a time, and the rest is bounded."""
    decoded: list[int] = []
    read: list[int] = []
    decode, a2b = msgspec.json.decode, binascii.a2b_base64

    def decode_counted(body: bytes, **options: Any) -> Any:
        decoded.append(len(body))
        return decode(body, **options)

    def a2b_counted(text: bytes, **options: Any) -> bytes:
        read.append(len(text))
        return a2b(text, **options)

    content = LONG * 20
    body = json.dumps({"ZipFile": base64.b64encode(content).decode(), "FunctionName": "f"}).encode()
    monkeypatch.setattr(msgspec.json, "decode", decode_counted)
    monkeypatch.setattr(binascii, "a2b_base64", a2b_counted)
    assert read_large_blob(decode_large(body)["ZipFile"]) == content
    assert max(decoded) < 1000
    assert max(read) <= PIECE_BYTES + 4
