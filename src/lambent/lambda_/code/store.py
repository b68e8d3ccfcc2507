"""Where deployment packages lie: each content once, as the zip that was uploaded and as the read-only tree it unpacks
to.

    <directory>/zips/ab/abcdef...    the archive, a blob; its sha256 is CodeSha256
    <directory>/trees/abcdef...      the tree that environments see as /var/task or /opt
    <directory>/trees/.*             being filled, or on its way out
    <directory>/graveyard/...        what was collected of late (graveyard.py)
    <directory>/database.json        the mark that says whose rows they are (marker.py)

A tree is filled under another name, synced, and renamed: it is there whole or not at all. Uploads of the same
content at the same time share one unpacking.

A content is wanted as long as a row names its digest or somebody holds it: an operation between unpacking and its
commit, an environment that has it mounted. The rows are asked through `wanted`, which must know of a commit before
the operation lets go. `collect` moves an unwanted zip into its grave; its tree, which can be unpacked again at any time, it
takes out of sight at once and removes behind its back. What a crash leaves over is collected at the next start, if the
database is to be believed (collection.py), and a wanted content that is missing is taken out of its grave or unpacked again
from its zip.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import stat
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.lambda_.code.graveyard import Graveyard, remove
from lambent.lambda_.code.packages import inspected, unpack, unzipped_bytes
from lambent.lambda_.errors import PackageLost
from lambent.storage.blobs import Blobs

GRAVES_S: Final = 3600.0  # how often graves are looked at whose term may be over
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

    def __init__(self, directory: Path, wanted: Callable[[str], bool], clock: Clock, *, durable: bool) -> None:
        self.graveyard: Final = Graveyard(directory / "graveyard")
        self.collecting = True  # False: nothing is removed, because nobody knows whether the rows are the right ones
        self._clock = clock
        self._zips = Blobs(directory / "zips", durable=durable)
        self._trees = directory / "trees"
        self._trees.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._wanted = wanted
        self._durable = durable
        self._held: Counter[str] = Counter()
        self._derived: set[str] = set()  # trees that are made of others, and so need no grave
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
                new = not self.tree(digest).exists()
                if new:
                    await asyncio.to_thread(self._fill, digest, lambda root: _unpacked(archive, root))
                if new or digest not in self._zips:  # a zip without its tree may be a damaged one
                    await self._zips.put(archive)
                    await asyncio.to_thread(self.graveyard.forget, digest)
            yield Code(digest, len(archive), await asyncio.to_thread(unzipped_bytes, archive))

    def collect(self, digest: str) -> None:
        """Bury the content if nobody wants it. Returns at once; its tree goes in the background."""
        if not self.collecting or digest in self._held or self._wanted(digest):
            return
        try:
            grave = self._bury(digest)
        except OSError as error:  # the next start tries again
            log.warning("code.not_collected", digest=digest, reason=str(error))
        else:
            if grave is not None:
                log.info("code.collected", digest=digest, grave=str(grave))

    def unnamed(self) -> set[str]:
        """The contents that nobody wants."""
        return {digest for digest in self._there() if digest not in self._held and not self._wanted(digest)}

    def clear(self) -> None:
        """After a start: remove what a crash has left half made or half removed."""
        for leftover in self._trees.iterdir():
            if leftover.name.startswith("."):
                self._doomed.put_nowait(leftover)

    async def restore(self, digest: str) -> None:
        """See that the tree is there; unpack the zip again, or take it out of its grave, if it has to be.

        Raises PackageLost, OSError, PackageUnreadable.
        """
        if self.tree(digest).exists() and digest in self._zips:
            return
        with self.holding(digest):
            async with self._alone(digest):
                there = digest in self._zips or self._exhumed(digest)
                if self.tree(digest).exists():
                    return
                if not there:
                    raise PackageLost(digest=digest)
                archive = await asyncio.to_thread(self._read, digest)
                await asyncio.to_thread(self._fill, digest, lambda root: _unpacked(archive, root))

    async def derive(self, digest: str, make: Callable[[Path], None]) -> None:
        """See that a tree is there which no archive unpacks to: `make` fills it, in a thread, out of others that are held."""
        self._derived.add(digest)
        with self.holding(digest):
            async with self._alone(digest):
                if not self.tree(digest).exists():
                    await asyncio.to_thread(self._fill, digest, make)

    def _there(self) -> set[str]:
        trees = {path.name for path in self._trees.iterdir() if not path.name.startswith(".")}
        return trees.union(self._zips.digests())

    def _bury(self, digest: str) -> Path | None:
        """Move the content out of sight; return its grave, if it needs one."""
        tree, grave = self.tree(digest), None
        if digest in self._zips:
            grave = self.graveyard.bury(self._zips.path(digest), digest, self._clock.now())
        elif digest not in self._derived and tree.exists() and self.graveyard.of(digest) is None:
            grave = self.graveyard.bury(tree, digest, self._clock.now())
        self._derived.discard(digest)
        self._doom(tree)
        return grave

    def _exhumed(self, digest: str) -> bool:
        """Take the content out of its grave; return whether the zip was there."""
        grave = self.graveyard.of(digest)
        if grave is None:
            return False
        if not grave.is_dir():
            self._zips.adopt(grave, digest)
            return True
        if not self.tree(digest).exists():
            grave.rename(self.tree(digest))
            self.tree(digest).chmod(0o555)
        return False

    def _read(self, digest: str) -> bytes:
        """The zip, which must be what it was. Raises PackageLost, OSError."""
        archive = self._zips.path(digest).read_bytes()
        if hashlib.sha256(archive).hexdigest() != digest:
            raise PackageLost(digest=digest)
        return archive

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
            remove(root)
            raise

    def _adopt(self, root: Path, digest: str) -> None:
        try:
            root.rename(self.tree(digest))
        except OSError:
            if not self.tree(digest).exists():
                raise
            remove(root)  # the thread of a cancelled upload of the same content came first
        if self._durable:
            _sync_one(self._trees)

    def _doom(self, tree: Path) -> None:
        """Rename the tree away, so that the next upload of this content starts anew, and leave it to the remover."""
        if tree.exists():
            grave = Path(tempfile.mkdtemp(prefix=".old-", dir=self._trees))
            tree.rename(grave)
            self._doomed.put_nowait(grave)

    async def empty_graves(self) -> None:
        """Remove what has lain in its grave for its term, until cancelled."""
        while True:
            await self._clock.sleep(GRAVES_S)
            if self.collecting and (gone := await asyncio.to_thread(self.graveyard.remove_expired, self._clock.now())):
                log.info("code.graves_emptied", contents=len(gone))

    async def remove_doomed(self) -> None:
        """Remove what `collect` took away, until cancelled."""
        while True:
            await asyncio.to_thread(remove, await self._doomed.get())


@asynccontextmanager
async def code_store(
    directory: Path, wanted: Callable[[str], bool], clock: Clock, *, durable: bool
) -> AsyncGenerator[CodeStore]:
    """The code store under `directory` while the block lasts; what is not removed by then goes at the next start."""
    store = CodeStore(directory, wanted, clock, durable=durable)
    async with asyncio.TaskGroup() as tasks:
        removers = [tasks.create_task(store.remove_doomed()), tasks.create_task(store.empty_graves())]
        try:
            yield store
        finally:
            for remover in removers:
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
