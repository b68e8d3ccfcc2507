"""Trees are put on the disk all at once and behind everybody's back; what a power cut could take is not trusted."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from lambent.lambda_.code.trees import UNSYNCED
from tests.lambda_.plane import plane
from tests.lambda_.zips import HELLO, zipped

FILES = 150


async def test_the_number_of_files_does_not_count_in_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (syncs.append(descriptor), fsync(descriptor))[1])
    async with plane(tmp_path, durable=True) as aws:
        await aws.create("one", zipped({"1.py": "1"}))
        one, syncs[:] = len(syncs), []
        await aws.create("many", zipped({f"{number}.py": f"{number}" for number in range(FILES)}))
        assert len(syncs) <= one + 1


async def test_the_note_goes_when_the_tree_is_on_the_disk(tmp_path: Path) -> None:
    async with plane(tmp_path, durable=True) as aws:
        await aws.active()
        while list((tmp_path / "code" / "trees").glob(f"{UNSYNCED}*")):  # the test's timeout ends a wait in vain
            await asyncio.sleep(0.01)


async def test_a_tree_that_a_power_cut_may_have_taken_is_unpacked_again(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active()
        tree = aws.control.code.tree(aws.invoked().code_digest)
    tree.chmod(0o700)
    (tree / "app.py").unlink()
    (tree / "app.py").touch()  # as it is when its data was not written
    (tree.parent / f"{UNSYNCED}{tree.name}").touch()
    async with plane(tmp_path, seed=1) as aws:
        assert aws.trees() == {tree.name}
        assert (tree / "app.py").read_bytes()
        assert not list(tree.parent.glob(f"{UNSYNCED}*"))


async def test_a_tree_whose_zip_is_lost_stays_whatever_its_note_says(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active(content=HELLO)
        tree = aws.control.code.tree(aws.invoked().code_digest)
    shutil.rmtree(tmp_path / "code" / "zips" / tree.name[:2])
    (tree.parent / f"{UNSYNCED}{tree.name}").touch()
    async with plane(tmp_path, seed=1):
        assert (tree / "app.py").read_bytes()
