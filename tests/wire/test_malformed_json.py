"""Why a text is no JSON: by table in Jackson's words, in agreement with our own parser, and within bounds."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.wire import malformed_json
from lambent.wire.malformed_json import EXAMINED_BYTES, EXAMINED_TOKENS, nested_too_deeply, reason

SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
VALID = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
TOKEN = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
NAME = "was expecting double-quote to start field name"
MINUS = "expected digit (0-9) to follow minus sign, for valid numeric value"
UNQUOTED = "has to be escaped using backslash to be included in"
SPACE = "only regular white space (\\r, \\n, \\t) is allowed between tokens"
COMMENT = (
    "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)"
)
TRAILING = (
    "found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): "
    "not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`"
)
DECODER = msgspec.json.Decoder(msgspec.Raw)


def told(text: bytes) -> tuple[str, int, int]:
    """The sentence, the line and the column."""
    sentence, _, where = reason(text, "nothing").rpartition("\n at ")
    found = re.fullmatch(re.escape(SOURCE) + r"(\d+), column: (\d+)\]", where)
    assert found is not None, (text, where)
    return sentence, int(found[1]), int(found[2])


def is_json(text: bytes) -> bool:
    try:
        DECODER.decode(text)
        text.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


@pytest.mark.parametrize(
    ("text", "sentence", "column"),
    [
        (b"\x99", f"Unexpected character ((CTRL-CHAR, code 153)): {VALID}", 1),  # recorded
        (b"\xa2\x97\xab", "Invalid UTF-8 start byte 0x97", 3),  # awslabs' users, of AWS
        (b"a" * 300, f"Unrecognized token '{'a' * 256}...': {TOKEN}", 257),  # as AWS has truncated one
        (b"test data", f"Unrecognized token 'test': {TOKEN}", 6),
        (b"tru", f"Unrecognized token 'tru': {TOKEN}", 4),
        (b"nulls", f"Unrecognized token 'nulls': {TOKEN}", 6),
        (b"<html>", f"Unexpected character ('<' (code 60)): {VALID}", 1),
        (b"{", f"Unexpected end-of-input: expected close marker for Object (start marker at {SOURCE}1, column: 1])", 2),
        (
            b"[[1]",
            f"Unexpected end-of-input: expected close marker for Array (start marker at {SOURCE}1, column: 1])",
            5,
        ),
        (b'{"a"', "Unexpected end-of-input within/between Object entries", 5),
        (b'{"a":', "Unexpected end-of-input within/between Object entries", 6),
        (b"[1,", "Unexpected end-of-input within/between Array entries", 4),
        (b'{"a', "Unexpected end-of-input: was expecting closing '\"' for name", 4),
        (b'"abc', "Unexpected end-of-input in VALUE_STRING", 5),
        (b'"\\', "Unexpected end-of-input in character escape sequence", 3),
        (b'{"a":1,}', f"Unexpected character ('}}' (code 125)): {NAME}", 8),
        (b"{a:1}", f"Unexpected character ('a' (code 97)): {NAME}", 2),
        (b"{'a':1}", f"Unexpected character (''' (code 39)): {NAME}", 2),
        (b"{\xe2\x82\xac:1}", f"Unexpected character ('€' (code 8364 / 0x20ac)): {NAME}", 4),
        (b'{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", 6),
        (b"[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries", 4),
        (b'{"a":1 "b":2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", 8),
        (b"[1,]", "Unexpected character (']' (code 93)): expected a value", 4),
        (b'{"a":}', "Unexpected character ('}' (code 125)): expected a value", 6),
        (b"{]", f"Unexpected close marker ']': expected '}}' (for Object starting at {SOURCE}1, column: 1])", 2),
        (b"}", f"Unexpected close marker '}}': expected ']' (for root starting at {SOURCE}1, column: 0])", 1),
        (b"0D", "Unexpected character ('D' (code 68)): Expected space separating root-level values", 2),
        (b"01", "Invalid numeric value: Leading zeroes not allowed", 2),
        (b"[1.]", "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed by a digit", 4),
        (
            b"1e",
            "Unexpected character ('e' (code 101)) in numeric value: Exponent indicator not followed by a digit",
            2,
        ),
        (b"--1", f"Unexpected character ('-' (code 45)) in numeric value: {MINUS}", 2),
        (b'{"a":NaN}', "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow", 9),
        (b'"\x80"', "Invalid UTF-8 start byte 0x80", 3),
        (b'{"\xc3(":1}', "Invalid UTF-8 middle byte 0x28", 5),
        (b'"\\x"', "Unrecognized character escape 'x' (code 120)", 3),
        (b'"\\u12"', "Unexpected character ('\"' (code 34)): expected a hex-digit for character escape sequence", 6),
        (b'{"a":"\n"}', f"Illegal unquoted character ((CTRL-CHAR, code 10)): {UNQUOTED} string value", 7),
        (b'{"\t":1}', f"Illegal unquoted character ((CTRL-CHAR, code 9)): {UNQUOTED} name", 3),
        (b"\x00", f"Illegal character ((CTRL-CHAR, code 0)): {SPACE}", 1),
        (b"/* c */ 1", f"Unexpected character ('/' (code 47)): {COMMENT}", 1),
        (b"{} []", f"Trailing token (of type START_ARRAY) {TRAILING}", 4),
    ],
)
def test_a_fault_is_told_in_jacksons_words(text: bytes, sentence: str, column: int):
    assert told(text) == (sentence, 1, column)


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"])
def test_lines_are_counted_whatever_ends_them(newline: bytes):
    text = newline.join([b"{", b' "a": 1,', b"", b' "b": x', b"}"])
    assert told(text) == (f"Unrecognized token 'x': {TOKEN}", 4, 9)  # behind the newline, which is no row's


def test_a_fault_behind_what_is_looked_at_keeps_the_other_parsers_reason():
    assert reason(b'["' + b"x" * EXAMINED_BYTES + b'" x]', "otherwise") == "otherwise"
    assert reason(b"[" + b"0," * EXAMINED_TOKENS + b"x]", "otherwise") == "otherwise"
    assert reason(b'"' + "\u00e9".encode() * EXAMINED_BYTES, "otherwise") == "otherwise"  # cut within a letter
    assert reason(b'"\\ud800"', "otherwise") == "otherwise"  # which Jackson takes


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"a":' * 3_000])
def test_what_is_nested_too_deeply_is_told_so(text: bytes):
    sentence = "Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints."
    assert nested_too_deeply(text).startswith(sentence)


@pytest.mark.parametrize(
    "text",
    [b"[" + b"0," * 3_000_000, b'"' + b"\\n" * 3_000_000, b"\n" * 6_000_000 + b"x", b"a" * 6_000_000, b"1" * 6_000_000],
)
def test_a_large_text_is_not_read_beyond_the_bounds(text: bytes, monkeypatch: pytest.MonkeyPatch):
    read = list[int]()
    peek = malformed_json._Reader._peek  # pyright: ignore[reportPrivateUsage]

    def counted(self: malformed_json._Reader) -> int | None:  # pyright: ignore[reportPrivateUsage]
        read.append(self._at)  # pyright: ignore[reportPrivateUsage]
        return peek(self)

    monkeypatch.setattr(malformed_json._Reader, "_peek", counted)  # pyright: ignore[reportPrivateUsage]
    assert len(reason(text, "otherwise")) < 1_000
    assert len(read) <= 5 * EXAMINED_TOKENS
    assert max(read) <= EXAMINED_BYTES


SCRAPS = st.sampled_from(
    [*'{}[]:,"\\/ \n\r-+.0123eEtfnNI\u00e9\u20ac', "true", "null", '"a"', '{"a":', "NaN", "\0", "\\u00"]
)


@given(st.lists(SCRAPS, max_size=12).map(lambda scraps: "".join(scraps).encode()) | st.binary(max_size=12))
def test_it_finds_a_fault_where_our_parser_does_and_nowhere_else(text: bytes):
    found = reason(text, "none")
    assert "\ud800" not in found
    found.encode()
    if is_json(text):
        assert found == "none"
    elif b"\\ud" not in text.lower() and text.strip():
        overlong = any(
            byte in text for byte in (b"\xc0", b"\xc1", b"\xe0", b"\xed", *(bytes([b]) for b in range(0xF0, 0xF8)))
        )
        assert found != "none" or overlong
