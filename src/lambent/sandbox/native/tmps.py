"""Where every sandbox's /tmp comes from: images made ahead, each with its share of the disk; or memory, where there are none.

    opened() ── tries one image ─┬─ works: take(size) ─ one that is ready, or is made now ─ shares are set ─> a ground
                                 └─ does not, and says why: take(size) is None, and /tmp is memory

**Shares.** What all images may still grow by is never more than the disk has above its reserve. While there is room for all
of them to their size, each has its size. When there is not, each has what is left of its size, but at most an equal share,
which is worked out anew with each new image and every second; a guest at its share gets ENOSPC, as at its size. What a
guest has allocated and not written yet is counted as taken. So nobody watches a disk that fills: what could be written
has been given out before.

A size is made ahead from when it was first asked for; the usual one from the start. An image that is made goes to the
caller who has waited longest for its size. Each caller has one under way for him, so that none waits for good, whatever
sizes others ask for; and after a time he takes memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from lambent.sandbox.native import images
from lambent.sandbox.native.images import Blank, Image

USUAL_MIB: Final = 512  # AWS's default
AHEAD: Final = 2  # that wait, of each size
SIZES: Final = 16  # that are made ahead; of those that nobody waits for, the one asked for longest ago gives way
TAKE_S: Final = 5.0  # that a caller waits for an image, which takes 30 ms to make on a machine that is not overloaded
SHARE_S: Final = 1.0  # between two looks at the shares, while not everyone has his size
_REST_S: Final = 0.05  # before what was taken is replaced: longer than a start, and the pool's own replacement, take

log: Final = structlog.get_logger("lambent.sandbox.native")


class _Size:
    """The images of one size that are ready and under way, and the callers who wait for one."""

    def __init__(self) -> None:
        self.ready: Final[deque[Image]] = deque()
        self.callers: Final[deque[asyncio.Future[Image | None]]] = deque()  # None: it could not be made
        self.under_way = 0  # never fewer than callers
        self.blank: Blank | None = None
        self.blanking: Final = asyncio.Lock()

    @property
    def short_of(self) -> int:
        return len(self.callers) + AHEAD - self.under_way - len(self.ready)

    @property
    def in_use(self) -> bool:
        return self.under_way > 0 or bool(self.callers)

    def give(self, image: Image | None) -> bool:
        """Give the caller who has waited longest an image, or word that there is none; False if nobody waits."""
        while self.callers:
            caller = self.callers.popleft()
            if not caller.done():
                caller.set_result(image)
                return True
        return False


class Tmps:
    """Made by `opened`. `directory` is None where no image is wanted; `room_bytes` tells what the disk has to give."""

    def __init__(self, directory: Path | None, room_bytes: Callable[[], int], tasks: asyncio.TaskGroup) -> None:
        self._directory: Final = directory
        self._room_bytes: Final = room_bytes
        self._tasks: Final = tasks
        self._sizes: Final[dict[int, _Size]] = {}  # the one that was asked for last is last
        self._taken: Final[set[Image]] = set()
        self._closed = False
        self.ready: Final[asyncio.Future[str]] = asyncio.get_running_loop().create_future()

    async def why_in_memory(self) -> str:
        """Return why /tmp is memory here, or "" where it is on disk."""
        return await asyncio.shield(self.ready)

    async def take(self, size_mib: int) -> Image | None:
        """Return an image of this size, which is the caller's until `forget`; None: take memory."""
        if await self.why_in_memory():
            return None
        size = self._sizes[size_mib] = self._sizes.pop(size_mib, None) or _Size()
        image = size.ready.popleft() if size.ready else await self._wait(size_mib, size)
        self._order(size_mib, size)
        if image is not None:
            self._taken.add(image)
            self._share()
        return image

    def forget(self, image: Image) -> None:
        """Give no share any more to an image that is about to be closed."""
        self._taken.discard(image)

    def drop(self, image: Image) -> None:
        """Let go, in the background, of an image that nobody came to use."""
        self.forget(image)
        _ = self._tasks.create_task(asyncio.to_thread(image.close))

    async def try_one(self) -> None:
        """Find out whether images can be had here."""
        reason = "images need root, not in a user namespace, and a directory on a disk"
        if self._directory is not None:
            try:
                reason = images.obstacle(self._directory)
                if not reason:
                    size = self._sizes[USUAL_MIB] = _Size()
                    size.ready.append(await self._made(USUAL_MIB, size, self._directory))
            except OSError as error:
                reason = error.strerror or str(error)
        if not self.ready.done():
            self.ready.set_result(reason)
        if not reason:
            self._order(USUAL_MIB, self._sizes[USUAL_MIB])

    async def watch(self) -> None:
        """Keep the shares right for as long as this runs."""
        while True:
            await asyncio.sleep(SHARE_S)
            self._share()

    async def close(self) -> None:
        """Let go of what is ready. What is taken is its takers'."""
        self._closed = True
        if not self.ready.done():
            self.ready.set_result("Lambent ends")
        for size in list(self._sizes.values()):
            while size.give(None):
                pass
            await self._empty(size)

    async def _wait(self, size_mib: int, size: _Size) -> Image | None:
        """Return an image that is made now. None: it could not be made, or not in time."""
        if self._closed:
            return None
        caller: asyncio.Future[Image | None] = asyncio.get_running_loop().create_future()
        size.callers.append(caller)
        self._order(size_mib, size)
        try:
            _ = await asyncio.wait((caller,), timeout=TAKE_S)
        except asyncio.CancelledError:
            if caller.done() and (image := caller.result()) is not None and not self._keep(size_mib, size, image):
                self.drop(image)
            raise
        finally:
            _ = caller.cancel()
        if caller.cancelled():
            log.warning("tmp.in_memory", size_mib=size_mib, reason=f"no image was made within {TAKE_S:g} s")
            return None
        return caller.result()

    def _order(self, size_mib: int, size: _Size) -> None:
        """Have made what is missing of a size."""
        while not self._closed and size.short_of > 0:
            size.under_way += 1
            _ = self._tasks.create_task(self._make(size_mib, size))

    async def _make(self, size_mib: int, size: _Size) -> None:
        """Make one image of a size, for whoever waits for it, or else to be ready."""
        image: Image | None = None
        try:
            if not size.callers:
                await asyncio.sleep(_REST_S)
            if self._directory is not None and not self._closed:
                image = await self._made(size_mib, size, self._directory)
        except OSError as error:
            log.warning("tmp.in_memory", size_mib=size_mib, reason=error.strerror or str(error))
        finally:
            size.under_way -= 1
        if image is None:
            _ = size.give(None)
        elif not self._keep(size_mib, size, image):
            await asyncio.to_thread(image.close)
        if not self._closed:
            await self._give_up()

    def _keep(self, size_mib: int, size: _Size, image: Image) -> bool:
        """Give an image to whoever waits for one, or hold it ready; False if it is of no use any more."""
        if size.give(image):
            return True
        if self._closed or self._sizes.get(size_mib) is not size or len(size.ready) >= AHEAD:
            return False
        size.ready.append(image)
        return True

    async def _give_up(self) -> None:
        """Hold nothing ready any more of sizes that are one too many. One for which somebody waits is not."""
        unused = [size_mib for size_mib, size in self._sizes.items() if not size.in_use]
        for size in [self._sizes.pop(size_mib) for size_mib in unused[: max(0, len(self._sizes) - SIZES)]]:
            await self._empty(size)

    @staticmethod
    async def _made(size_mib: int, size: _Size, directory: Path) -> Image:
        async with size.blanking:
            if size.blank is None:
                size.blank = await asyncio.to_thread(images.blank, size_mib, directory)
        return await asyncio.to_thread(images.make, size.blank, directory)

    @staticmethod
    async def _empty(size: _Size) -> None:
        while size.ready:
            await asyncio.to_thread(size.ready.popleft().close)

    def _share(self) -> None:
        """Give each image that is taken what it may still grow by. One that is new has nothing until that has worked."""
        try:
            self._give_shares()
        except OSError as error:
            log.warning("tmp.shares_not_set", reason=error.strerror or str(error))

    def _give_shares(self) -> None:
        room = self._room_bytes()
        if sum(images.room_bytes(image.size_mib) for image in self._taken) <= room:
            for image in self._taken:
                image.allow(images.room_bytes(image.size_mib))
            return
        wishes: dict[Image, int] = {}
        for image in self._taken:
            used = image.used_bytes()
            room -= max(0, used - image.written_bytes())
            wishes[image] = max(0, images.room_bytes(image.size_mib) - used)
        level = equal_share(list(wishes.values()), max(0, room))
        for image, wish in wishes.items():
            image.allow(min(wish, level))


def equal_share(wishes: list[int], room: int) -> int:
    """Return the most that anybody gets, so that those who wish for less have their wish, and all together have the room."""
    left = sorted(wishes)
    for number, wish in enumerate(left):
        share = room // (len(left) - number)
        if wish > share:
            return share
        room -= wish
    return max(wishes, default=0)


@asynccontextmanager
async def opened(directory: Path | None, room_bytes: Callable[[], int]) -> AsyncGenerator[Tmps]:
    """The images of one Lambent; leaving the block lets go of those that nobody has taken."""
    async with asyncio.TaskGroup() as tasks:
        tmps = Tmps(directory, room_bytes, tasks)
        first = tasks.create_task(tmps.try_one())
        watching = tasks.create_task(tmps.watch())
        try:
            yield tmps
        finally:
            watching.cancel()
            await first
            await tmps.close()
