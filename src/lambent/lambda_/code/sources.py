"""Where a package comes from: out of the request, or out of a bucket that the request names.

Both end in the code store as the same content. AWS copies what it takes from S3, and so do we: the object may go when the
operation has answered. Lambent reads with a key of its own, so the caller's right to the object is asked first. An upload
has a limit of its own; an object is bounded by what it may unpack to. Packages from a bucket are large, so only a few are
in memory at a time; who comes then waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn

import msgspec

from lambent.core.kernel import Caller
from lambent.core.ports import CallRefused, Objects, ObjectTooLarge
from lambent.lambda_.code.store import Code, CodeStore
from lambent.lambda_.errors import (
    AnotherServiceRefused,
    CodeMissing,
    MemberNotSupported,
    ObjectDenied,
    PackageTooLarge,
    ZipTooLarge,
)
from lambent.lambda_.limits import OBJECT_MAX_BYTES, UNZIPPED_MAX_BYTES, ZIPPED_MAX_BYTES

DENIED: Final = "AccessDenied"  # S3's code
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


MayGetObject = Callable[[Caller, str, str], bool]  # whether a caller may read this key of this bucket


def root_alone(caller: Caller, bucket: str, key: str) -> bool:
    """Allow s3:GetObject to an account's root, whom no policy need allow it, and to nobody else."""
    del bucket, key
    return caller.is_root


class NoObjects:
    """The `Objects` of a Lambent that was told of no S3."""

    async def read(self, *_: object, **__: object) -> NoReturn:
        """Raises CallRefused, which says what to set."""
        sentence = "No S3 is configured: name one with --s3-endpoint or LAMBENT_S3_ENDPOINT, and its keys"
        raise CallRefused("S3", "GetObject", "EndpointNotConfigured", sentence)


class Sources:
    """Takes packages in."""

    def __init__(self, objects: Objects, code: CodeStore, may_get_object: MayGetObject = root_alone) -> None:
        self._objects: Final = objects
        self._may_get_object: Final = may_get_object
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
    async def copied(self, package: S3Object, caller: Caller) -> AsyncGenerator[Code]:
        """The content of an object that `caller` names, in the code store for as long as the block lasts.

        Raises ObjectDenied, AnotherServiceRefused, and what `uploaded` raises but ZipTooLarge.
        """
        if not self._may_get_object(caller, package.bucket, package.key):
            raise ObjectDenied(bucket=package.bucket, key=package.key)
        async with self._turns:
            archive = await self._read(package)
            async with self._code.added(archive, caller.account) as content:
                yield content

    async def _read(self, package: S3Object) -> bytes:
        try:
            return await self._objects.read(package.bucket, package.key, package.version, max_bytes=OBJECT_MAX_BYTES)
        except CallRefused as refused:
            if refused.code == DENIED:
                raise ObjectDenied(bucket=package.bucket, key=package.key) from None
            raise AnotherServiceRefused.telling(refused) from None
        except ObjectTooLarge:
            raise PackageTooLarge(maximum=UNZIPPED_MAX_BYTES) from None
