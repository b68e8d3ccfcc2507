"""What a request says about its own signature, before anyone believes it.

AWS Signature Version 4 puts the same seven facts into the `Authorization` header or into the query of a presigned
URL: who signs (access key), for which day, region and service (the credential scope), when (X-Amz-Date), which
headers are covered, and the signature. Here they are only read and checked for form; `sigv4.py` proves them.

The order of the checks and their sentences are AWS's, as DynamoDB and STS answer them (each check below was reported by
callers of the real services): parameters, date, expiry, host, algorithm, credential, scope. A caller who sees the first
sentence of a list can look it up. Nothing here needs the secret, so all of it may be said to a stranger.

All that a client's requests of one day have in common (everything in its header but the signature) is read once and
remembered (`Signers`), within bounds and only after a proof, so that a stranger can neither fill the memory nor push
the others out. A header that is not as SDKs write it, or has anything wrong, is read by the book each time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from lambent.wire.messages import Request
from lambent.wire.sigv4_refusals import (
    SKEW_S,
    TERMINATOR,
    Refusal,
    SignatureRefused,
    bad_date,
    expired,
    incomplete,
    missing_from_header,
    out_of_scope,
    skewed,
)

ALGORITHM: Final = "AWS4-HMAC-SHA256"
ASYMMETRIC: Final = "AWS4-ECDSA-P256-SHA256"  # SigV4A, for multi-region access points
PRESIGNED_MAX_S: Final = 7 * 24 * 3600  # S3 API reference, "Authenticating Requests: Using Query Parameters"
S3_SERVICES: Final = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
# Covered by a signature even when the list of signed headers does not name them: the date and the payload's hash are
# lines of the signed text themselves, and the token only ever finds the secret.
COVERED: Final = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"})
USUAL: Final = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(([0-9]{{8}})/([^/,\s]+)/([^/,\s]+)/{TERMINATOR}), ?"
    r"SignedHeaders=([^,\s]+), ?Signature="
)
USUAL_CHARACTERS: Final = 1024  # of a header that is remembered
USUAL_NAMES: Final = 32  # signed headers in it
REMEMBERED: Final = 1024  # headers, of at most 6 KB with what was read of each; and dates, of 16 characters
SIGNATURE_CHARACTERS: Final = 64
PARAMETER_CHARACTERS: Final = (
    8192  # of a value in a presigned query, encoded; AWS's longest, a session token, has 2,000
)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender claims; well formed, not proven."""

    access_key_id: str
    scope: str  # date/region/service/aws4_request, as it is signed
    date: str  # YYYYMMDD
    region: str
    service: str  # the signing name
    timestamp: str  # ISO 8601 basic format, as it is signed
    signed_headers: str  # as it is signed: lower case, joined by ";"
    signature: str
    session_token: str | None
    presigned: bool = False
    payload: str | None = None  # X-Amz-Content-Sha256, wherever it stands
    signer: Signer | None = None  # to be remembered when the claim is proven; None: it is, or need not be


class Signer(msgspec.Struct, frozen=True):
    """What all requests have in common that one key signs on one day, for one service and with the same headers."""

    prefix: str  # of the header, before the signature
    access_key_id: str
    scope: str
    date: str
    region: str
    service: str
    signed_headers: str
    covered: frozenset[str]


class Signers:
    """Those who have proven a claim lately, by what stands before the signature in their headers."""

    __slots__ = ("_limit", "_signers", "find")

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._signers: Final[dict[str, Signer]] = {}
        self._limit: Final = limit
        self.find: Final = self._signers.get

    def remember(self, signer: Signer) -> None:
        """Know the signer of a proven claim at once from now on; the one who was first remembered is forgotten."""
        if len(self._signers) >= self._limit:
            del self._signers[next(iter(self._signers))]
        self._signers[signer.prefix] = signer


def claimed(request: Request, now: float, signers: Signers | None = None) -> Claim | None:
    """Read the claim of a request received at `now` (Unix epoch seconds); None when it is not signed at all.

    Raises SignatureRefused for what no secret could make right.
    """
    authorization = request.headers.get("authorization", "")
    presigned = "X-Amz-" in request.query and (
        "X-Amz-Algorithm=" in request.query or "X-Amz-Signature=" in request.query
    )
    if authorization.startswith("AWS4-"):
        if presigned:
            raise SignatureRefused(
                Refusal.INVALID,
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
            )
        return _as_usual(request.headers, authorization, now, signers) or _by_the_book(
            request.headers, authorization, now
        )
    return _from_query(request, now) if presigned else None


