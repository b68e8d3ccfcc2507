"""Session tokens that carry their own facts, sealed by the server's key.

    token  = base64(version byte | HMAC-SHA256(key, facts) | facts)
    secret = base64(HMAC-SHA256(key, "secret" | access key id))[:40]

Who has the token can read whose it is, which AWS's tokens do not hide from the server either and which is no secret to
its owner; nobody without the key can make or change one. The secret access key is derived from the access key id,
which is random, so nothing is stored. A new key ends all sessions, as a revocation would. The seal defends against
forging; it is not encryption, and it does not revoke a single session.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

import msgspec

from lambent.core.kernel import SessionTag

VERSION: Final = b"\x01"
SEAL_BYTES: Final = 32
KEY_BYTES: Final = 32
SECRET_CHARACTERS: Final = 40


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What a session is, as it stands in the token; fields may be added at the end, with a default."""

    access_key_id: str
    account: str
    arn: str
    principal_id: str
    session_name: str | None
    is_root: bool
    expires_at: float  # Unix epoch seconds
    tags: tuple[SessionTag, ...] = ()


def sealed(key: bytes, facts: Facts) -> str:
    """Make the token."""
    body = msgspec.msgpack.encode(facts)
    return base64.b64encode(VERSION + _seal(key, body) + body).decode("ascii")


def opened(key: bytes, token: str) -> Facts | None:
    """Return what the token says, or None when the seal is not ours."""
    try:
        raw = base64.b64decode(token.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeError):
        return None
    seal, body = raw[1 : 1 + SEAL_BYTES], raw[1 + SEAL_BYTES :]
    if raw[:1] != VERSION or not hmac.compare_digest(seal, _seal(key, body)):
        return None
    try:
        return msgspec.msgpack.decode(body, type=Facts)
    except msgspec.DecodeError:
        return None


def secret_of(key: bytes, access_key_id: str) -> str:
    """Derive the secret access key of a session's key."""
    digest = hmac.digest(key, b"secret\x00" + access_key_id.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode("ascii")[:SECRET_CHARACTERS]


def _seal(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"token\x00" + VERSION + body, hashlib.sha256)
