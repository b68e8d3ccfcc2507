"""Who is believed to sign as which version of which signing profile: a folder that the operator keeps.

    profiles.toml
        ["arn:aws:signer:us-east-1:123456789012:/signing-profiles/release/AbCdEfGhIj"]
        certificates = "release.pem"                 # who may sign as this version
        revoked_from = 2026-11-25T00:00:00Z          # signatures made from then on do not hold
        revoked_jobs = ["arn:aws:signer:us-east-1:123456789012:/signing-jobs/..."]   # nor do these
    release.pem     certificates: of the signing key itself, or of an authority that issued the signer's

It is read anew for each package that has a signature, so that a revocation holds from the next deployment on. A
certificate is trusted for the profiles that name it and for no other: of what a signature says about itself, nothing is
believed that the folder does not bear out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

TABLE: Final = "profiles.toml"
CHAIN_MAX: Final = 4  # authorities between the signer and a trusted certificate


class ProfilesUnreadable(Exception):
    """The operator's folder is not as it should be; the message says where."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a signing profile."""

    certificates: str  # a file of the folder, in PEM
    revoked_from: datetime | None = None
    revoked_jobs: tuple[str, ...] = ()

    def revoked(self, job_arn: str, signed_at: float) -> bool:
        """Whether a signature that was made then, by that job, does not hold any more."""
        since = self.revoked_from
        return job_arn in self.revoked_jobs or (since is not None and signed_at >= since.timestamp())


def profiles_in(folder: Path) -> Mapping[str, Profile]:
    """The profile versions that are known, by ARN. Raises ProfilesUnreadable."""
    table = folder / TABLE
    try:
        profiles = msgspec.toml.decode(table.read_bytes(), type=dict[str, Profile])
    except (OSError, msgspec.MsgspecError) as error:
        raise ProfilesUnreadable(f"{table}: {error}") from None
    for arn, profile in profiles.items():
        if profile.revoked_from is not None and profile.revoked_from.tzinfo is None:
            raise ProfilesUnreadable(f"{table}: revoked_from of {arn} has no time zone")
    return profiles


def trusted(
    folder: Path, profile: Profile, certificate: x509.Certificate, others: Sequence[x509.Certificate], signed_at: float
) -> bool:
    """Whether the certificate may sign for the profile: it is one of its, or leads to one, as of when it signed.

    It is of a short life by intention, and what it has signed holds longer (RFC 3161 would prove the time; here the signer
    is believed). Raises ProfilesUnreadable.
    """
    file = folder / profile.certificates
    try:
        anchors = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ProfilesUnreadable(f"{file}: {error}") from None
    verifier = (
        PolicyBuilder()
        .store(Store(anchors))
        .time(datetime.fromtimestamp(signed_at, UTC))
        .max_chain_depth(CHAIN_MAX)
        .extension_policies(ca_policy=AUTHORITIES, ee_policy=SIGNERS)
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, list(others))
    except (VerificationError, ValueError):
        return False
    return True


def _signs_code(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        raise ValueError("it is not for signing code")


def _is_authority(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("it is no authority's")


SIGNERS: Final = ExtensionPolicy.permit_all().require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _signs_code)
AUTHORITIES: Final = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority
)
