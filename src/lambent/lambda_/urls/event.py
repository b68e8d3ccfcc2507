"""From an HTTP request to the event its function gets: payload format 2.0.

What the client sent reaches the function as it came: `rawPath` and the query stay percent-encoded, headers keep their
values. Three things are as AWS has them (recorded), whose clients all come by TLS to a name: the path in `requestContext`
is decoded, `host` is the domain without a port, and two headers tell how TLS was spoken. Text stands in JSON, which is
Unicode, so bytes are read as UTF-8 where they are, and as Latin-1 where they are not; a body that is not text is in
Base64. Members without a value are left out, as AWS leaves them out.

Sources: reference/lambda.md 2.3; Lambda developer guide, "Invoking Lambda function URLs"; events that users have captured,
for what the guide leaves open: cookies stand in `headers` too, a signature does not, and `accountId` is the caller's.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from lambent.core.kernel import Caller
from lambent.wire.messages import Request

HOP_BY_HOP: Final = frozenset(  # RFC 9110, 7.6.1: between the client and us
    {"connection", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
TLS: Final = {"x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256", "x-amzn-tls-version": "TLSv1.3"}
TEXT: Final = re.compile(
    r"\s*(?:text/|application/(?:json|xml|javascript|[^;\s]{1,127}\+(?:json|xml))\s*(?:;|$))", re.IGNORECASE
)
ANONYMOUS: Final = "anonymous"


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request besides itself."""

    url_id: str
    domain: str  # the URL's host name, without a port
    path: str  # below the URL, percent-encoded
    port: str  # that the client came to
    caller: Caller | None  # None: nobody has asked who it is
    request_id: str
    trace: str  # Root=1-...
    now: float  # Unix epoch seconds


def event_of(request: Request, visit: Visit) -> bytes:
    """The event, as JSON."""
    headers = _headers(request, visit)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": readable(visit.path),
        "rawQueryString": readable(request.query),
    }
    if cookies := [one for one in (part.strip() for part in headers.get("cookie", "").split(";")) if one]:
        event["cookies"] = cookies
    event["headers"] = headers
    if parameters := parameters_of(request.query):
        event["queryStringParameters"] = parameters
    event["requestContext"] = _context(request, visit)
    if request.body:
        event["body"], event["isBase64Encoded"] = body_of(request.body, request.headers.get("content-type", ""))
    else:
        event["isBase64Encoded"] = False
    return msgspec.json.encode(event)


def parameters_of(query: str) -> dict[str, str]:
    """The parameters of a query, decoded; the values of one that is repeated are joined by commas."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            key, text = _decoded(name), _decoded(value)
            found[key] = text if key not in found else f"{found[key]},{text}"
    return found


def body_of(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body as it stands in JSON, and whether that is Base64."""
    if TEXT.match(content_type):
        try:
            return body.decode(), False
        except UnicodeDecodeError:  # it says that it is text, and is not
            return base64.b64encode(body).decode(), True
    return base64.b64encode(body).decode(), True


def readable(text: str) -> str:
    """What came over the wire as Latin-1, whose bytes may have been meant as UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def decoded_path(path: str) -> str:
    """The path without percent signs but those that begin no octet; its octets are read as those of `readable`."""
    return readable(unquote_to_bytes(path.encode("latin-1", "replace")).decode("latin-1"))


def _headers(request: Request, visit: Visit) -> dict[str, str]:
    signed = visit.caller is not None
    headers = {
        name: readable(value)
        for name, value in request.headers.items()
        if name not in HOP_BY_HOP and not (signed and name == "authorization")
    }
    forwarded = headers.get("x-forwarded-for")
    headers["host"] = visit.domain
    headers |= TLS
    headers["x-forwarded-for"] = f"{forwarded}, {request.peer}" if forwarded else request.peer
    headers["x-forwarded-port"] = visit.port
    headers["x-forwarded-proto"] = "http"
    headers["x-amzn-trace-id"] = visit.trace
    return headers


def _context(request: Request, visit: Visit) -> dict[str, Any]:
    caller = visit.caller
    context: dict[str, Any] = {"accountId": ANONYMOUS if caller is None else caller.account, "apiId": visit.url_id}
    if caller is not None:
        context["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key,
                "accountId": caller.account,
                "callerId": caller.principal_id,
                "cognitoIdentity": None,
                "principalOrgId": None,
                "userArn": caller.arn,
                "userId": caller.principal_id,
            }
        }
    return context | {
        "domainName": visit.domain,
        "domainPrefix": visit.url_id,
        "http": {
            "method": request.method,
            "path": decoded_path(visit.path),
            "protocol": "HTTP/1.1",
            "sourceIp": request.peer,
            "userAgent": readable(request.headers.get("user-agent", "")),
        },
        "requestId": visit.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(visit.now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(visit.now * 1000),
    }


def _decoded(text: str) -> str:
    """A name or a value of a query; a percent sign that begins no octet stays one."""
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1", "replace")).decode(errors="replace")
