"""Where deployment packages lie: each content once, as the zip that was uploaded and as the read-only tree it unpacks
to.

    <directory>/zips/ab/abcdef...    the archive, a blob; its sha256 is CodeSha256
    <directory>/trees/abcdef...      the tree that environments see as /var/task or /opt
    <directory>/trees/.*             being filled, or on its way out (trees.py)
    <directory>/graveyard/...        what was collected of late (graveyard.py)
    <directory>/database.json        the mark that says whose rows they are (marker.py)

Uploads of the same content at the same time share one unpacking.

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
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.lambda_.code.graveyard import Graveyard, size_bytes
from lambent.lambda_.code.packages import DIRECTORY_MODE, on_disk
from lambent.lambda_.code.room import Room
from lambent.lambda_.code.trees import Trees
from lambent.lambda_.code.unpacking import Unpacking
from lambent.lambda_.errors import PackageLost
from lambent.lambda_.limits import UNPACKED_LIMIT_BYTES
from lambent.storage.blobs import Blobs
from lambent.storage.disk import Disk

GRAVES_S: Final = 3600.0  # how often graves are looked at whose term may be over

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

    def __init__(
        self,
        directory: Path,
        wanted: Callable[[str], bool],
        clock: Clock,
        *,
        durable: bool,
        disk: Disk | None,
        unpacked_limit_bytes: int,
    ) -> None:
        self.graveyard: Final = Graveyard(directory / "graveyard")
        self.collecting = True  # False: nothing is removed, because nobody knows whether the rows are the right ones
        self._clock = clock
        self._zips = Blobs(directory / "zips", durable=durable)
        self._trees = Trees(directory / "trees", durable=durable)
        self._room = Room(disk, self.graveyard, unpacked_limit_bytes)
        self._unpacking = Unpacking()
        self._wanted = wanted
        self._held: Counter[str] = Counter()
        self._new: set[str] = set()  # contents that no row has named yet, and so need no grave
        self._derived: set[str] = set()  # trees that are made of others, and so need none either
        self._filling: dict[str, asyncio.Lock] = {}

    def tree(self, digest: str) -> Path:
        """The directory with the unpacked package."""
        return self._trees.path(digest)

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
    async def added(self, archive: bytes, account: str = "") -> AsyncGenerator[Code]:
        """Keep the uploaded zip and unpack it; commit a row that names its digest before the block ends.

        Raises PackageEmpty, PackageTooLarge, PackageUnreadable, DiskReserved, UnpackedCodeExceeded; then nothing is kept.
        """
        async with AsyncExitStack() as on:
            async with self._room.for_package(len(archive)):
                staged, digest = await self._zips.staged(archive)
                on.callback(staged.unlink, missing_ok=True)
                on.enter_context(self.holding(digest))
                async with self._alone(digest):
                    unzipped_bytes = await self._taken_in(staged, digest, account)
            yield Code(digest, len(archive), unzipped_bytes)

    async def _taken_in(self, staged: Path, digest: str, account: str) -> int:
        """Make of a staged zip a content, unless it is one already; return its unpacked bytes."""
        if digest in self._zips and self.tree(digest).exists():
            return self._room.taken.get(digest) or await self._unpacking.unpack(staged, None, account)
        if digest not in self._there() and self.graveyard.of(digest) is None:
            self._new.add(digest)
        if not self.tree(digest).exists():
            unzipped_bytes = await self._unpack(staged, digest, account)
        else:
            unzipped_bytes = await self._unpacking.unpack(staged, None, account)
        await asyncio.to_thread(self._zips.adopt, staged, digest)  # also over a zip that may be a damaged one
        await asyncio.to_thread(self.graveyard.forget, digest)
        return unzipped_bytes

    async def _unpack(self, archive: Path, digest: str, account: str) -> int:
        async with self._trees.filling(digest) as root, self._room.for_tree(digest, size_bytes(archive)) as share:
            share.unzipped_bytes = await self._unpacking.unpack(archive, root, account, share.room_bytes)
        return share.unzipped_bytes

    def collect(self, digest: str) -> None:
        """Bury the content if nobody wants it. Returns at once; its tree goes in the background."""
        if digest in self._held:
            return
        if self._wanted(digest):
            self._new.discard(digest)
            return
        if not self.collecting and digest not in self._new:
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
        self._trees.clear(self._zips.__contains__)

    def count(self, unzipped_bytes: Mapping[str, int]) -> None:
        """After a start: how much the contents of the rows take that are unpacked."""
        self._room.taken.update(unzipped_bytes)

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
                if not await asyncio.to_thread(self._is_intact, digest):
                    raise PackageLost(digest=digest)
                await self._unpack(self.archive(digest), digest, "")

    async def derive(self, digest: str, make: Callable[[Path], None]) -> None:
        """See that a tree is there which no archive unpacks to: `make` fills it, in a thread, out of others that are held."""
        self._derived.add(digest)
        with self.holding(digest):
            async with self._alone(digest):
                if not self.tree(digest).exists():
                    async with self._trees.filling(digest) as root:
                        await asyncio.to_thread(make, root)

    def _there(self) -> set[str]:
        return self._trees.digests().union(self._zips.digests())

    def _bury(self, digest: str) -> Path | None:
        """Move the content out of sight; return its grave, if it needs one."""
        tree, grave = self.tree(digest), None
        if digest in self._new:
            self._zips.delete(digest)
        elif digest in self._zips:
            grave = self.graveyard.bury(self._zips.path(digest), digest, self._clock.now())
        elif digest not in self._derived and tree.exists() and self.graveyard.of(digest) is None:
            grave = self.graveyard.bury(tree, digest, self._clock.now())
        self._new.discard(digest)
        self._derived.discard(digest)
        self._room.taken.pop(digest, None)
        self._trees.doom(digest)
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
            self.tree(digest).chmod(on_disk(DIRECTORY_MODE))
        return False

    def _is_intact(self, digest: str) -> bool:
        with self.archive(digest).open("rb") as archive:
            return hashlib.file_digest(archive, "sha256").hexdigest() == digest

    @asynccontextmanager
    async def _alone(self, digest: str) -> AsyncGenerator[None]:
        """One at a time for the same content, which the caller holds."""
        async with self._filling.setdefault(digest, asyncio.Lock()):
            yield

    def tasks(self) -> list[Coroutine[None, None, None]]:
        """What runs behind everybody's back for as long as the store is open."""
        return [self._trees.remove_doomed(), self._trees.sync(), self.empty_graves()]

    async def empty_graves(self) -> None:
        """Remove what has lain in its grave for its term, or what others need the room of, until cancelled."""
        while True:
            await self._clock.sleep(GRAVES_S)
            await self._room.give_up_graves()
            if self.collecting and (gone := await asyncio.to_thread(self.graveyard.remove_expired, self._clock.now())):
                log.info("code.graves_emptied", contents=len(gone))


@asynccontextmanager
async def code_store(
    directory: Path,
    wanted: Callable[[str], bool],
    clock: Clock,
    *,
    durable: bool,
    disk: Disk | None = None,
    unpacked_limit_bytes: int = UNPACKED_LIMIT_BYTES,
) -> AsyncGenerator[CodeStore]:
    """The code store under `directory` while the block lasts; what is not removed by then goes at the next start."""
    store = CodeStore(directory, wanted, clock, durable=durable, disk=disk, unpacked_limit_bytes=unpacked_limit_bytes)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(task) for task in store.tasks()]
        try:
            yield store
        finally:
            for task in running:
                task.cancel()