def unproven(request: Request) -> Claim | None:
    """Who a request says it is from, with nothing checked but the form of its credential; None when it does not say.

    For `--auth open`, and to choose the form of an error. Everything that only a proof needs is empty.
    """
    credential = ""
    token = request.headers.get("x-amz-security-token")
    payload = request.headers.get("x-amz-content-sha256")
    _, found, rest = request.headers.get("authorization", "").partition("Credential=")
    if found:
        credential = rest.replace(",", " ").lstrip().partition(" ")[0]
    elif "X-Amz-Credential=" in request.query:
        given = _amz_parameters(request.query)
        credential = given.get("X-Amz-Credential", "")
        token = token or given.get("X-Amz-Security-Token")
        payload = payload or given.get("X-Amz-Content-Sha256")
    parts = credential.split("/")
    if len(parts) < 4:
        return None
    return Claim(
        access_key_id=parts[0],
        scope="",
        date=parts[1],
        region=parts[2],
        service=parts[3],
        timestamp="",
        signed_headers="",
        signature="",
        session_token=token,
        presigned=not found,
        payload=payload,
    )


def _signer(prefix: str) -> Signer | None:
    """Read what stands before the signature in a header as SDKs write it; None for any other header."""
    found = USUAL.fullmatch(prefix) if len(prefix) <= USUAL_CHARACTERS else None
    if found is None:
        return None
    access_key_id, scope, date, region, service, signed_headers = found.groups()
    names = frozenset(signed_headers.split(";"))
    return Signer(prefix, access_key_id, scope, date, region, service, signed_headers, names | COVERED)


def _as_usual(headers: dict[str, str], authorization: str, now: float, signers: Signers | None) -> Claim | None:
    """The claim in a header as SDKs write it; None when it is another one, or anything is wrong with it."""
    signature = authorization[-SIGNATURE_CHARACTERS:]
    prefix = authorization[:-SIGNATURE_CHARACTERS]
    signer, new = (None if signers is None else signers.find(prefix)), None
    if signer is None:
        signer = _signer(prefix)
        if signers is not None and signer is not None and len(signer.covered) <= USUAL_NAMES:
            new = signer
    timestamp = headers.get("x-amz-date")
    if signer is None or timestamp is None or timestamp[:8] != signer.date or "host" not in signer.covered:
        return None
    if not signature.isalnum() or not -SKEW_S <= _epoch(timestamp) - now <= SKEW_S:
        return None
    covered = signer.covered
    for name in headers:
        if name[:6] == "x-amz-" and name not in covered:
            return None
    return Claim(
        access_key_id=signer.access_key_id,
        scope=signer.scope,
        date=signer.date,
        region=signer.region,
        service=signer.service,
        timestamp=timestamp,
        signed_headers=signer.signed_headers,
        signature=signature,
        session_token=headers.get("x-amz-security-token"),
        payload=headers.get("x-amz-content-sha256"),
        signer=new,
    )


def _by_the_book(headers: dict[str, str], authorization: str, now: float) -> Claim:
    algorithm, *pairs = authorization.replace(",", " ").split()
    _refuse_asymmetric(algorithm)
    given: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise incomplete(
                f"'{pair}' not a valid key=value pair (missing equal-sign) in Authorization header: '{authorization}'."
            )
        given[name] = value
    timestamp = headers.get("x-amz-date") or headers.get("date")
    if not (given.get("Credential") and given.get("Signature") and "SignedHeaders" in given and timestamp):
        raise incomplete(missing_from_header(given, authorization, dated=bool(timestamp)))
    timestamp, signed_at = _instant(timestamp, "x-amz-date" not in headers)
    if not -SKEW_S <= signed_at - now <= SKEW_S:
        raise skewed(timestamp, signed_at, now)
    signed_headers = given["SignedHeaders"]
    _require_signed(signed_headers, headers)
    return _claim(
        algorithm,
        credential=given["Credential"],
        timestamp=timestamp,
        signed_headers=signed_headers,
        signature=given["Signature"],
        session_token=headers.get("x-amz-security-token"),
        payload=headers.get("x-amz-content-sha256"),
    )


