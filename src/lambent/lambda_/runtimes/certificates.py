"""The certificate authorities of this machine, which Node.js functions find as /var/runtime/ca-cert.pem.

AWS's file of that name has AWS's own; functions of nodejs20.x and later name it in NODE_EXTRA_CA_CERTS to reach its
databases (developer guide). It is not to be had, and what can be reached from here is what the machine's owner trusts.
"""

from importlib.metadata import distribution
from pathlib import Path
from typing import Final

BUNDLES: Final = tuple(
    map(
        Path,
        (
            "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Gentoo
            "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Amazon Linux
            "/etc/ssl/ca-bundle.pem",  # openSUSE
            "/etc/ssl/cert.pem",  # Alpine, macOS
        ),
    )
)


def authorities(bundles: tuple[Path, ...] = BUNDLES) -> Path:
    """The machine's bundle; the one that botocore brings where the machine has none."""
    own = next((bundle for bundle in bundles if bundle.is_file()), None)
    return Path(str(distribution("botocore").locate_file("botocore/cacert.pem"))) if own is None else own.resolve()
