"""Where deployment packages lie: each content once, as the zip that was uploaded and as the read-only tree it unpacks
to.

    <directory>/zips/ab/abcdef...    the archive, a blob; its sha256 is CodeSha256
    <directory>/trees/abcdef...      the tree that environments see as /var/task or /opt
    <directory>/trees/.*             being filled, or on its way out

A tree is filled under another name, synced, and renamed: it is there whole or not at all. Uploads of the same
content at the same time share one unpacking.

A content is wanted as long as a row names its digest or somebody holds it: an operation between unpacking and its
commit, an environment that has it mounted. The rows are asked through `wanted`, which must know of a commit before
the operation lets go. `collect` takes an unwanted tree out of sight at once and removes it behind its back; what a
crash leaves over is removed when the store is opened, and a wanted tree that a crash took is unpacked again from its
zip.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import structlog

from lambent.core.errors import AwsError
from lambent.lambda_.code.packages import inspected, unpack, unzipped_bytes
from lambent.storage.blobs import Blobs

UNPACKERS: Final = 2  # packages unpacked at once: each may hold a core and its archive's directory in memory

log: Final = structlog.get_logger()


class Code(msgspec.Struct, frozen=True, omit_defaults=True):
    """One content: the sha256 of the zip in hex, its size, and that of what it unpacks to."""

    digest: str
    size_bytes: int
    unzipped_bytes: int = 0  # 0 also in rows that are older than this field

    @property
    def sha256(self) -> str:
        """AWS's CodeSha256."""
        return base64.b64encode(bytes.fromhex(self.digest)).decode()


NO_CODE: Final = Code("", 0)  # of a function that is an image