def _from_query(request: Request, now: float) -> Claim:
    given = _amz_parameters(request.query)
    missing = [
        f"AWS query-string parameters must include '{name}'. "
        for name in ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
        if not given.get(name)
    ]
    if missing:
        raise incomplete("".join(missing) + "Re-examine the query-string parameters.")
    _refuse_asymmetric(given["X-Amz-Algorithm"])
    timestamp, signed_at = _instant(given["X-Amz-Date"], as_http_date=False)
    lifetime_s = _lifetime_s(given.get("X-Amz-Expires"))
    if signed_at - now > SKEW_S:
        raise skewed(timestamp, signed_at, now)
    if now > signed_at + lifetime_s:
        raise SignatureRefused(Refusal.EXPIRED_URL, expired(timestamp, now, lifetime_s))
    _require_signed(given["X-Amz-SignedHeaders"], request.headers)
    return _claim(
        given["X-Amz-Algorithm"],
        credential=given["X-Amz-Credential"],
        timestamp=timestamp,
        signed_headers=given["X-Amz-SignedHeaders"],
        signature=given["X-Amz-Signature"],
        session_token=given.get("X-Amz-Security-Token") or request.headers.get("x-amz-security-token"),
        payload=request.headers.get("x-amz-content-sha256") or given.get("X-Amz-Content-Sha256"),
        presigned=True,
    )


def _claim(
    algorithm: str,
    *,
    credential: str,
    timestamp: str,
    signed_headers: str,
    signature: str,
    session_token: str | None,
    payload: str | None,
    presigned: bool = False,
) -> Claim:
    if algorithm != ALGORITHM:
        raise incomplete(f"Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). ")
    parts = credential.rstrip("/").split("/")
    if len(parts) != 5:
        raise incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
            f" got '{credential}'"
        )
    access_key_id, date, region, service, terminator = parts
    if terminator != TERMINATOR or timestamp[:8] != date or not region or not service:
        raise out_of_scope(date, region, service, terminator, timestamp)
    return Claim(
        access_key_id=access_key_id,
        scope=f"{date}/{region}/{service}/{terminator}",
        date=date,
        region=region,
        service=service,
        timestamp=timestamp,
        signed_headers=signed_headers,
        signature=signature,
        session_token=session_token,
        presigned=presigned,
        payload=payload,
    )


def _amz_parameters(query: str) -> dict[str, str]:
    """The X-Amz- parameters of a query; of a repeated one the first. One that is too long to be any is not decoded."""
    found: dict[str, str] = {}
    for pair in query.split("&"):
        if pair.startswith("X-Amz-"):
            name, _, value = pair.partition("=")
            if name not in found:
                found[name] = unquote_plus(value, "latin-1") if len(value) <= PARAMETER_CHARACTERS else value
    return found


def _instant(text: str, as_http_date: bool) -> tuple[str, float]:
    """A date in ISO 8601 basic format, and as Unix epoch seconds; a `Date` header may also be HTTP's own form."""
    if as_http_date and not text[:8].isdigit():
        try:
            text = parsedate_to_datetime(text).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        except (ValueError, OverflowError):
            raise bad_date(text) from None
    return text, _epoch(text)


@lru_cache(REMEMBERED)
def _epoch(text: str) -> float:
    """A date in ISO 8601 basic format as Unix epoch seconds. Raises SignatureRefused."""
    if len(text) != 16 or text[8] != "T" or text[15] != "Z" or not text.isascii():
        raise bad_date(text)
    if not (text[:8].isdigit() and text[9:15].isdigit()):
        raise bad_date(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise bad_date(text) from None


def _lifetime_s(text: str | None) -> int:
    """How long a presigned URL lives. AWS's services other than S3 take one without X-Amz-Expires for 15 minutes."""
    if text is None:
        return SKEW_S
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12):
        raise incomplete("X-Amz-Expires should be a number")
    seconds = int(text)
    if seconds < 1:
        raise incomplete("X-Amz-Expires must be non-negative")
    if seconds > PRESIGNED_MAX_S:
        raise incomplete(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than"
            f" {PRESIGNED_MAX_S} seconds"
        )
    return seconds


def _require_signed(signed_headers: str, headers: dict[str, str]) -> None:
    """The host and every x-amz- header must be covered: otherwise a stranger on the way could replace the operation."""
    names = frozenset(signed_headers.split(";"))  # thousands, if a stranger likes, held against hundreds of headers
    if "host" not in names:
        raise SignatureRefused(
            Refusal.INVALID, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
    for name in headers:
        if name.startswith("x-amz-") and name not in names and name not in COVERED:
            raise SignatureRefused(Refusal.INVALID, f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def _refuse_asymmetric(algorithm: str) -> None:
    if algorithm == ASYMMETRIC:
        raise SignatureRefused(
            Refusal.UNSUPPORTED,
            f"Signatures of the form {ASYMMETRIC} (Signature Version 4A, multi-region) are not supported by Lambent"
            f" yet; sign with {ALGORITHM}.",
        )
