"""The signature itself, as AWS Signer writes it for the platform AWSLambda-SHA384-ECDSA: CMS (RFC 5652) in PEM.

One signer, ECDSA on P-384 with SHA-384, over nothing but signed attributes: the digest of the contents' digest, when it
was signed and until when that holds, by which job and which version of which signing profile; beside it the chain of
certificates. Whether whoever signed may speak for that profile is not seen here (`profiles`).

It is read by asn1crypto and proven by cryptography; both raise much, all of which means that it is no signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from asn1crypto import algos, cms, core, pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEM_TYPE: Final = "PKCS7"
CURVE: Final = "secp384r1"
CERTIFICATES_MAX: Final = 10

DATA: Final = "1.2.840.113549.1.7.1"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
JOB: Final = "1.3.187.137.1.2"  # this and what follows is AWS's own
EXPIRY: Final = "1.3.187.137.1.3"
PROFILE_VERSION: Final = "1.3.187.137.1.4"


class Claims(msgspec.Struct, frozen=True):
    """What the signer says."""

    profile_version_arn: str
    job_arn: str
    signed_at: float  # Unix epoch seconds
    expires_at: float


class Envelope(msgspec.Struct, frozen=True):
    """A signature whose mathematics are right: whoever has the certificate's key has signed these claims and this digest."""

    claims: Claims
    digest: bytes
    certificate: x509.Certificate
    others: list[x509.Certificate]

    def covers(self, contents: bytes) -> bool:
        """Whether this digest of contents (`contents.digest_of`) is the one that was signed."""
        return self.digest == hashlib.sha384(contents).digest()


class NoEnvelope(Exception):
    """These bytes are not a signature of this form, or it is wrong."""


def opened(content: bytes) -> Envelope:
    """Read and prove a signature. Raises NoEnvelope."""
    try:
        return _opened(content)
    except InvalidSignature:
        raise NoEnvelope("the signature is wrong") from None
    except Exception as error:
        raise NoEnvelope(repr(error)) from error


def sealed(
    claims: Claims, contents: bytes, key: ec.EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]
) -> bytes:
    """A signature for this digest of contents; `chain` begins with the certificate of `key`."""
    attributes = _Attributes(
        sorted(
            (
                _attribute(CONTENT_TYPE, _Types([core.ObjectIdentifier(DATA)])),
                _attribute(MESSAGE_DIGEST, _Digests([hashlib.sha384(contents).digest()])),
                _attribute(SIGNING_TIME, _Times([_moment(claims.signed_at)])),
                _attribute(EXPIRY, _Times([_moment(claims.expires_at)])),
                _attribute(JOB, _Texts([claims.job_arn])),
                _attribute(PROFILE_VERSION, _Texts([claims.profile_version_arn])),
            ),
            key=lambda attribute: attribute.dump(),  # the order of DER
        )
    ).dump()
    certificates = [asn1_x509.Certificate.load(each.public_bytes(serialization.Encoding.DER)) for each in chain]
    issuer = {"issuer": certificates[0].issuer, "serial_number": certificates[0].serial_number}
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier("issuer_and_serial_number", issuer),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha384"}),
        "signed_attrs": cms.CMSAttributes.load(attributes),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha384_ecdsa"}),
        "signature": key.sign(attributes, ec.ECDSA(hashes.SHA384())),
    }
    data = {
        "version": "v1",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha384"})],
        "encap_content_info": {"content_type": "data"},
        "certificates": certificates,
        "signer_infos": [cms.SignerInfo(signer)],
    }
    envelope = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})
    return pem.armor(PEM_TYPE, envelope.dump())


class _Texts(core.SetOf):
    _child_spec = core.UTF8String


class _Times(core.SetOf):
    _child_spec = core.GeneralizedTime


class _Digests(core.SetOf):
    _child_spec = core.OctetString


class _Types(core.SetOf):
    _child_spec = core.ObjectIdentifier


class _Attribute(core.Sequence):
    _fields = [("type", core.ObjectIdentifier), ("values", core.Any)]  # noqa: RUF012 - asn1crypto's way


class _Attributes(core.SetOf):
    """CMS's, without what asn1crypto knows of their types: AWS's are not among them."""

    _child_spec = _Attribute


def _attribute(kind: str, values: core.SetOf) -> _Attribute:
    return _Attribute({"type": kind, "values": core.Any(values)})


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _opened(content: bytes) -> Envelope:
    kind, _, der = pem.unarmor(content)
    outer = cms.ContentInfo.load(der, strict=True)
    if kind != PEM_TYPE or outer["content_type"].native != "signed_data":
        raise ValueError("not signed data")
    data = outer["content"]
    if data["encap_content_info"]["content"].native is not None or len(data["signer_infos"]) != 1:
        raise ValueError("content inside, or not one signer")
    signer = data["signer_infos"][0]
    if signer["digest_algorithm"]["algorithm"].native != "sha384":
        raise ValueError("another digest")
    if signer["signature_algorithm"]["algorithm"].native != "sha384_ecdsa":
        raise ValueError("another algorithm")
    certificate, others = _certificates(data, signer["sid"].chosen)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != CURVE:
        raise ValueError("a key that is not of P-384")
    signed = signer["signed_attrs"].untag().dump()  # the set, not the tagged field: RFC 5652, 5.4
    key.verify(signer["signature"].native, signed, ec.ECDSA(hashes.SHA384()))
    claims, digest = _attributes(signed)
    return Envelope(claims, digest, certificate, others)


def _certificates(data: Any, signer: Any) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """The signer's certificate, and the rest."""
    encoded = [choice.chosen.dump() for choice in data["certificates"]]
    if len(encoded) > CERTIFICATES_MAX:
        raise ValueError("too many certificates")
    found: list[x509.Certificate] = []
    others: list[x509.Certificate] = []
    for certificate in map(x509.load_der_x509_certificate, encoded):
        is_signer = (
            certificate.serial_number == signer["serial_number"].native
            and certificate.issuer.public_bytes() == signer["issuer"].dump()
        )
        (found if is_signer else others).append(certificate)
    if len(found) != 1:
        raise ValueError("not one certificate of the signer")
    return found[0], others


def _attributes(signed: bytes) -> tuple[Claims, bytes]:
    values: dict[str, bytes] = {}
    for attribute in _Attributes.load(signed, strict=True):
        kind = attribute["type"].dotted
        if kind in values:
            raise ValueError("an attribute twice")
        values[kind] = attribute["values"].dump()

    def only(spec: type[Any], kind: str) -> Any:
        found = spec.load(values[kind], strict=True)
        if len(found) != 1:
            raise ValueError("an attribute with not one value")
        return found[0]

    if only(_Types, CONTENT_TYPE).dotted != DATA:
        raise ValueError("a content of another type")
    claims = Claims(
        profile_version_arn=only(_Texts, PROFILE_VERSION).native,
        job_arn=only(_Texts, JOB).native,
        signed_at=only(_Times, SIGNING_TIME).native.timestamp(),
        expires_at=only(_Times, EXPIRY).native.timestamp(),
    )
    return claims, only(_Digests, MESSAGE_DIGEST).native
