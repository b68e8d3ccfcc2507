"""AWS Signature Version 4, the verifier's side: is this request the one that the holder of the secret signed?

Both sides write the request down in one canonical form, hash it, and sign the hash with a key derived from the
secret, the day, the region and the service. We repeat the work on what has arrived and compare. The canonical form
follows "Create a signed AWS API request" of the IAM guide: the path is normalised and URI-encoded once more than it
was sent (S3: neither), query parameters are encoded and sorted, signed headers are trimmed and folded.

What it defends against: a changed method, path, query, signed header or body; a replay after 15 minutes; a guess of
the signature by timing. It is not: proof against a replay within the 15 minutes (AWS's is not either), nor secrecy
(that is TLS).

Derived keys are kept, bounded, and only for signatures that were right, so that a stranger cannot push the others out.
Everything is bytes as they came: headers and URL are latin-1 text that stands for those bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from lambent.wire.messages import Request
from lambent.wire.sigv4_claim import ALGORITHM, S3_SERVICES, Claim
from lambent.wire.sigv4_refusals import Refusal, SignatureRefused

UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
STREAMED: Final = frozenset(
    {
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    }
)
DECLARED_ONLY: Final = STREAMED | {UNSIGNED_PAYLOAD}  # stand in the canonical request instead of a hash
EMPTY_SHA256: Final = hashlib.sha256(b"").hexdigest()
KEYS: Final = 1024  # derived keys that are kept: one per access key, day, region and service
SCOPE_CHARACTERS: Final = 128  # of a scope whose key is kept; AWS's own have less than 80

SEGMENT: Final = "[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"
UNCHANGED_PATH: Final = re.compile(f"/(?:{SEGMENT}/)*(?:{SEGMENT})?")  # already normal, nothing to encode
UNCHANGED_VALUES: Final = re.compile(r"[A-Za-z0-9_.~&=-]*")
UNRESERVED: Final = "-_.~"

MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
S3_PAYLOAD_MISMATCH: Final = "The provided 'x-amz-content-sha256' header does not match what was computed."
S3_PAYLOAD_MISSING: Final = "Missing required header for this request: x-amz-content-sha256"


class SignatureMismatch(SignatureRefused):
    """The signature is another one than ours; services that explain themselves show what we signed."""

    def __init__(self, canonical: str, to_sign: str) -> None:
        super().__init__(Refusal.INVALID, MISMATCH)
        self.explanation: Final = (
            f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{to_sign}'\n"
        )


class Verifier:
    """Verifies signatures; holds nothing but derived keys."""

    __slots__ = ("_keys", "_limit")

    def __init__(self, keys: int = KEYS) -> None:
        self._keys: Final[dict[tuple[str, str], bytes]] = {}
        self._limit: Final = keys

    def verify(self, claim: Claim, request: Request, secret: str, body_sha256: str | None = None) -> bytes:
        """Prove the claim, or raise SignatureRefused; returns the derived key, which signs a streamed body's chunks.

        `body_sha256` is the body's hash in hexadecimal where the caller has computed it already (off the loop, when
        large).
        """
        canonical = canonical_request(claim, request, payload_line(claim, request, body_sha256))
        digest = hashlib.sha256(_bytes(canonical)).hexdigest()
        to_sign = f"{ALGORITHM}\n{claim.timestamp}\n{claim.scope}\n{digest}"
        known = (secret, claim.scope)
        key = self._keys.get(known)
        derived = key or signing_key(secret, claim.date, claim.region, claim.service)
        expected = hmac.digest(derived, _bytes(to_sign), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), _bytes(claim.signature)):
            raise SignatureMismatch(canonical, to_sign)
        if key is None and len(claim.scope) <= SCOPE_CHARACTERS:
            if len(self._keys) >= self._limit:
                del self._keys[next(iter(self._keys))]
            self._keys[known] = derived
        return derived


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derive the key that signs for one day, one region and one service."""
    key = hmac.digest(b"AWS4" + _bytes(secret), _bytes(date), "sha256")
    key = hmac.digest(key, _bytes(region), "sha256")
    key = hmac.digest(key, _bytes(service), "sha256")
    return hmac.digest(key, b"aws4_request", "sha256")


def needs_body_hash(claim: Claim) -> bool:
    """Whether the signature covers the body's hash, rather than a word that stands for it."""
    return claim.payload not in DECLARED_ONLY and not (
        claim.payload is None and claim.presigned and claim.service in S3_SERVICES
    )


def payload_line(claim: Claim, request: Request, body_sha256: str | None = None) -> str:
    """The last line of the canonical request: the hash of the body as it arrived, or the word the sender put there."""
    declared = claim.payload
    if declared in DECLARED_ONLY:
        return declared
    if declared is None and claim.service in S3_SERVICES:
        if claim.presigned:
            return UNSIGNED_PAYLOAD
        raise SignatureRefused(Refusal.INCOMPLETE, S3_PAYLOAD_MISSING)
    if declared is not None and declared.startswith("STREAMING-"):
        raise SignatureRefused(Refusal.UNSUPPORTED, f"x-amz-content-sha256 {declared} is not supported by Lambent yet.")
    computed = body_sha256 or (hashlib.sha256(request.body).hexdigest() if request.body else EMPTY_SHA256)
    if declared is not None and declared != computed and claim.service in S3_SERVICES:
        raise SignatureRefused(Refusal.PAYLOAD, S3_PAYLOAD_MISMATCH)
    return computed


def canonical_request(claim: Claim, request: Request, payload: str) -> str:
    """The request as both sides write it down."""
    headers = request.headers
    signed = claim.signed_headers
    lines = [
        request.method,
        canonical_path(request.path, s3=claim.service in S3_SERVICES),
        canonical_query(request.query, presigned=claim.presigned),
    ]
    for name in signed.split(";"):
        value = headers.get(name, "")
        if "  " in value or "\t" in value:
            value = " ".join([word for word in value.replace("\t", " ").split(" ") if word])
        elif value[:1] == " " or value[-1:] == " ":
            value = value.strip(" ")
        lines.append(f"{name}:{value}")
    lines += ("", signed, payload)
    return "\n".join(lines)


def canonical_path(path: str, *, s3: bool) -> str:
    """The path as it is signed: for S3 as its octets say, for all others without dots, encoded once more."""
    if s3:
        return quote(unquote_to_bytes(_bytes(path)), safe="/" + UNRESERVED) or "/"
    if UNCHANGED_PATH.fullmatch(path):
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment and segment != ".":
            kept.append(segment)
    trailing = "/" if kept and path.endswith("/") else ""
    return quote(_bytes("/" + "/".join(kept) + trailing), safe="/" + UNRESERVED)


def canonical_query(query: str, *, presigned: bool) -> str:
    """The query as it is signed: encoded in one way, sorted by name, then by value; without the signature itself."""
    if not query:
        return ""
    pairs: list[tuple[str, str]] = []
    for pair in query.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if not UNCHANGED_VALUES.fullmatch(pair) or "=" in value:
            name, value = _encoded(name), _encoded(value)
        if not (presigned and name == "X-Amz-Signature"):
            pairs.append((name, value))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(_bytes(text.replace("+", " "))), safe=UNRESERVED)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:  # never from our server; a request made in process
        return text.encode()
