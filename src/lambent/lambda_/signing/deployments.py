"""The check of a package when it is deployed to a function with a code signing configuration.

AWS looks at four things: integrity, expiry, mismatch (an allowed profile signed it) and revocation. A package that was
changed since it was signed is never taken; for the other three, the configuration's policy says whether it is refused
(Enforce) or taken with a warning in the log (Warn). No signature at all is a mismatch. Whatever is deployed is looked at,
also without a configuration, because what a good signature says is shown with the function. Source: developer guide,
"Using code signing to verify code integrity with Lambda".
"""

from __future__ import annotations

from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.core.errors import AwsError
from lambent.core.ports import PackageSignature, SignatureBroken, Signatures
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.signing.configs import CodeSigningConfig
from lambent.lambda_.signing.signed_by import SignedBy

log: Final = structlog.get_logger()


class CodeVerificationFailed(AwsError, code="CodeVerificationFailedException"):
    """As users report it (opentelemetry-lambda#1548, aws-cdk#29474); `what` is the function's name or a layer's ARN."""

    message = (
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is "
        "not configured to accept. Check the provided signature for {what}."
    )
    message_key = "Message"


class InvalidCodeSignature(AwsError, code="InvalidCodeSignatureException"):
    """The rule is of the API reference; the sentence is ours, after its words."""

    message = "The code signature failed the integrity check. Check the provided signature for {what}."
    message_key = "Message"


class Deployments:
    """Checks packages."""

    def __init__(self, signatures: Signatures, code: CodeStore, clock: Clock) -> None:
        self._signatures: Final = signatures
        self._code: Final = code
        self._clock: Final = clock

    async def checked(self, digest: str, what: str, config: CodeSigningConfig | None) -> SignedBy | None:
        """Who signed the content, if that can be believed; `what` names it to the caller.

        Raises, where there is a configuration, InvalidCodeSignature and CodeVerificationFailed.
        """
        try:
            signature = await self._signatures.of(self._code.archive(digest))
        except SignatureBroken as broken:
            log.warning("signing.broken", of=what, digest=digest, reason=str(broken))
            if config is not None:
                raise InvalidCodeSignature(what=what) from None
            return None
        if config is not None and (reason := self._mistrust(signature, config)) is not None:
            log.warning("signing.not_accepted", of=what, digest=digest, reason=reason, policy=config.policy)
            if config.policy == "Enforce":
                raise CodeVerificationFailed(what=what)
        if signature is None or not signature.trusted:
            return None
        return SignedBy(signature.profile_version_arn, signature.job_arn)

    def _mistrust(self, signature: PackageSignature | None, config: CodeSigningConfig) -> str | None:
        """Why the configuration does not accept the signature; None: it does."""
        if signature is None:
            return "unsigned"
        if not signature.trusted or signature.profile_version_arn not in config.publishers:
            return "mismatch"
        if signature.expires_at <= self._clock.now():
            return "expired"
        return "revoked" if signature.revoked else None


class NoSignatures:
    """The `Signatures` of a Lambent that knows nobody who signs."""

    async def of(self, _: object, /) -> None:
        """Nothing is signed, so far as it can tell."""
