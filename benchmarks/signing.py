"""An Invoke as bytes, signed (SigV4, header) before the clock starts; the signature holds for fifteen minutes."""

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
    """A whole HTTP request, signed now."""
    host = urlsplit(endpoint).netloc
    path = f"/2015-03-31/functions/{quote(function)}/invocations"
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    canonical = f"POST\n{path}\n\nhost:{host}\nx-amz-date:{now}\n\nhost;x-amz-date\n{hashlib.sha256(event).hexdigest()}"
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"X-Amz-Date: {now}",
        f"Authorization: {_authorization(keys, now, canonical)}",
        f"Content-Length: {len(event)}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + event


def _authorization(keys: Keys, now: str, canonical: str) -> str:
    scope = f"{now[:8]}/{REGION}/lambda/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{keys.access_key_id}/{scope}"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}"
