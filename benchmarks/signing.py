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


def invoke_request(endpoint: str, keys: Keys, function: str, event: bytes) -> bytes:
    """An Invoke as a whole HTTP request, signed now."""
    return request(endpoint, keys, "POST", f"/2015-03-31/functions/{quote(function)}/invocations", body=event)


def request(
    endpoint: str, keys: Keys, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """A whole HTTP request to Lambda, signed now; `path` is encoded already."""
    host = urlsplit(endpoint).netloc
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    parameters = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in sorted((query or {}).items()))
    content = hashlib.sha256(body).hexdigest()
    canonical = f"{method}\n{path}\n{parameters}\nhost:{host}\nx-amz-date:{now}\n\nhost;x-amz-date\n{content}"
    head = [
        f"{method} {path}{'?' if parameters else ''}{parameters} HTTP/1.1",
        f"Host: {host}",
        f"X-Amz-Date: {now}",
        f"Authorization: {_authorization(keys, now, canonical)}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _authorization(keys: Keys, now: str, canonical: str) -> str:
    scope = f"{now[:8]}/{REGION}/lambda/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{keys.access_key_id}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}"
