"""AWS's SDK for JavaScript, which nodejs18.x and later bring: where `lambent sdk` puts it, and what of it is there.

It is part of an installation of Lambent, as boto3 is, but it comes from npm, which not everybody has: a command fetches it
once, into the environment that Lambent is installed in, and functions find it read-only at /var/runtime/node_modules.
`aws_sdk/package.json` names its packages, and the lock file beside it their versions and digests, so that one Lambent has one
SDK. AWS's runtimes have every client; these are the ones most in use, and `lambent sdk NAME` adds others.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from lambent.lambda_.runtimes.share import share

MANIFEST: Final = Path(__file__).parent / "aws_sdk" / "package.json"
LOCK: Final = MANIFEST.with_name("package-lock.json")
REMEDY: Final = "`lambent sdk` installs it (it needs npm)"


class JavaScriptSdk(Struct, frozen=True):
    """The SDK's place on this machine, whether or not it is there."""

    directory: Path

    @property
    def mark(self) -> Path:
        """A file that is there when the SDK is, whole: it holds the digest of the lock file that it was installed by."""
        return self.directory / ".installed"

    @property
    def modules(self) -> Path | None:
        """The directory that functions find their packages in; None: it is not installed."""
        return self.directory / "node_modules" if self.mark.exists() else None

    def is_current(self) -> bool:
        """Whether it is the one of this Lambent, and not of an older one."""
        return self.mark.exists() and self.mark.read_text() == digest()

    def packages(self) -> set[str]:
        """The names of what was asked for."""
        manifest = self.directory / MANIFEST.name
        return names(manifest) if manifest.exists() else set()


def javascript_sdk(prefix: str = sys.prefix) -> JavaScriptSdk:
    """The one that belongs to the Python environment of that prefix."""
    return JavaScriptSdk(share(prefix) / "aws-sdk-js")


def names(manifest: Path) -> set[str]:
    return set(json.loads(manifest.read_text())["dependencies"])


def digest() -> str:
    return sha256(LOCK.read_bytes()).hexdigest()
