"""What S3 takes for the name of a bucket, the key of an object and a version, and how each stands in a path.

A key is any text of 1,024 bytes, and a path is not: whoever stands between us and S3 may take `..` for the folder above,
`//` for `/`, `?` for the end. So every byte that could mean something is encoded, the dots of a segment that is nothing
but dots as well, though that is written `%2E` and signed as the dot it is: S3 signs what a path means. A key that climbs
out of its bucket has none in S3 either, and is not sent at all.

Sources: Amazon S3 user guide, "General purpose bucket naming rules" and "Naming Amazon S3 objects" (relative path
elements are valid if they never exceed the others, read from the left); S3 API reference, "Error responses".
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

KEY_MAX_BYTES: Final = 1024
UNRESERVED: Final = "-_.~"
# Of general purpose buckets, and of those that were made before March 2018 in us-east-1, which may have other letters.
BUCKET: Final = re.compile(r"(?!\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){1,253}[A-Za-z0-9]")
DOTS: Final = re.compile(r"(?:(?<=/)|^)\.{1,2}(?=/|\Z)")


class NameRefused(Exception):
    """A name that S3 has no object by, with S3's code and sentence for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message: Final = message


class ObjectPath:
    """Where an object is, below an endpoint: `signed` as its signature covers it, `sent` as it is asked for."""

    __slots__ = ("query", "sent", "signed")

    def __init__(self, folder: str, bucket: str, key: str, version_id: str | None) -> None:
        """`folder` is the path of the endpoint. Raises NameRefused."""
        if not BUCKET.fullmatch(bucket):
            raise NameRefused("InvalidBucketName", "The specified bucket is not valid.")
        encoded = _encoded(key)
        if len(key.encode()) > KEY_MAX_BYTES:
            raise NameRefused("KeyTooLongError", "Your key is too long")
        if not key or _climbs_out(key):
            raise NameRefused("InvalidURI", "Couldn't parse the specified URI.")
        root = f"{folder.rstrip('/')}/{bucket}/"
        self.signed: Final = root + encoded
        self.sent: Final = root + DOTS.sub(lambda dots: "%2E" * len(dots[0]), encoded)
        self.query: Final = "" if version_id is None else f"versionId={_encoded(version_id, safe='')}"


def _encoded(text: str, *, safe: str = "/") -> str:
    try:
        return quote(text, safe=safe + UNRESERVED)
    except UnicodeEncodeError:  # half a surrogate pair
        raise NameRefused("InvalidURI", "Couldn't parse the specified URI.") from None


def _climbs_out(key: str) -> bool:
    """Whether the key, taken for a path, is at any point above its bucket."""
    depth = 0
    for segment in key.split("/"):
        if segment == "..":
            depth -= 1
            if depth < 0:
                return True
        elif segment not in ("", "."):
            depth += 1
    return False
