"""Who calls: the claim in a request, proven by the secret of its access key.

Two ways of being strict, chosen at start. `Enforced` is AWS: no request without a right signature. `Open` is for
tests and for tools that expect an emulator: any signature, or none, is accepted; a 12-digit access key is the
account, as tools that test several accounts have come to expect, and any other key means the default account. An
access key that exists still means its owner in `Open`, so that a function's own credentials name its role in both.
Inside a sandbox, whose guest is known without asking, `OpenInside` takes nobody's word: a guest is its function's
role, unless a right signature proves another. Without a signature only AWS's API may be called: to a site, such as a
function URL, who has not signed is nobody.

A request with a large body is looked at before the body comes (`sender`). Where its head declares the body's hash, the
signature is proven by then; the hash is compared when the body is there. Where the hash would have to be computed, as of
boto3's requests to most services, all else is checked: the key, the session, the date, the scope.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Final, Protocol

import msgspec

from lambent.core.clock import Clock
from lambent.core.kernel import Caller
from lambent.core.ports import Credentials, Principal, Sender
from lambent.gateway.dialects import MISSING, SESSION_ENDED, UNKNOWN_KEY
from lambent.wire.messages import Request
from lambent.wire.sigv4 import Verifier, needs_body_hash
from lambent.wire.sigv4_claim import Claim, Signers, claimed, unproven
from lambent.wire.sigv4_refusals import Refusal, SignatureRefused
from lambent.wire.sigv4_streaming import is_streamed, unframed

HASHED_HERE_BYTES: Final = 256 * 1024  # larger bodies are hashed in a thread: 0.2 ms is what the others may wait
REGION: Final = re.compile(r"[a-z]{2,5}(?:-[a-z]{2,12}){1,3}-\d{1,2}")
ACCOUNT: Final = re.compile(r"\d{12}")
OPEN: Final = "open"  # who pays where nobody is known
UNPROVEN: Final = "unproven "  # before the name of one who pays, if the signature needs the body


class Identity(msgspec.Struct, frozen=True):
    """Who calls, and the region whose state they mean."""

    caller: Caller
    region: str


class Authentication(Protocol):
    """A way of finding out who calls."""

    account: str | None  # the only account that is served; None: any
    scoped: bool  # whether a signature must be for the service and the region that it is sent to

    def claim(self, request: Request) -> Claim | None:
        """What the request says about its sender. Raises SignatureRefused."""
        ...

    async def identity(self, request: Request, claim: Claim | None) -> Identity:
        """Who sent the request; a body in chunks is unframed in place. Raises SignatureRefused and BadFraming."""
        ...

    def sender(self, head: Request, claim: Claim | None) -> Sender:
        """Who sends a request whose body has not come, as far as its head says. Raises SignatureRefused."""
        ...

    def inside(self, guest: Caller) -> Authentication:
        """The way of finding out who calls from the sandbox of `guest`, a session of its function's role."""
        ...


class Enforced:
    """Every request is signed, and every signature is right."""

    def __init__(self, credentials: Credentials, clock: Clock, account: str) -> None:
        self.account: str | None = account
        self.scoped: bool = True
        self._credentials: Final = credentials
        self._clock: Final = clock
        self._verifier: Final = Verifier()
        self._signers: Final = Signers()

    def claim(self, request: Request) -> Claim | None:
        return claimed(request, self._clock.now(), self._signers)

    async def identity(self, request: Request, claim: Claim | None) -> Identity:
        claim, principal = self._known(claim)
        body_sha256 = None
        if len(request.body) > HASHED_HERE_BYTES and needs_body_hash(claim):
            body_sha256 = await asyncio.to_thread(_sha256, request.body)
        key = self._verifier.verify(claim, request, principal.secret_access_key, body_sha256)
        if claim.signer is not None:
            self._signers.remember(claim.signer)
        if principal.expired(self._clock.now()):
            raise SignatureRefused(Refusal.SESSION_ENDED, SESSION_ENDED)
        if is_streamed(claim):
            await unframe(request, claim, key)
        return Identity(principal.caller, claim.region)

    def sender(self, head: Request, claim: Claim | None) -> Sender:
        claim, principal = self._known(claim)
        is_proven = claim.payload is not None or not needs_body_hash(claim)
        if is_proven:
            _ = self._verifier.verify(claim, head, principal.secret_access_key, claim.payload)
        if principal.expired(self._clock.now()):
            raise SignatureRefused(Refusal.SESSION_ENDED, SESSION_ENDED)
        name = principal.caller.arn
        return Sender(principal.caller, name if is_proven else UNPROVEN + name)

    def _known(self, claim: Claim | None) -> tuple[Claim, Principal]:
        """The claim, and whose key it names. Raises SignatureRefused."""
        if claim is None:
            raise SignatureRefused(Refusal.MISSING, MISSING)
        if not REGION.fullmatch(claim.region):
            raise SignatureRefused(
                Refusal.INVALID, f"Credential should be scoped to a valid region, not '{claim.region}'."
            )
        principal = self._credentials.lookup(claim.access_key_id, claim.session_token)
        if principal is None:
            raise SignatureRefused(Refusal.UNKNOWN_KEY, UNKNOWN_KEY)
        return claim, principal

    def inside(self, guest: Caller) -> Authentication:
        del guest
        return self


