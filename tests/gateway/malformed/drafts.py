"""Members as a request in their service's protocol, and a request as bytes.

It is signed last, so that what was done to it is found behind the signature, and then framed as it asks for: well or badly.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from lambent.model.service import OperationModel
from lambent.wire.sigv4 import canonical_path, canonical_query, signing_key
from tests.gateway.malformed.members import as_text
from tests.gateway.malformed.values import Raw, Twice

REGION: Final = "us-east-1"
LABEL: Final = re.compile(r"\{(\w+)(\+?)\}")


class Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str


class Draft(msgspec.Struct):
    """A request that is not signed yet; text is latin-1."""

    service: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    framing: str = "length"


# --- members on the wire ---------------------------------------------------------------------------------------------


def drafted(operation: OperationModel, members: dict[str, Any]) -> Draft:
    """The request of a client that has these members to send."""
    service = operation.service
    draft = Draft(service.signing_name, operation.method, operation.request_uri, "", {}, b"")
    match service.metadata.protocol:
        case "rest-json":
            _rest(draft, operation, members)
        case "json":
            version = service.metadata.json_version or "1.1"
            draft.path = "/"
            draft.headers["x-amz-target"] = f"{service.metadata.target_prefix}.{operation.name}"
            draft.headers["content-type"] = f"application/x-amz-json-{version}"
            draft.body = in_json(members).encode("utf-8", "surrogatepass")
        case _:
            draft.path = "/"
            draft.headers["content-type"] = "application/x-www-form-urlencoded"
            fields = [("Action", operation.name), ("Version", service.metadata.api_version)]
            _flatten("", members, fields)
            draft.body = _form(fields).encode()
    return draft


def _rest(draft: Draft, operation: OperationModel, members: dict[str, Any]) -> None:
    shapes = operation.input.members if operation.input is not None else {}
    parameters: list[tuple[str, str]] = []
    payload = operation.input.traits.payload if operation.input is not None else None
    body = Twice() if isinstance(members, Twice) else {}
    labels: dict[str, str] = {}
    for name, value in members.items():
        shape = shapes.get(name)
        where = shape.location_name or name if shape is not None else name
        match shape.location if shape is not None else None:
            case "uri":
                labels[where] = as_text(value)
            case "querystring":
                parameters += [(where, as_text(item)) for item in (value if isinstance(value, list) else [value])]
            case "header" | "headers":
                draft.headers[where.lower()] = re.sub(r"[\r\n\0]", "?", as_text(value)).encode().decode("latin-1")
            case _ if name == payload:
                draft.body = value if isinstance(value, bytes) else in_json(value).encode("utf-8", "surrogatepass")
            case _:
                body[where] = value
    path, _, fixed = operation.request_uri.partition("?")
    draft.path = LABEL.sub(lambda found: quote(labels.get(found[1], ""), safe="/" if found[2] else ""), path)
    draft.query = "&".join([*([fixed] if fixed else []), *([_form(parameters)] if parameters else [])])
    if payload is None and body:
        draft.headers["content-type"] = "application/json"
        draft.body = in_json(body).encode("utf-8", "surrogatepass")


def in_json(value: Any) -> str:
    """JSON that says what json.dumps would not."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        pairs = [f"{in_json(str(key))}:{in_json(item)}" for key, item in value.items()]
        return "{" + ",".join(pairs * 2 if isinstance(value, Twice) else pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(in_json, value)) + "]"
    return json.dumps(as_text(value) if isinstance(value, bytes) else value)


def _flatten(prefix: str, value: Any, fields: list[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _flatten(f"{prefix}.{name}" if prefix else str(name), item, fields)
            if isinstance(value, Twice):
                _flatten(f"{prefix}.{name}" if prefix else str(name), item, fields)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _flatten(f"{prefix}.member.{index + 1}", item, fields)
    elif value is not None:
        fields.append((prefix, as_text(value)))


def _form(fields: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in fields)


CUT: Final = frozenset({"short", "long"})  # framings that promise more than comes


# --- signature and bytes ---------------------------------------------------------------------------------------------


def as_bytes(draft: Draft, keys: Keys, host: str, now: datetime | None = None) -> bytes:
    """The whole request, signed and framed as it says."""
    headers = {"host": host, **draft.headers}
    if "authorization" not in headers:
        stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        headers.setdefault("x-amz-date", stamp)
        headers["authorization"] = _authorization(draft, headers, keys, stamp)
    target = draft.path + (f"?{draft.query}" if draft.query else "")
    lines = [f"{draft.method} {target}{VERSIONS.get(draft.framing, ' HTTP/1.1')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += FRAMING_LINES.get(draft.framing, "Content-Length: {length}").format(length=len(draft.body)).split("\n")
    end = "\n" if draft.framing == "bare lf" else "\r\n"
    return end.join([*lines, "", ""]).encode("latin-1", "replace") + _framed(draft)


VERSIONS: Final = {"http/1.0": " HTTP/1.0", "http/9": " HTTP/9.9", "no version": ""}
FRAMING_LINES: Final = {
    **dict.fromkeys(("chunked", "small chunks", "bad chunk", "huge chunk", "trailers"), "Transfer-Encoding: chunked"),
    "long": "Content-Length: 100000",
    "two lengths": "Content-Length: {length}\nContent-Length: 1",
    "negative length": "Content-Length: -1",
    "length and chunks": "Content-Length: {length}\nTransfer-Encoding: chunked",
    "no length": "X-Nothing: here",
    "expect": "Content-Length: {length}\nExpect: 100-continue",
    "folded header": "Content-Length: {length}\nX-Folded: a\n b",
    "header without colon": "Content-Length: {length}\nnothing",
    "nul in header": "Content-Length: {length}\nX-Nul: a\0b",
}


def _framed(draft: Draft) -> bytes:
    body = draft.body
    match draft.framing:
        case "chunked" | "length and chunks":
            return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        case "small chunks":
            return b"".join(b"1;x=y\r\n%c\r\n" % byte for byte in body[:2000]) + b"0\r\n\r\n"
        case "bad chunk":
            return b"xyz\r\n" + body
        case "huge chunk":
            return b"ffffffffffffffffff\r\n" + body
        case "trailers":
            return (
                b"%x\r\n%b\r\n0\r\nX-Trailer: a\r\nContent-Length: 5\r\n\r\n" % (len(body), body)
                if body
                else b"0\r\n\r\n"
            )
        case "short":
            return body[: len(body) // 2]
        case _:
            return body


def _authorization(draft: Draft, headers: dict[str, str], keys: Keys, stamp: str) -> str:
    """AWS4-HMAC-SHA256 over what is sent, with the date that is sent where that is one."""
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(draft.body).hexdigest()
    if len(payload) == 64:
        payload = hashlib.sha256(draft.body).hexdigest()
    signed = sorted(name for name in headers if name in ("host", "content-type") or name.startswith("x-amz-"))
    lines = [draft.method, canonical_path(draft.path, s3=False), canonical_query(draft.query, presigned=False)]
    lines += [f"{name}:{' '.join(headers[name].split())}" for name in signed]
    canonical = "\n".join([*lines, "", ";".join(signed), payload])
    scope = f"{stamp[:8]}/{REGION}/{draft.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    key = signing_key(keys.secret_access_key, stamp[:8], REGION, draft.service)
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{digest}"
    signature = hmac.digest(key, to_sign.encode("latin-1"), "sha256").hex()
    credential, names = f"{keys.access_key_id}/{scope}", ";".join(signed)
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
