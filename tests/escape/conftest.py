"""A hostile guest, started in the two ways that differ in what it inherits, and a bystander who must not notice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from lambent.sandbox.contract import Unavailable
from tests.contract.conftest import chosen
from tests.contract.stage import Puppet, Stage, staged


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Stage]:
    monkeypatch.setenv("LAMBENT_SECRET", "the-servers-secret")
    try:
        async with chosen("native") as backend, staged(backend, tmp_path) as stage:
            bystander = await stage.puppet("fork")
            yield stage
            assert await bystander.does("return 6 * 7") == 42, "another sandbox noticed"
            assert await (await stage.puppet("fork")).does("return 6 * 7") == 42, "the backend noticed"
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture(params=["exec", "fork"])
async def guest(stage: Stage, request: pytest.FixtureRequest) -> Puppet:
    return await stage.puppet(request.param)
