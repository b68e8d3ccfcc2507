"""Requests as bytes, signed (SigV4, header) before the clock starts; a signature holds for fifteen minutes."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

REGION = "us-east-1"


class Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str


def invoke_request(endpoint: str, keys: Keys, function: str, event: bytes, *, log_tail: bool = False) -> bytes:
    """An Invoke as a whole HTTP request, signed now; `log_tail` asks for the end of the log in the answer's head."""
    path = f"/2015-03-31/functions/{quote(function)}/invocations"
    return request(endpoint, keys, "POST", path, body=event, log_tail=log_tail)


def request(
    endpoint: str,
    keys: Keys,
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    log_tail: bool = False,
) -> bytes:
    """A whole HTTP request to Lambda, signed now; `path` is encoded already."""
    host = urlsplit(endpoint).netloc
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    parameters = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in sorted((query or {}).items()))
    content = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-date": now} | ({"x-amz-log-type": "Tail"} if log_tail else {})  # in their order
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"{method}\n{path}\n{parameters}\n{lines}\n{';'.join(headers)}\n{content}"
    head = [
        f"{method} {path}{'?' if parameters else ''}{parameters} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"authorization: {_authorization(keys, now, ';'.join(headers), canonical)}",
        f"content-length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _authorization(keys: Keys, now: str, headers: str, canonical: str) -> str:
    scope = f"{now[:8]}/{REGION}/lambda/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{keys.access_key_id}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={headers}, Signature={signature}"
