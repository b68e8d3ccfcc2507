"""Where a package comes from: out of the request, or out of a bucket that the request names.

Both end in the code store as the same content. AWS copies what it takes from S3, and so do we: the object may go when the
operation has answered. An upload has a limit of its own; an object is bounded by what it may unpack to. Packages from a
bucket are large, so only a few are in memory at a time; who comes then waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, NoReturn

import msgspec

from lambent.core.ports import CallRefused, Objects, ObjectTooLarge
from lambent.lambda_.code.store import Code, CodeStore
from lambent.lambda_.errors import AnotherServiceRefused, CodeMissing, MemberNotSupported, PackageTooLarge, ZipTooLarge
from lambent.lambda_.limits import OBJECT_MAX_BYTES, UNZIPPED_MAX_BYTES, ZIPPED_MAX_BYTES

OBJECTS_AT_ONCE: Final = 2  # in memory, of OBJECT_MAX_BYTES each


class S3Object(msgspec.Struct, frozen=True):
    """A package that lies in a bucket."""

    bucket: str
    key: str
    version: str | None = None


def s3_object(bucket: str | None, key: str | None, version: str | None, storage_mode: str | None) -> S3Object | None:
    """The object that these members of AWS name; None: none. Raises CodeMissing, MemberNotSupported (REFERENCE)."""
    if storage_mode == "REFERENCE":
        raise MemberNotSupported(member="S3ObjectStorageMode REFERENCE")
    if bucket is None and key is None:
        return None
    if bucket is None or key is None:
        raise CodeMissing
    return S3Object(bucket, key, version)


class NoObjects:
    """The `Objects` of a Lambent that was told of no S3."""

    async def read(self, *_: object, **__: object) -> NoReturn:
        """Raises CallRefused, which says what to set."""
        sentence = "No S3 is configured: name one with --s3-endpoint or LAMBENT_S3_ENDPOINT, and its keys"
        raise CallRefused("S3", "GetObject", "EndpointNotConfigured", sentence)


class Sources:
    """Takes packages in."""

    def __init__(self, objects: Objects, code: CodeStore) -> None:
        self._objects: Final = objects
        self._code: Final = code
        self._turns: Final = asyncio.Semaphore(OBJECTS_AT_ONCE)

    @asynccontextmanager
    async def uploaded(self, archive: bytes, account: str) -> AsyncGenerator[Code]:
        """The content of a request, in the code store for as long as the block lasts.

        Raises ZipTooLarge, PackageEmpty, PackageTooLarge, PackageUnreadable, DiskReserved, UnpackedCodeExceeded.
        """
        if len(archive) > ZIPPED_MAX_BYTES:
            raise ZipTooLarge(maximum=ZIPPED_MAX_BYTES)
        async with self._code.added(archive, account) as content:
            yield content

    @asynccontextmanager
    async def copied(self, package: S3Object, account: str) -> AsyncGenerator[Code]:
        """The content of an object, in the code store for as long as the block lasts.

        Raises AnotherServiceRefused, and what `uploaded` raises but ZipTooLarge.
        """
        async with self._turns:
            archive = await self._read(package)
            async with self._code.added(archive, account) as content:
                yield content

    async def _read(self, package: S3Object) -> bytes:
        try:
            return await self._objects.read(package.bucket, package.key, package.version, max_bytes=OBJECT_MAX_BYTES)
        except CallRefused as refused:
            raise AnotherServiceRefused.telling(refused) from None
        except ObjectTooLarge:
            raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES) from None
