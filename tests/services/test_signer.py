"""Signatures of packages, with real keys: what is found of them, and that nothing gets past."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.cli import main
from lambent.core.clock import FakeClock
from lambent.core.ids import SeededIds
from lambent.core.ports import SignatureBroken
from lambent.services.signer.contents import FOLDER, SIGNATURE, digest_of
from lambent.services.signer.envelope import Claims, NoEnvelope, opened, sealed
from lambent.services.signer.process import SignatureFiles, may_be_signed
from lambent.services.signer.report import Report
from lambent.services.signer.signing import Unsignable, claims_for
from lambent.services.signer.verifying import report
from tests.authority import DAY_S, NOW, OTHER_PROFILE, PROFILE, Identity, trusting
from tests.lambda_.zips import HELLO, archived, entry, zipped

ROOT = Identity("root", authority=True, ends=NOW + 10_000 * DAY_S)
REGIONAL = Identity("regional", ROOT, authority=True, ends=NOW + 1000 * DAY_S)
SIGNER = Identity("signer", REGIONAL)
SIGNED = SIGNER.signed(HELLO)


def seen(tmp_path: Path, package: bytes, folder: Path, *, now: float = NOW) -> Report:
    path = tmp_path / "package.zip"
    path.write_bytes(package)
    return report(path, folder, now)


def rewritten(
    package: bytes, change: Mapping[str, bytes | None] | None = None, rename: Mapping[str, str] | None = None
) -> bytes:
    """The same archive, with some entries changed (None: left out) or under another name."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as archive, zipfile.ZipFile(sink, "w") as copy:
        for info in archive.infolist():
            content = (change or {}).get(info.filename, archive.read(info))
            if content is not None:
                copy.writestr((rename or {}).get(info.filename, info.filename), content)
        for name, content in (change or {}).items():
            if name not in archive.namelist() and content is not None:
                copy.writestr(name, content)
    return sink.getvalue()


def signature_of(package: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return archive.read(SIGNATURE)


def der_of(package: bytes) -> bytes:
    _, _, der = pem.unarmor(signature_of(package))  # type: ignore[misc]
    assert isinstance(der, bytes)
    return der


# --- what is right ---------------------------------------------------------------------------------------------------


def test_a_signature_is_trusted_that_leads_to_the_profiles_certificate(tmp_path: Path):
    for anchor in (ROOT, REGIONAL, SIGNER):
        found = seen(tmp_path, SIGNED, trusting(tmp_path / "profiles", anchor)).signature
        assert found is not None
        assert (found.profile_version_arn, found.trusted, found.revoked) == (PROFILE, True, False)
        assert found.job_arn.startswith("arn:aws:signer:us-east-1:123456789012:/signing-jobs/")
        assert found.expires_at == NOW + 1000 * DAY_S


def test_a_package_without_a_signature_has_none(tmp_path: Path):
    assert seen(tmp_path, HELLO, tmp_path / "nowhere") == Report()


def test_what_is_not_covered_may_change(tmp_path: Path):
    stored = rewritten(SIGNED)  # other compression and times, as some tools leave them
    assert stored != SIGNED
    assert seen(tmp_path, stored, trusting(tmp_path / "profiles", ROOT)).signature is not None


def test_names_of_any_kind_are_signed(tmp_path: Path):
    names = ["ü/ß.py", "日本.py", "a b", "META_INF/other"]
    for package in (zipped(dict.fromkeys(names, "x")), archived([(entry(name), b"x") for name in names])):
        found = seen(tmp_path, SIGNER.signed(package), trusting(tmp_path / "profiles", ROOT))
        assert found.signature is not None


def test_a_signature_in_the_form_of_aws_is_read():
    """AWS's envelope is of indefinite length, and its times have fractions of a second; see docs/designs."""
    der = der_of(SIGNED)
    inner = der[der.index(b"\xa0\x82", 15) + 4 :]  # what stands in [0] behind the content's type
    kind = bytes.fromhex("06092a864886f70d010702")
    assert opened(pem.armor("PKCS7", b"\x30\x80" + kind + b"\xa0\x80" + inner + bytes(4))).claims.signed_at == NOW


def test_openssl_agrees_with_our_envelope(tmp_path: Path):
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to ask")
    with zipfile.ZipFile(io.BytesIO(SIGNED)) as archive:
        (tmp_path / "contents").write_bytes(digest_of(archive))
    (tmp_path / "signature").write_bytes(signature_of(SIGNED))
    (tmp_path / "root").write_bytes(ROOT.pem)
    asked = [
        *("openssl", "cms", "-verify", "-inform", "PEM", "-in", "signature", "-content", "contents", "-binary"),
        *("-CAfile", "root", "-purpose", "any", "-attime", str(int(NOW)), "-out", "verified"),
    ]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "successful" in done.stderr, done.stderr
    (tmp_path / "contents").write_bytes(b"other")
    assert subprocess.run(asked, cwd=tmp_path, capture_output=True, check=False).returncode != 0


# --- what is not to be believed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signer",
    [
        Identity("stranger"),
        Identity("signer", Identity("regional", Identity("root", authority=True), authority=True)),
        Identity("not for code", REGIONAL, signs_code=False),
        Identity("too late", REGIONAL, begins=NOW - 3 * DAY_S, ends=NOW - DAY_S),
        Identity("too early", REGIONAL, begins=NOW + DAY_S, ends=NOW + 3 * DAY_S),
        Identity("issued by a signer", SIGNER),
    ],
    ids=lambda identity: identity.certificate.subject.rfc4514_string(),
)
def test_who_does_not_lead_to_the_profiles_certificate_is_not_trusted(tmp_path: Path, signer: Identity):
    found = seen(tmp_path, signer.signed(HELLO), trusting(tmp_path / "profiles", ROOT)).signature
    assert found is not None
    assert not found.trusted


