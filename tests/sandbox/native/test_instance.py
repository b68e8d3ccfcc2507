"""The trees of control groups that a dead Lambent left are removed, and those of a living one are not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lambent.sandbox.native.hierarchies import discover
from lambent.sandbox.native.instance import PREFIX, remove_dead

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make control groups here")


@pytest.fixture
def directory() -> Path:
    directories = discover().directories
    if not directories:
        pytest.skip("this machine has no control groups")
    return directories[0]


def test_a_tree_that_is_not_locked_yet_is_left_to_the_process_that_has_just_made_it(directory: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        tree = directory / f"{PREFIX}{owner.pid}-test"
        tree.mkdir()
        remove_dead([directory])
        assert tree.exists()
        owner.kill()
    remove_dead([directory])
    assert not tree.exists()


@pytest.mark.parametrize("owner", [str(os.getpid()), "nobody"])
def test_a_tree_of_a_process_that_cannot_have_just_made_it_is_removed(directory: Path, owner: str) -> None:
    tree = directory / f"{PREFIX}{owner}-test"
    tree.mkdir()
    remove_dead([directory])
    assert not tree.exists()
