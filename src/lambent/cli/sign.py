"""`lambent sign`: a package with the signature of a version of a signing profile, as AWS Signer would make it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Final

from lambent.cli import Run
from lambent.cli.errors import Failed
from lambent.core.ids import Ids
from lambent.services.signer.signing import VALIDITY_S, SigningKey, Unsignable, claims_for, signed

DAY_S: Final = 86_400


def sign(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("package", metavar="ZIP", type=Path, help="the package to sign")
    parser.add_argument("--profile-version-arn", metavar="ARN", required=True, help="as which profile's version")
    parser.add_argument("--key", metavar="PEM", type=Path, required=True, help="a private key of the curve P-384")
    parser.add_argument(
        "--certificates", metavar="PEM", type=Path, required=True, help="the key's certificate, then its issuers'"
    )
    parser.add_argument(
        "--days", type=int, default=VALIDITY_S // DAY_S, help=f"how long it holds ({VALIDITY_S // DAY_S})"
    )
    parser.add_argument("-o", "--output", metavar="ZIP", type=Path, help="where to write it (NAME-signed.zip)")
    return run


def run(given: argparse.Namespace) -> int:
    package: Path = given.package
    output: Path = given.output or package.with_name(f"{package.stem}-signed.zip")
    try:
        key = SigningKey(given.key.read_bytes(), given.certificates.read_bytes())
        claims = claims_for(given.profile_version_arn, time.time(), Ids(), given.days * DAY_S)
        output.write_bytes(signed(package.read_bytes(), claims, key))
    except Unsignable as error:
        raise Failed(str(error)) from None
    except OSError as error:
        raise Failed(f"{error.filename}: {error.strerror}") from None
    print(f"{output} is signed by {claims.job_arn}")
    return 0
