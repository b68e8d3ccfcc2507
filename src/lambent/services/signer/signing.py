"""Signing a package, as AWS Signer's job does: the archive again, with a signature behind everything else in it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lambent.core.ids import Ids
from lambent.services.signer.contents import FOLDER, SIGNATURE, digest_of, is_signature, name_of
from lambent.services.signer.envelope import CURVE, Claims, sealed

PROFILE_VERSION_ARN: Final = re.compile(
    r"(arn:aws[a-z-]*:signer:[a-z0-9-]+:\d{12}:)/signing-profiles/[A-Za-z0-9_]{2,64}/[A-Za-z0-9]{10}"
)
VALIDITY_S: Final = 135 * 30 * 86_400  # AWS Signer's default is 135 months
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of zip: the same package, signed twice, differs in its signature alone


class Unsignable(Exception):
    """What was given cannot be signed, or not with this."""


class SigningKey:
    """A key of P-384, and the certificates that lead from it to whom verifiers trust."""

    def __init__(self, key_pem: bytes, certificates_pem: bytes) -> None:
        """Raises Unsignable."""
        try:
            key = load_pem_private_key(key_pem, None)
            self.chain: Final[Sequence[x509.Certificate]] = x509.load_pem_x509_certificates(certificates_pem)
        except (ValueError, TypeError) as error:
            raise Unsignable(f"the key or a certificate cannot be read: {error}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE:
            raise Unsignable("the key is not one of the curve P-384 (openssl ecparam -name secp384r1 -genkey)")
        if self.chain[0].public_key() != key.public_key():
            raise Unsignable("the first certificate is not that of the key")
        self.key: Final = key


def claims_for(profile_version_arn: str, now: float, ids: Ids, validity_s: float = VALIDITY_S) -> Claims:
    """What a job of today says for this version of a profile. Raises Unsignable."""
    found = PROFILE_VERSION_ARN.fullmatch(profile_version_arn)
    if found is None:
        example = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/release/AbCdEfGhIj"
        raise Unsignable(f"{profile_version_arn} is not the ARN of a version of a signing profile, such as {example}")
    return Claims(profile_version_arn, f"{found[1]}/signing-jobs/{ids.uuid()}", now, now + validity_s)


def signed(package: bytes, claims: Claims, by: SigningKey) -> bytes:
    """The package with its signature. Raises Unsignable: it is no archive, an empty one, or has a signature already."""
    sink = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive, zipfile.ZipFile(sink, "w") as copy:
            _copy(archive, copy)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Unsignable(f"the package is not a zip that can be read: {error}") from None
    with zipfile.ZipFile(sink) as copy:
        contents = digest_of(copy)
    with zipfile.ZipFile(sink, "a") as copy:
        copy.writestr(zipfile.ZipInfo(SIGNATURE, EPOCH), sealed(claims, contents, by.key, by.chain))
    return sink.getvalue()


def _copy(archive: zipfile.ZipFile, copy: zipfile.ZipFile) -> None:
    """Write every entry again, all names in UTF-8, so that nothing moves when the signature is added."""
    entries = archive.infolist()
    if not entries or any(is_signature(entry) for entry in entries):
        raise Unsignable("the package is empty, or has a signature already")
    for entry in entries:
        name = name_of(entry)
        again = zipfile.ZipInfo(name.decode("utf-8", "surrogateescape"), entry.date_time)
        again.external_attr, again.create_system = entry.external_attr, entry.create_system
        copy.writestr(again, archive.read(entry), entry.compress_type)
    if all(name_of(entry) != FOLDER.encode() for entry in entries):
        copy.writestr(zipfile.ZipInfo(FOLDER, EPOCH), b"")