class Open:
    """Everyone is whom they say, or the root of the default account."""

    def __init__(self, credentials: Credentials, clock: Clock, account: str, region: str) -> None:
        self.account: str | None = None
        self._credentials: Final = credentials
        self._clock: Final = clock
        self._default: Final = Identity(root(account, ""), region)
        self._enforced: Final = Enforced(credentials, clock, account)
        self.scoped: bool = False

    def claim(self, request: Request) -> Claim | None:
        return unproven(request)

    async def identity(self, request: Request, claim: Claim | None) -> Identity:
        if claim is not None and is_streamed(claim):
            await unframe(request, claim, None)
        return self._believed(claim)

    def sender(self, head: Request, claim: Claim | None) -> Sender:
        del head
        return Sender(self._believed(claim).caller, OPEN)

    def _believed(self, claim: Claim | None) -> Identity:
        if claim is None:
            return self._default
        region = claim.region if REGION.fullmatch(claim.region) else self._default.region
        principal = self._credentials.lookup(claim.access_key_id, claim.session_token)
        if principal is not None and not principal.expired(self._clock.now()):
            return Identity(principal.caller, region)
        named = ACCOUNT.fullmatch(claim.access_key_id)
        account = claim.access_key_id if named else self._default.caller.account
        return Identity(root(account, claim.access_key_id), region)

    def inside(self, guest: Caller) -> Authentication:
        return OpenInside(self._enforced, guest, self._default.region)


class OpenInside:
    """A guest of open mode: whom its signature proves, and its function's role if it proves nobody."""

    def __init__(self, enforced: Enforced, guest: Caller, region: str) -> None:
        self.account: str | None = None
        self.scoped: bool = False
        self._enforced: Final = enforced
        self._guest: Final = guest
        self._region: Final = region

    def claim(self, request: Request) -> Claim | None:
        return unproven(request)

    async def identity(self, request: Request, claim: Claim | None) -> Identity:
        if claim is None:
            return Identity(self._guest, self._region)
        try:
            return await self._enforced.identity(request, self._enforced.claim(request))
        except SignatureRefused:
            if is_streamed(claim):
                await unframe(request, claim, None)
            return Identity(self._guest, claim.region if REGION.fullmatch(claim.region) else self._region)

    def sender(self, head: Request, claim: Claim | None) -> Sender:
        del head, claim
        return Sender(self._guest, self._guest.arn)

    def inside(self, guest: Caller) -> Authentication:
        return OpenInside(self._enforced, guest, self._region)


async def signer(authentication: Authentication, request: Request, *, service: str, region: str) -> Caller | None:
    """Who signed a request for this service and region; None: it is not signed.

    Raises SignatureRefused and BadFraming.
    """
    claim = scoped_claim(authentication, request, service=service, region=region)
    return None if claim is None else (await authentication.identity(request, claim)).caller


def signing(authentication: Authentication, head: Request, *, service: str, region: str) -> Sender | None:
    """Who signs a request for this service and region whose body has not come; None: it is not signed.

    Raises SignatureRefused.
    """
    claim = scoped_claim(authentication, head, service=service, region=region)
    return None if claim is None else authentication.sender(head, claim)


def scoped_claim(authentication: Authentication, request: Request, *, service: str, region: str) -> Claim | None:
    """The claim of a request, which must be for this service and region. Raises SignatureRefused."""
    claim = authentication.claim(request)
    if claim is not None and authentication.scoped and claim.service != service:
        raise SignatureRefused(Refusal.INVALID, f"Credential should be scoped to correct service: '{service}'. ")
    if claim is not None and authentication.scoped and claim.region != region:
        raise SignatureRefused(
            Refusal.INVALID, f"Credential should be scoped to a valid region, not '{claim.region}'. "
        )
    return claim


def root(account: str, access_key: str) -> Caller:
    """The account itself."""
    return Caller(
        account=account,
        arn=f"arn:aws:iam::{account}:root",
        principal_id=account,
        access_key=access_key,
        is_root=True,
        session_name=None,
    )


async def unframe(request: Request, claim: Claim, key: bytes | None) -> None:
    """Replace a body that was sent in chunks by what it carried.

    A trailer becomes a header if it is a checksum that a (signed) header announced: it is not covered by the
    signature where the chunks are not, and must not pass for anything else.
    """
    if len(request.body) > HASHED_HERE_BYTES:
        content = await asyncio.to_thread(unframed, request, claim, key)
    else:
        content = unframed(request, claim, key)
    request.body = content.body
    announced = {name.strip().lower() for name in request.headers.get("x-amz-trailer", "").split(",")}
    for name, value in content.trailers.items():
        if name in announced and name.startswith("x-amz-checksum-"):
            request.headers.setdefault(name, value)
    encodings = [part.strip() for part in request.headers.get("content-encoding", "").split(",")]
    request.headers["content-encoding"] = ",".join(part for part in encodings if part and part != "aws-chunked")


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
