"""The process that reads a signature: `python -m lambent.services.signer.verifying PACKAGE FOLDER NOW`, a JSON on its output.

It is given what the server has looked at already (lambda_/code/packages), and bounds itself all the same: an archive or
a certificate that takes too much ends this process and nothing else.
"""

from __future__ import annotations

import resource
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Final

import msgspec

from lambent.core.ports import PackageSignature
from lambent.services.signer.contents import digest_of, signature_in
from lambent.services.signer.envelope import NoEnvelope, opened
from lambent.services.signer.profiles import ProfilesUnreadable, profiles_in, trusted
from lambent.services.signer.report import Report

MEMORY_MAX_BYTES: Final = 1024 * 1024 * 1024
CPU_MAX_S: Final = 60
CLOCKS_APART_S: Final = 300  # by which the signer's clock may be ahead of ours
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def report(package: Path, folder: Path, now: float) -> Report:
    """Look at a package. `now`: Unix epoch seconds."""
    try:
        with zipfile.ZipFile(package) as archive:
            content = signature_in(archive)
            if content is None:
                return Report()
            envelope = opened(content)
            if not envelope.covers(digest_of(archive)):
                return Report(broken="the contents are not those that were signed")
    except (NoEnvelope, *UNREADABLE) as error:
        return Report(broken=str(error))
    claims = envelope.claims
    if not claims.signed_at <= now + CLOCKS_APART_S or claims.expires_at <= claims.signed_at:
        return Report(broken="it was signed in the future, or never held")
    try:
        profile = profiles_in(folder).get(claims.profile_version_arn)
        known = profile is not None and trusted(
            folder, profile, envelope.certificate, envelope.others, claims.signed_at
        )
    except ProfilesUnreadable as error:
        return Report(unreadable=str(error))
    return Report(
        PackageSignature(
            profile_version_arn=claims.profile_version_arn,
            job_arn=claims.job_arn,
            expires_at=claims.expires_at,
            trusted=known,
            revoked=profile is not None and profile.revoked(claims.job_arn, claims.signed_at),
        )
    )


def main() -> None:
    package, folder, now = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_MAX_S, CPU_MAX_S))
    sys.stdout.buffer.write(msgspec.json.encode(report(Path(package), Path(folder), float(now))))


if __name__ == "__main__":
    main()
