"""A spawner that ends alone takes its own sandboxes with it, and nobody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lambent.sandbox.contract import Mount, Template
from lambent.sandbox.native.backend import NativeBackend
from tests.contract.conftest import chosen
from tests.contract.stage import GUARD_S, staged

pytestmark = pytest.mark.timeout(GUARD_S)


async def test_a_template_that_is_retired_ends_its_sandboxes_and_no_others(tmp_path: Path):
    async with chosen("native") as backend, staged(backend, tmp_path) as stage:
        assert isinstance(backend, NativeBackend)
        stays, goes = await stage.puppet("exec"), await stage.puppet("fork")
        await backend.retire(stage.templates["fork"])
        async with asyncio.timeout(GUARD_S):
            await goes.sandbox.exited()
        assert await stays.does("return 'still here'") == "still here"
        again = await stage.puppet("fork")
        assert await again.does("return 'anew'") == "anew"


async def test_a_template_that_cannot_be_prepared_harms_no_other(tmp_path: Path):
    async with chosen("native") as backend, staged(backend, tmp_path) as stage:
        stays = await stage.puppet("exec")
        with pytest.raises(Exception, match="cannot be prepared"):
            await backend.prepare(Template("bad", (Mount(tmp_path / "absent", "/opt/absent"),)))
        preparing = asyncio.ensure_future(backend.prepare(Template("late")))
        await asyncio.sleep(0)  # it has begun
        preparing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await preparing
        assert await stays.does("return 'still here'") == "still here"
        assert await (await stage.puppet("exec")).does("return 'more'") == "more"