def test_a_signer_of_one_profile_cannot_sign_as_another(tmp_path: Path):
    folder = trusting(tmp_path / "profiles", ROOT, OTHER_PROFILE)
    found = seen(tmp_path, SIGNED, folder).signature
    assert found is not None
    assert not found.trusted


def test_a_certificate_need_only_be_valid_when_it_signed(tmp_path: Path):
    found = seen(tmp_path, SIGNED, trusting(tmp_path / "profiles", ROOT), now=NOW + 500 * DAY_S).signature
    assert found is not None
    assert found.trusted


def test_signatures_are_revoked_by_time_and_by_job(tmp_path: Path):
    def revoked(more: str) -> bool:
        found = seen(tmp_path, SIGNED, trusting(tmp_path / "profiles", ROOT, more=more)).signature
        assert found is not None
        assert found.trusted
        return found.revoked

    job = opened(signature_of(SIGNED)).claims.job_arn
    assert revoked(f'revoked_jobs = ["{job}"]')
    assert revoked("revoked_from = 2027-01-15T08:00:00Z")  # the moment of NOW
    assert not revoked("revoked_from = 2027-01-15T08:00:01Z")
    assert not revoked(f'revoked_jobs = ["{job}x"]')


# --- what does not fit -----------------------------------------------------------------------------------------------


OTHERS = SIGNER.signed(zipped({"app.py": "evil = True\n"}))


@pytest.mark.parametrize(
    "package",
    [
        rewritten(SIGNED, {"app.py": b"def handler(event, context):\n    return 'evil'\n"}),
        rewritten(SIGNED, {"more.py": b""}),
        rewritten(SIGNED, {"app.py": None}),
        rewritten(SIGNED, {FOLDER: None}),
        rewritten(SIGNED, rename={"app.py": "other.py"}),
        rewritten(SIGNED, {SIGNATURE: signature_of(OTHERS)}),
        rewritten(SIGNED, {SIGNATURE: b""}),
        rewritten(SIGNED, {SIGNATURE: b"x" * 2_000_000}),
        rewritten(SIGNED, {SIGNATURE: pem.armor("CERTIFICATE", der_of(SIGNED))}),
        rewritten(SIGNED, {SIGNATURE: signature_of(SIGNED).replace(b"\n", b"\nA", 2)}),
        archived([(entry(SIGNATURE), signature_of(SIGNED)), (entry(SIGNATURE), b"")]),
        SIGNER.signed(HELLO, now=NOW + DAY_S / 2),
    ],
    ids=[
        *("changed", "added", "removed", "folder removed", "renamed", "another's", "empty", "endless", "not PKCS7"),
        *("garbled", "two", "of tomorrow"),
    ],
)
def test_a_signature_that_does_not_fit_is_broken(tmp_path: Path, package: bytes):
    found = seen(tmp_path, package, trusting(tmp_path / "profiles", ROOT))
    assert found.broken is not None
    assert found.signature is None


def test_a_key_of_another_curve_is_no_signature():
    weak = Identity("weak", REGIONAL, curve=ec.SECP256R1)
    with pytest.raises(NoEnvelope):
        opened(sealed(Claims(PROFILE, "job", NOW, NOW + 1), b"x", weak.key, weak.chain))


