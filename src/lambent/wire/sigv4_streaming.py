"""Bodies that were signed while they were sent: `aws-chunked`, with or without chunk signatures and trailers.

The head's signature is the seed; each chunk's signature covers its data and the signature before it, so that chunks can
neither be changed, dropped nor exchanged ("Signature calculations for the Authorization header: transferring payload in
multiple chunks", S3 API reference). A trailer carries a checksum that the sender knew only at the end.

    4096;chunk-signature=<64 hex>\\r\\n<4096 octets>\\r\\n ... 0;chunk-signature=<64 hex>\\r\\n
    x-amz-checksum-crc32c:wdBDMA==\\r\\nx-amz-trailer-signature:<64 hex>\\r\\n\\r\\n

The body is in memory already (it was bounded on its way in), so this is one pass over bytes. What it defends against:
tiny chunks without end, which would cost more than they carry (AWS's own rule: at least 8 KiB but for the last),
lengths that lie, and data after the end. It does not check the checksum in the trailer: the operation does, which
knows the algorithm.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from lambent.wire.messages import Request
from lambent.wire.sigv4 import EMPTY_SHA256, MISMATCH, STREAMED
from lambent.wire.sigv4_claim import Claim
from lambent.wire.sigv4_refusals import Refusal, SignatureRefused

CHUNK_MIN: Final = 8192  # S3: "Only the last chunk is allowed to have a size less than 8192 bytes"
CHUNK_HEAD_MAX: Final = 256  # a length and a signature
TRAILERS_MAX: Final = 4096
SIGNATURE_TRAILER: Final = "x-amz-trailer-signature"


class Unframed(msgspec.Struct, frozen=True):
    """What a streamed body carried."""

    body: bytes
    trailers: dict[str, str]  # by lower-case name, without the signature


class BadFraming(Exception):
    """A streamed body whose frames do not add up; the sentence is for its sender."""


def is_streamed(claim: Claim | None) -> bool:
    """Whether the request's body is framed as aws-chunked and has to be unframed."""
    return claim is not None and claim.payload in STREAMED


def unframed(request: Request, claim: Claim, key: bytes | None) -> Unframed:
    """The body without its frames, each signature proven with the derived `key` that signed the head; None: not proven.

    Raises BadFraming, and SignatureRefused for a chunk that is not the one that was signed.
    """
    payload = claim.payload or ""
    chain = Chain(claim, key) if key is not None and payload.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") else None
    body, rest = _chunks(request.body, chain)
    trailers = _trailers(rest, chain) if payload.endswith("-TRAILER") else {}
    if not payload.endswith("-TRAILER") and rest not in (b"", b"\r\n"):
        raise BadFraming("The request body has data after its last chunk.")
    declared = request.headers.get("x-amz-decoded-content-length")
    if declared is not None and declared != str(len(body)):
        raise BadFraming(
            "You did not provide the number of bytes specified by the x-amz-decoded-content-length header."
        )
    return Unframed(body, trailers)


class Chain:
    """The running signature of a body: each link covers the one before."""

    __slots__ = ("_context", "_key", "_previous")

    def __init__(self, claim: Claim, key: bytes) -> None:
        self._context: Final = f"{claim.timestamp}\n{claim.scope}"
        self._key: Final = key
        self._previous = claim.signature

    def chunk(self, data: memoryview, signature: str) -> None:
        """Prove the next chunk, or raise SignatureRefused."""
        digest = hashlib.sha256(data).hexdigest()
        self._link(f"AWS4-HMAC-SHA256-PAYLOAD\n{self._context}\n{self._previous}\n{EMPTY_SHA256}\n{digest}", signature)

    def trailer(self, text: bytes, signature: str) -> None:
        """Prove the trailers, or raise SignatureRefused."""
        digest = hashlib.sha256(text).hexdigest()
        self._link(f"AWS4-HMAC-SHA256-TRAILER\n{self._context}\n{self._previous}\n{digest}", signature)

    def _link(self, to_sign: str, signature: str) -> None:
        expected = hmac.digest(self._key, to_sign.encode("latin-1", "replace"), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode("latin-1", "replace")):
            raise SignatureRefused(Refusal.INVALID, MISMATCH)
        self._previous = expected


def _chunks(framed: bytes, chain: Chain | None) -> tuple[bytes, bytes]:
    """The data of all chunks, and what stands after the empty one that ends them."""
    view = memoryview(framed)
    data: list[memoryview] = []
    at = 0
    short = False
    while True:
        end = framed.find(b"\r\n", at, at + CHUNK_HEAD_MAX)
        if end < 0:
            raise BadFraming("The request body ends before its last chunk.")
        size, signature = _chunk_head(framed[at:end])
        start, stop = end + 2, end + 2 + size
        if size and short:
            raise BadFraming(f"Only the last chunk is allowed to have a size less than {CHUNK_MIN} bytes")
        if size and framed[stop : stop + 2] != b"\r\n":
            raise BadFraming("A chunk of the request body is not as long as it says.")
        if chain is not None:
            chain.chunk(view[start:stop], signature)
        if size == 0:
            return b"".join(data), framed[start:]
        short = size < CHUNK_MIN
        data.append(view[start:stop])
        at = stop + 2


def _chunk_head(head: bytes) -> tuple[int, str]:
    length, _, extension = head.partition(b";")
    if not 0 < len(length) <= 8 or not all(octet in b"0123456789abcdefABCDEF" for octet in length):
        raise BadFraming("A chunk of the request body has no length.")
    return int(length, 16), extension.removeprefix(b"chunk-signature=").decode("latin-1")


def _trailers(rest: bytes, chain: Chain | None) -> dict[str, str]:
    if len(rest) > TRAILERS_MAX:
        raise BadFraming("The trailers of the request body are too long.")
    found: dict[str, str] = {}
    for line in rest.decode("latin-1").split("\r\n"):
        if not line:
            continue
        name, separator, value = line.partition(":")
        if not separator:
            raise BadFraming("A trailer of the request body has no colon.")
        found[name.strip().lower()] = value.strip()
    signature = found.pop(SIGNATURE_TRAILER, "")
    if chain is not None:
        text = "".join([f"{name}:{value}\n" for name, value in sorted(found.items())])
        chain.trailer(text.encode("latin-1"), signature)
    return found
