"""What a signature on a package covers, in AWS Signer's own way: names and contents, in the archive's order.

    SHA384(name 1 + content 1 + name 2 + content 2 + ...)

The signature's own file is left out. Names and contents stand behind each other without their lengths, as AWS has it, and
modes, times and compression are not covered (docs/designs/code-signing.md says what that means).
"""

from __future__ import annotations

import hashlib
import zipfile
from typing import Final

FOLDER: Final = "META_INF/"
SIGNATURE: Final = "META_INF/aws_signer_signature_v1.0.SF"
SIGNATURE_MAX_BYTES: Final = 1024 * 1024
CHUNK_BYTES: Final = 1024 * 1024
UTF8_NAME: Final = 0x800  # of an entry's general purpose bits


def name_of(entry: zipfile.ZipInfo) -> bytes:
    """The name as it stands in the archive."""
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & UTF8_NAME else "cp437")


def is_signature(entry: zipfile.ZipInfo) -> bool:
    return name_of(entry) == SIGNATURE.encode()


def signature_in(archive: zipfile.ZipFile) -> bytes | None:
    """The signature, if the archive has one. Raises ValueError for more than one, or one without end."""
    found = [entry for entry in archive.infolist() if is_signature(entry)]
    if not found:
        return None
    if len(found) > 1:
        raise ValueError("more than one signature")
    with archive.open(found[0]) as file:
        content = file.read(SIGNATURE_MAX_BYTES + 1)
    if len(content) > SIGNATURE_MAX_BYTES:
        raise ValueError("a signature too long")
    return content


def digest_of(archive: zipfile.ZipFile, *, with_folder: bool = False) -> bytes:
    """What is signed of the archive; `with_folder` as if META_INF/ stood at its end."""
    digest = hashlib.sha384()
    for entry in archive.infolist():
        if is_signature(entry):
            continue
        digest.update(name_of(entry))
        with archive.open(entry) as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    if with_folder:
        digest.update(FOLDER.encode())
    return digest.digest()
