"""AWS Signature Version 4, the signer's side: for requests that Lambent itself sends to another service.

The form is the verifier's (`sigv4`), so that both cannot drift apart. Only requests without a body are signed here, with
their host and their time: what has to be signed so far is a GET.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

import msgspec

from lambent.wire.messages import Request
from lambent.wire.sigv4 import EMPTY_SHA256, canonical_request, signing_key
from lambent.wire.sigv4_claim import ALGORITHM, Claim

SIGNED_HEADERS: Final = "host;x-amz-content-sha256;x-amz-date"


class SigningKey(msgspec.Struct, frozen=True):
    """Who signs, and for which service."""

    access_key_id: str
    secret_access_key: str
    region: str
    service: str  # the signing name


def signed_headers(key: SigningKey, *, host: str, path: str, query: str, now: float) -> dict[str, str]:
    """The headers of a signed GET at `now` (Unix epoch seconds); `path` and `query` are percent-encoded, as they are sent."""
    timestamp = f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    claim = Claim(
        access_key_id=key.access_key_id,
        scope=f"{timestamp[:8]}/{key.region}/{key.service}/aws4_request",
        date=timestamp[:8],
        region=key.region,
        service=key.service,
        timestamp=timestamp,
        signed_headers=SIGNED_HEADERS,
        signature="",
        session_token=None,
    )
    headers = {"host": host, "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": timestamp}
    canonical = canonical_request(claim, Request("GET", path, query, headers, b""), EMPTY_SHA256)
    to_sign = f"{ALGORITHM}\n{timestamp}\n{claim.scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret = signing_key(key.secret_access_key, claim.date, key.region, key.service)
    signature = hmac.digest(secret, to_sign.encode(), "sha256").hex()
    credential = f"Credential={key.access_key_id}/{claim.scope}"
    return headers | {
        "authorization": f"{ALGORITHM} {credential}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
    }
