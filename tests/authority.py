"""Keys and certificates for tests of code signing, made anew, and the folder that says who is trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lambent.core.ids import SeededIds
from lambent.services.signer.signing import SigningKey, claims_for, signed

PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/release/AbCdEfGhIj"
OTHER_PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/nightly/KlMnOpQrSt"
NOW = 1_800_000_000.0
DAY_S = 86_400


class Identity:
    """A key with its certificate, and those above it."""

    def __init__(
        self,
        name: str,
        issuer: Identity | None = None,
        *,
        authority: bool = False,
        signs_code: bool = True,
        begins: float = NOW - DAY_S,
        ends: float = NOW + DAY_S,
        curve: type[ec.EllipticCurve] = ec.SECP384R1,
    ) -> None:
        self.key = ec.generate_private_key(curve())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.fromtimestamp(begins, UTC))
            .not_valid_after(datetime.fromtimestamp(ends, UTC))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority and signs_code:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA384())
        self.chain = [self.certificate, *(issuer.chain if issuer else ())]

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def signing_key(self) -> SigningKey:
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return SigningKey(key, b"".join(each.public_bytes(serialization.Encoding.PEM) for each in self.chain))

    def signed(
        self,
        package: bytes,
        profile: str = PROFILE,
        *,
        now: float = NOW,
        validity: timedelta = timedelta(days=1000),
        seed: int = 0,
    ) -> bytes:
        """The package, signed by this key as the profile's version, by a job that the seed names."""
        claims = claims_for(profile, now, SeededIds(seed), validity.total_seconds())
        return signed(package, claims, self.signing_key)


def trusting(directory: Path, identity: Identity, profile: str = PROFILE, more: str = "") -> Path:
    """A folder in which the identity may sign as the profile, or issue who may."""
    directory.mkdir(exist_ok=True)
    directory.joinpath("trusted.pem").write_bytes(identity.pem)
    table = f'["{profile}"]\ncertificates = "trusted.pem"\n{more}\n'
    directory.joinpath("profiles.toml").write_text(table)
    return directory
