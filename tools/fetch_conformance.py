"""Fetches AWS's protocol conformance files, which botocore ships in its source distribution only: fetch_conformance DIR.

The version is the installed one's, so that models and conformance files agree. Only `tests/unit/protocols` is unpacked.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path


def main(target: Path) -> None:
    """Download the source distribution with pip, and unpack protocols/input and protocols/output into `target`."""
    wanted = f"botocore=={version('botocore')}"
    with tempfile.TemporaryDirectory() as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*download, "--no-binary", "botocore", "--dest", scratch, wanted], check=True)
        (archive,) = Path(scratch).glob("botocore-*.tar.gz")
        unpack(archive.read_bytes(), target)


def unpack(archive: bytes, target: Path) -> None:
    """Write the conformance files of `archive` to `target`, flat: protocols/input/rest-json.json ..."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            _, found, name = member.name.partition("/tests/unit/")
            file = members.extractfile(member) if member.isfile() else None
            if found and name.startswith("protocols/") and file is not None:
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
