"""Images for /tmp: whatever sizes are asked for at once, each caller has his, and no more are held ready than should be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest

from lambent.sandbox.native import images, tmps
from lambent.sandbox.native.images import Image
from lambent.sandbox.native.tmps import AHEAD, SIZES, Tmps

GUARD_S: Final = 60.0
ROOM: Final = 1 << 40


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[Tmps]:
    if why := images.obstacle(tmp_path):
        pytest.skip(why)
    async with tmps.opened(tmp_path, lambda: ROOM) as store:
        assert not await store.why_in_memory()
        yield store


async def taken(store: Tmps, sizes_mib: list[int]) -> list[Image]:
    async with asyncio.timeout(GUARD_S):
        found = await asyncio.gather(*map(store.take, sizes_mib))
    had = [image for image in found if image is not None]
    for image in had:
        store.drop(image)
    return had


@pytest.mark.parametrize("number", [SIZES, SIZES + 4, 3 * SIZES])
async def test_more_sizes_at_once_than_are_made_ahead_are_all_had(store: Tmps, number: int) -> None:
    sizes = list(range(600, 600 + number))
    assert sorted(image.size_mib for image in await taken(store, sizes)) == sizes


async def test_sizes_asked_for_in_turn_by_many_callers_are_all_had(store: Tmps) -> None:
    sizes = [600 + number % (2 * SIZES) for number in range(4 * SIZES)]
    assert sorted(image.size_mib for image in await taken(store, sizes)) == sorted(sizes)
    assert sorted(image.size_mib for image in await taken(store, sizes[::-1])) == sorted(sizes)


async def test_a_caller_who_gives_up_leaves_no_image_behind(store: Tmps, tmp_path: Path) -> None:
    for _ in range(3):
        callers = [asyncio.ensure_future(store.take(600 + number)) for number in range(4) for _ in range(4)]
        await asyncio.sleep(0)
        for caller in callers:
            _ = caller.cancel()
        gone = await asyncio.gather(*callers, return_exceptions=True)
        assert all(isinstance(answer, asyncio.CancelledError) for answer in gone)
    assert len(await taken(store, [600, 601, 602, 603])) == 4
    await store.close()
    await asyncio.sleep(0)
    assert not list(tmp_path.iterdir())


async def test_callers_who_gave_up_do_not_add_to_what_is_held_ready(
    store: Tmps, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Image] = []
    close = Image.close

    def counted(image: Image) -> None:
        closed.append(image)
        close(image)

    monkeypatch.setattr(Image, "close", counted)
    callers = [asyncio.ensure_future(store.take(600)) for _ in range(10)]
    await asyncio.sleep(0)
    for caller in callers:
        _ = caller.cancel()
    while len(closed) < len(callers):
        await asyncio.sleep(0.01)
    assert len(closed) == len(callers), f"of {len(callers) + AHEAD} that were made, {AHEAD} are ready"


async def test_when_none_is_made_in_time_tmp_is_memory(store: Tmps, monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()

    async def hang(*_: Any) -> Image:
        await asyncio.shield(never.wait())
        raise OSError(110, "Connection timed out")

    monkeypatch.setattr(tmps, "TAKE_S", 0.0)
    monkeypatch.setattr(Tmps, "_made", hang)
    assert await store.take(600) is None
    never.set()


async def test_when_none_can_be_made_each_caller_has_memory(store: Tmps, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Image:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(images, "make", fail)
    async with asyncio.timeout(GUARD_S):
        assert await asyncio.gather(*(store.take(600) for _ in range(8))) == [None] * 8


async def test_who_waits_when_lambent_ends_is_answered(store: Tmps) -> None:
    callers = [asyncio.ensure_future(store.take(600 + number)) for number in range(2 * SIZES)]
    await asyncio.sleep(0)
    await store.close()
    async with asyncio.timeout(GUARD_S):
        for image in await asyncio.gather(*callers):
            if image is not None:
                image.close()
        assert await store.take(600) is None
