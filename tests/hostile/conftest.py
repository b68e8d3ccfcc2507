"""A Lambent for each file of attacks, so that what one attack leaves behind is seen by the next and no other file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.arena import Arena
from tests.system.conftest import started, stopped


@pytest.fixture(scope="module")
def flags() -> tuple[str, ...]:
    """Flags for `lambent up`; a file that needs others defines this fixture again."""
    return ()


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory, flags: tuple[str, ...]) -> Iterator[Arena]:
    """A running Lambent whose functions are hostile, and one function, `bystander`, that is not."""
    data = tmp_path_factory.mktemp("data")
    server = started(data, "--sandbox", "native", *flags)
    arena = Arena(server, data)
    arena.deploy("bystander", "def handler(event, context): return event", memory_mib=1769)
    yield arena
    assert stopped(server) == 0
