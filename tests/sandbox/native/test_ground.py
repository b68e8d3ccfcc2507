"""What a sandbox stands on is given back once, whatever comes late."""

from __future__ import annotations

import asyncio
import os

import pytest

from lambent.sandbox.native.ground import Ground


async def test_a_tmp_that_comes_after_the_ground_is_cleared_is_closed_and_nothing_else() -> None:
    users: list[int] = []
    ground = Ground(1000, None, users.append, lambda _: None)
    ground.hold_tmp(held := os.open("/", os.O_PATH))
    cleared = asyncio.Event()
    ground.clear(cleared.set)
    await cleared.wait()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
    somebody_else, late = os.open("/", os.O_PATH), os.open("/", os.O_PATH)
    assert somebody_else == held, "the number is free, and another's now"
    ground.hold_tmp(late)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(late)
    os.close(somebody_else)
    assert users == [1000]