class CodeStore:
    """The contents under one directory; made by `code_store`."""

    def __init__(self, directory: Path, wanted: Callable[[str], bool], *, durable: bool) -> None:
        self._zips = Blobs(directory / "zips", durable=durable)
        self._trees = directory / "trees"
        self._trees.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._wanted = wanted
        self._durable = durable
        self._held: Counter[str] = Counter()
        self._filling: dict[str, asyncio.Lock] = {}
        self._unpackers = asyncio.Semaphore(UNPACKERS)
        self._doomed: asyncio.Queue[Path] = asyncio.Queue()

    def tree(self, digest: str) -> Path:
        """The directory with the unpacked package."""
        return self._trees / digest

    def archive(self, digest: str) -> Path:
        """The file with the zip, which stays for as long as the content is held."""
        return self._zips.path(digest)

    def open(self, digest: str) -> BinaryIO:
        """The zip, for reading; the caller closes it, and can read on when it is deleted. Raises FileNotFoundError."""
        return self._zips.open(digest)

    @contextmanager
    def holding(self, digest: str) -> Generator[Path]:
        """Keep the content for as long as the block lasts, whatever happens to the rows; yields its tree."""
        self._held[digest] += 1
        try:
            yield self.tree(digest)
        finally:
            self._held[digest] -= 1
            if not self._held[digest]:
                del self._held[digest]
                self._filling.pop(digest, None)
                self.collect(digest)

    @asynccontextmanager
    async def added(self, archive: bytes) -> AsyncGenerator[Code]:
        """Keep the uploaded zip and unpack it; commit a row that names its digest before the block ends.

        Raises PackageEmpty, PackageTooLarge, PackageUnreadable; then nothing is kept.
        """
        digest = (await asyncio.to_thread(hashlib.sha256, archive)).hexdigest()
        with self.holding(digest):
            async with self._alone(digest):
                if not self.tree(digest).exists():
                    await asyncio.to_thread(self._fill, digest, lambda root: _unpacked(archive, root))
                if digest not in self._zips:
                    await self._zips.put(archive)
            yield Code(digest, len(archive), await asyncio.to_thread(unzipped_bytes, archive))

    def collect(self, digest: str) -> None:
        """Remove the content if nobody wants it. Returns at once; the files go in the background."""
        if digest in self._held or self._wanted(digest):
            return
        self._zips.delete(digest)
        self._doom(self.tree(digest))

    async def restore(self, digest: str) -> None:
        """See that the tree is there; unpack the zip again if it has to be. Raises OSError, PackageUnreadable."""
        with self.holding(digest):
            async with self._alone(digest):
                if not self.tree(digest).exists():
                    archive = await asyncio.to_thread(self._zips.path(digest).read_bytes)
                    await asyncio.to_thread(self._fill, digest, lambda root: _unpacked(archive, root))

    async def derive(self, digest: str, make: Callable[[Path], None]) -> None:
        """See that a tree is there which no archive unpacks to: `make` fills it, in a thread, out of others that are held."""
        with self.holding(digest):
            async with self._alone(digest):
                if not self.tree(digest).exists():
                    await asyncio.to_thread(self._fill, digest, make)

    async def sweep(self, digests: Iterable[str]) -> None:
        """After a start: remove what no row names, and restore of `digests`, the wanted ones, what is missing."""
        for leftover in self._trees.iterdir():
            if leftover.name.startswith("."):
                self._doomed.put_nowait(leftover)
            else:
                self.collect(leftover.name)
        for digest in list(self._zips.digests()):
            self.collect(digest)
        for digest in digests:
            try:
                await self.restore(digest)
            except (AwsError, OSError):
                log.exception("code.not_restored", digest=digest)

    @asynccontextmanager
    async def _alone(self, digest: str) -> AsyncGenerator[None]:
        """One at a time for the same content, which the caller holds; a few for all."""
        async with self._filling.setdefault(digest, asyncio.Lock()), self._unpackers:
            yield

    def _fill(self, digest: str, make: Callable[[Path], None]) -> None:
        """Make the tree, in a thread."""
        root = Path(tempfile.mkdtemp(prefix=".new-", dir=self._trees))
        try:
            make(root)
            if self._durable:
                _sync(root)
            self._adopt(root, digest)
        except BaseException:
            _remove(root)
            raise

    def _adopt(self, root: Path, digest: str) -> None:
        try:
            root.rename(self.tree(digest))
        except OSError:
            if not self.tree(digest).exists():
                raise
            _remove(root)  # the thread of a cancelled upload of the same content came first
        if self._durable:
            _sync_one(self._trees)

    def _doom(self, tree: Path) -> None:
        """Rename the tree away, so that the next upload of this content starts anew, and leave it to the remover."""
        if tree.exists():
            grave = Path(tempfile.mkdtemp(prefix=".old-", dir=self._trees))
            tree.rename(grave)
            self._doomed.put_nowait(grave)

    async def remove_doomed(self) -> None:
        """Remove what `collect` took away, until cancelled."""
        while True:
            await asyncio.to_thread(_remove, await self._doomed.get())


@asynccontextmanager
async def code_store(directory: Path, wanted: Callable[[str], bool], *, durable: bool) -> AsyncGenerator[CodeStore]:
    """The code store under `directory` while the block lasts; what is not removed by then goes at the next start."""
    store = CodeStore(directory, wanted, durable=durable)
    async with asyncio.TaskGroup() as tasks:
        remover = tasks.create_task(store.remove_doomed())
        try:
            yield store
        finally:
            remover.cancel()


def _unpacked(archive: bytes, root: Path) -> None:
    with inspected(archive) as package:
        unpack(package, root)


def _sync(root: Path) -> None:
    """Put the tree on the disk; a file with another name was put there when it got that one."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                _sync_one(path)
        _sync_one(Path(directory))


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(tree: Path) -> None:
    """Remove a tree of ours, whose directories are read-only also for us unless we are root."""
    for directory, _, _ in os.walk(tree):
        with suppress(FileNotFoundError):  # the thread of a store that was closed may be at it, too
            Path(directory).chmod(0o700)
    shutil.rmtree(tree, ignore_errors=True)