ENVELOPE = der_of(SIGNED)
CLAIMS = opened(signature_of(SIGNED)).claims


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(ENVELOPE) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_no_altered_envelope_says_anything_else(at: int, byte: int, cut: bool):
    """Whatever is done to it: it is refused as no envelope, or says of the same contents what it said."""
    altered = ENVELOPE[:at] if cut else ENVELOPE[:at] + bytes([byte]) + ENVELOPE[at + 1 :]
    try:
        envelope = opened(pem.armor("PKCS7", altered))
    except NoEnvelope:
        return
    assert envelope.claims == CLAIMS
    assert envelope.digest == opened(signature_of(SIGNED)).digest
    assert envelope.certificate.public_key() == SIGNER.key.public_key()  # the rest of it, its chain proves


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_nothing_but_an_envelope_is_one(content: bytes):
    for text in (content, pem.armor("PKCS7", content)):
        with pytest.raises(NoEnvelope):
            opened(text)


# --- the process -----------------------------------------------------------------------------------------------------


async def test_the_server_asks_a_process(tmp_path: Path):
    package = tmp_path / "package.zip"
    package.write_bytes(SIGNED)
    signatures = SignatureFiles(trusting(tmp_path / "profiles", ROOT), FakeClock(NOW))
    found = await signatures.of(package)
    assert found is not None
    assert found.trusted
    package.write_bytes(rewritten(SIGNED, {"app.py": b""}))
    with pytest.raises(SignatureBroken):
        await signatures.of(package)
    package.write_bytes(HELLO)
    assert await signatures.of(package) is None
    assert not {"asn1crypto", "cryptography"} & {module.partition(".")[0] for module in await modules()}


async def modules() -> list[str]:
    """What the server has loaded once it can do all this."""
    said = subprocess.run(
        [sys.executable, "-c", "import lambent.app, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout.split()


@pytest.mark.parametrize(
    "table",
    [None, "not toml", "[x]\n", '[x]\ncertificates = "ghost.pem"\nother = 1', f'["{PROFILE}"]\ncertificates = "ghost"'],
)
async def test_a_folder_that_cannot_be_read_lets_nothing_through(tmp_path: Path, table: str | None):
    package = tmp_path / "package.zip"
    package.write_bytes(SIGNED)
    if table is not None:
        (tmp_path / "profiles.toml").write_text(table)
    with pytest.raises(SignatureBroken, match=str(tmp_path)):
        await SignatureFiles(tmp_path, FakeClock(NOW)).of(package)


def test_only_an_archive_whose_directory_names_a_signature_is_looked_at(tmp_path: Path):
    path = tmp_path / "package.zip"

    def asked(content: bytes) -> bool:
        path.write_bytes(content)
        return may_be_signed(path)

    assert asked(SIGNED)
    assert asked(b"prefix" + SIGNED)
    assert not asked(HELLO)
    assert not asked(zipped({"app.py": SIGNATURE}, compression=zipfile.ZIP_STORED))
    assert asked(b"not a zip")  # whatever is not plain is left to who reads it properly


# --- signing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [b"", b"not a zip", zipped({}), SIGNED])
def test_what_cannot_be_signed_is_said(package: bytes):
    with pytest.raises(Unsignable):
        SIGNER.signed(package)


def test_a_profile_version_is_named_by_its_arn():
    with pytest.raises(Unsignable, match="is not the ARN of a version of a signing profile"):
        claims_for("release", NOW, SeededIds())


def test_the_command_signs_with_keys_of_openssl(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As docs/designs/code-signing.md shows it."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make keys")
    request = "openssl req -new -x509 -sha384 -key release.key -out release.pem -days 3650 -subj /CN=release"
    make = (
        "openssl ecparam -name secp384r1 -genkey -noout -out release.key",
        f"{request} -addext extendedKeyUsage=codeSigning",
    )
    for command in make:
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "app.zip").write_bytes(HELLO)
    (tmp_path / "profiles.toml").write_text(f'["{PROFILE}"]\ncertificates = "release.pem"\n')
    key, certificate = str(tmp_path / "release.key"), str(tmp_path / "release.pem")
    given = ["sign", str(tmp_path / "app.zip"), "--profile-version-arn", PROFILE, "--key", key]
    assert main([*given, "--certificates", certificate]) == 0
    assert "app-signed.zip is signed by arn:aws:signer:us-east-1:123456789012:/signing-jobs/" in capsys.readouterr().out
    found = report(tmp_path / "app-signed.zip", tmp_path, NOW)
    assert found.signature is not None
    assert found.signature.trusted
    assert main([*given, "--certificates", key]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_the_same_contents_have_the_same_digest_whatever_the_archive():
    for package in (HELLO, rewritten(HELLO)):
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            expected = hashlib.sha384(b"app.py" + archive.read("app.py")).digest()
            assert digest_of(archive) == expected


def test_a_signature_ends_when_it_says(tmp_path: Path):
    short = SIGNER.signed(HELLO, validity=timedelta(seconds=1))
    found = seen(tmp_path, short, trusting(tmp_path / "profiles", ROOT)).signature
    assert found is not None
    assert found.expires_at == NOW + 1
