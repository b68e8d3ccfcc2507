"""Why a signature is refused, in AWS's sentences, so that whoever meets one can look it up.

The sentences are those of DynamoDB, STS and API Gateway as their callers reported them; the codes and statuses that
go with them differ by service and stand in `gateway.dialects`. Nothing here depends on a secret, so all of it may be
said to a stranger.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import Final

TERMINATOR: Final = "aws4_request"
SKEW_S: Final = 15 * 60  # how far the caller's clock may be off (IAM guide, "Signature Version 4 troubleshooting")


class Refusal(enum.Enum):
    """Why a request is not authenticated; each service family has its own code for each (`gateway.dialects`)."""

    MISSING = "no signature at all"
    INCOMPLETE = "a signature in a form that cannot be read"
    INVALID = "a signature that is not right"
    SKEWED = "a signature made too long ago, or in the future"
    EXPIRED_URL = "a presigned URL after its time"
    PAYLOAD = "a body that is not the one that was signed"
    UNKNOWN_KEY = "an access key or a session token nobody has"
    SESSION_ENDED = "a session that has ended"
    UNSUPPORTED = "a form of signature that Lambent does not verify"


class SignatureRefused(Exception):
    """A request whose signature is refused, with the sentence for its sender."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal: Final = refusal
        self.sentence: Final = sentence


def incomplete(sentence: str) -> SignatureRefused:
    return SignatureRefused(Refusal.INCOMPLETE, sentence)


def missing_from_header(given: dict[str, str], authorization: str, *, dated: bool) -> str:
    sentence = "".join(
        f"Authorization header requires '{name}' parameter. "
        for name in ("Credential", "Signature", "SignedHeaders")
        if not given.get(name)
    )
    if not dated:
        sentence += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    return f"{sentence}Authorization={authorization}"


def bad_date(text: str) -> SignatureRefused:
    return incomplete(
        f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


def out_of_scope(date: str, region: str, service: str, terminator: str, timestamp: str) -> SignatureRefused:
    wrong: list[str] = []
    if not region:
        wrong.append(f"Credential should be scoped to a valid region, not '{region}'.")
    if not service:
        wrong.append("Credential should be scoped to correct service.")
    if terminator != TERMINATOR:
        wrong.append(f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'.")
    if date != timestamp[:8]:
        wrong.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
            f" '{date}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    return SignatureRefused(Refusal.INVALID, " ".join(wrong))


def skewed(timestamp: str, signed_at: float, now: float) -> SignatureRefused:
    if signed_at < now:
        return SignatureRefused(Refusal.SKEWED, expired(timestamp, now, SKEW_S))
    return SignatureRefused(
        Refusal.SKEWED,
        f"Signature not yet current: {timestamp} is still later than {basic(now + SKEW_S)}"
        f" ({basic(now)} + {SKEW_S // 60} min.)",
    )


def expired(timestamp: str, now: float, lifetime_s: int) -> str:
    return (
        f"Signature expired: {timestamp} is now earlier than {basic(now - lifetime_s)}"
        f" ({basic(now)} - {lifetime_s // 60} min.)"
    )


def basic(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H%M%SZ")
