"""The cloud of a test, with access enforced, or open where days pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.services.cloud import Cloud, cloud


@pytest.fixture
async def aws() -> AsyncIterator[Cloud]:
    async with cloud() as running:
        yield running


@pytest.fixture
async def open_aws() -> AsyncIterator[Cloud]:
    async with cloud("open") as running:
        yield running
