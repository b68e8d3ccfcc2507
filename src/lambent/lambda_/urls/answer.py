"""From what a function returned to an HTTP response. A function is a stranger: nothing it says is written unread.

    {"statusCode": 201, "headers": {...}, "cookies": [...], "body": "...", "isBase64Encoded": false}

An object with `statusCode` says everything itself. Any other value is the body of a 200: a string as its text, all else as
JSON without the spaces that its runtime wrote between the tokens (recorded). What cannot be understood is the function's
fault and a 502, as is a header that would end the line or the head; headers that belong to the connection are dropped or
renamed, as AWS renames them.

A URL whose InvokeMode is RESPONSE_STREAM sends what the function returned unread, also an object with a `statusCode`:
only a runtime that streams can say more, by a prelude before the body. Here all of it is sent when it is complete.

Sources: reference/lambda.md 2.3 (recorded values of every JSON type, a status in a string); Lambda developer guide,
"Response payload format"; for headers the API Gateway developer guide, "Important notes", and users' reports that
function URLs rename too.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any, Final, cast

import msgspec

from lambent.lambda_.limits import URL_RESPONSE_HEAD_MAX_BYTES
from lambent.lambda_.urls.config import InvokeMode
from lambent.wire.messages import Response

DROPPED: Final = frozenset({"keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "via"})
REMAPPED: Final = frozenset(
    {
        "connection",
        "content-length",
        "content-md5",
        "date",
        "expect",
        "host",
        "max-forwards",
        "server",
        "user-agent",
        "www-authenticate",
        "x-amzn-requestid",
        "x-amzn-trace-id",
    }
)
REMAPPED_PREFIX: Final = "x-amzn-Remapped-"
CONTENT_TYPE: Final = "application/json"
BYTES: Final = "application/octet-stream"
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")  # RFC 9110, 5.6.2; the length is ours
UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # what a header's value may not hold: RFC 9110, 5.5
STATUS: Final = re.compile(r"[1-9][0-9]{2}")
PRELUDE_END: Final = b"\0" * 8  # ref 2.3

Headers = list[tuple[str, str]]


class NotAResponse(Exception):
    """The function returned what is no HTTP response; the text is for its log."""


def response_of(payload: bytes, mode: InvokeMode) -> Response:
    """The response that a function's result means. Raises NotAResponse."""
    return buffered(payload) if mode == "BUFFERED" else streamed(payload)


def buffered(payload: bytes) -> Response:
    """The result of a function that returns. Raises NotAResponse."""
    value = _parsed(payload)
    if isinstance(value, str):
        return Response(200, [("Content-Type", CONTENT_TYPE)], _bytes(value))
    if not isinstance(value, dict) or "statusCode" not in value:
        return Response(200, [("Content-Type", CONTENT_TYPE)], msgspec.json.format(payload, indent=-1))
    said = cast("dict[str, Any]", value)
    return Response(_status(said["statusCode"]), _headers(said), _body(said))


def streamed(payload: bytes) -> Response:
    """The result of a function that may have streamed: its bytes, behind what a prelude says. Raises NotAResponse."""
    prelude, found, body = payload.partition(PRELUDE_END)
    if not found:
        return Response(200, [("Content-Type", CONTENT_TYPE if _is_json(payload) else BYTES)], payload)
    said = _parsed(prelude)
    if not isinstance(said, dict):
        raise NotAResponse("the prelude is no object")
    said = cast("dict[str, Any]", said)
    return Response(_status(said.get("statusCode", 200)), _headers(said, BYTES), body)


def _parsed(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise NotAResponse(f"it is not JSON: {problem}") from None


def _is_json(payload: bytes) -> bool:
    try:
        _parsed(payload)
    except NotAResponse:
        return False
    return True


def _status(value: object) -> int:
    """A number, also one in a string. 1xx is none: it would not be an answer, but an announcement of one."""
    text = str(value) if isinstance(value, str) or type(value) is int else ""
    if not STATUS.fullmatch(text) or not 200 <= int(text) <= 599:
        raise NotAResponse("statusCode is not from 200 to 599")
    return int(text)


def _headers(said: dict[str, Any], content_type: str = CONTENT_TYPE) -> Headers:
    given: Any = said.get("headers")
    given = {} if given is None else given
    cookies: Any = said.get("cookies")
    cookies = [] if cookies is None else cookies
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise NotAResponse("headers is no object, or cookies no list")
    named = {"content-type": ("Content-Type", content_type)}  # of two that differ in case only, the last
    for name, value in cast("dict[str, Any]", given).items():
        if not TOKEN.fullmatch(name):
            raise NotAResponse("a header's name is none")
        lower = name.lower()
        if lower not in DROPPED:
            named[lower] = (REMAPPED_PREFIX + name if lower in REMAPPED else name, _value(value))
    written = list(named.values())
    for cookie in cast("list[Any]", cookies):
        if not isinstance(cookie, str):
            raise NotAResponse("a cookie is no string")
        written.append(("Set-Cookie", _value(cookie)))
    if sum(len(name) + len(value) + 4 for name, value in written) > URL_RESPONSE_HEAD_MAX_BYTES:
        raise NotAResponse(f"the headers are larger than {URL_RESPONSE_HEAD_MAX_BYTES} bytes")
    return written


def _value(value: object) -> str:
    """A header's value as it is written: Latin-1 that stands for the bytes of UTF-8."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str() | int() | float():
            text = str(value)
        case _:
            raise NotAResponse("a header's value is no string, number or boolean")
    if UNWRITABLE.search(text):
        raise NotAResponse("a header's value holds a control character")
    return text if text.isascii() else _bytes(text).decode("latin-1")


def _body(said: dict[str, Any]) -> bytes:
    body, encoded = said.get("body"), said.get("isBase64Encoded", False)
    if body is None:
        return b""
    if not isinstance(body, str):
        return msgspec.json.encode(body)
    if encoded is not True:
        return _bytes(body)
    try:
        return b64decode(_bytes(body), validate=True)
    except binascii.Error:
        raise NotAResponse("the body is not Base64") from None


def _bytes(text: str) -> bytes:
    """Text of a function, in which there may be half a surrogate pair."""
    return text.encode(errors="replace")
