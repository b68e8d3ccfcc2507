"""Code stops at its own bound and at the disk's reserve, graves go first, and deleting always works."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lambent.core.clock import FakeClock
from lambent.lambda_.code.store import GRAVES_S
from lambent.lambda_.limits import AccountLimits
from lambent.storage.disk import Disk
from tests.lambda_.plane import plane, refused
from tests.lambda_.zips import HELLO, OTHER, zipped

MIB = 1 << 20
NOISE = [zipped({"noise": os.urandom(MIB)}) for _ in range(3)]


class SmallDisk:
    """A disk of 100 MiB of which only files of the code store take room."""

    def __init__(self, directory: Path, size_bytes: int = 100 * MIB) -> None:
        self.size_bytes = size_bytes
        self.directory = directory / "code"
        self.others_bytes = 0

    def look(self, _: Path) -> os.statvfs_result:
        used = self.others_bytes
        for path in self.directory.rglob("*"):
            with suppress(FileNotFoundError):  # it is being removed
                used += path.lstat().st_size if path.is_file() else 0
        facts = SimpleNamespace(f_blocks=self.size_bytes, f_frsize=1, f_bavail=max(0, self.size_bytes - used))
        return cast("os.statvfs_result", facts)


def small(directory: Path) -> tuple[SmallDisk, Disk]:
    disk = SmallDisk(directory)
    return disk, Disk(directory, 5 * MIB, disk.look)


async def test_an_upload_stops_at_the_reserve_and_deletes_do_not(tmp_path: Path) -> None:
    fake, disk = small(tmp_path)
    async with plane(tmp_path, disk=disk) as aws:
        await aws.active("f", NOISE[0])
        fake.others_bytes = 92 * MIB
        before = aws.zips(), aws.trees()
        code, sentence = await refused(aws.create("g", NOISE[1]))
        assert code == "CodeStorageExceededException"
        assert "its reserve of 5 MiB" in sentence
        assert (await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=NOISE[1])))[0] == code
        content = {"Content": {"ZipFile": NOISE[2]}}
        assert (await refused(aws("PublishLayerVersion", LayerName="l", **content)))[0] == code
        assert (aws.zips(), aws.trees()) == before
        assert list((tmp_path / "code" / "zips" / "incoming").iterdir()) == []
        await aws("DeleteFunction", FunctionName="f")
        fake.others_bytes = 0
        await aws.active("g", NOISE[1])


async def test_what_a_package_unpacks_to_is_looked_at_before_it_is_unpacked(tmp_path: Path) -> None:
    fake, disk = small(tmp_path)
    async with plane(tmp_path, disk=disk) as aws:
        fake.others_bytes = 60 * MIB
        bomb = zipped({"zeros": bytes(40 * MIB)})
        assert len(bomb) < 100_000
        assert (await refused(aws.create("f", bomb)))[0] == "CodeStorageExceededException"
        assert aws.trees() == set()
        await aws.active("g", HELLO)


async def test_graves_are_given_up_for_an_upload_the_oldest_first(tmp_path: Path) -> None:
    fake, disk = small(tmp_path)
    clock = FakeClock()
    async with plane(tmp_path, disk=disk, clock=clock) as aws:
        for content in NOISE[:2]:
            await aws.active("f", content)
            await aws("DeleteFunction", FunctionName="f")
            clock.advance(10)
        await aws.active("f", HELLO)
        old, young = [grave.digest for grave in aws.control.code.graveyard.graves()]
        while len(aws.trees()) > 1:
            await clock.sleep(0)
        fake.others_bytes = 100 * MIB - 5 * MIB - 2 * MIB - 100_000  # both graves and little else
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        assert aws.graves() <= {old, young}
        assert young in aws.graves() or old not in aws.graves()


async def test_graves_are_given_up_when_others_fill_the_disk(tmp_path: Path) -> None:
    fake, disk = small(tmp_path)
    clock = FakeClock()
    async with plane(tmp_path, disk=disk, clock=clock) as aws:
        await aws.active("f", NOISE[0])
        await aws("DeleteFunction", FunctionName="f")
        fake.others_bytes = 90 * MIB
        while aws.graves():  # the test's timeout ends a wait in vain
            clock.advance(GRAVES_S)
            await clock.sleep(0)


async def test_all_code_together_has_a_bound_unpacked(tmp_path: Path) -> None:
    async with plane(tmp_path, unpacked_limit_bytes=2 * MIB + MIB // 2) as aws:
        await aws.active("a", NOISE[0])
        await aws.active("b", NOISE[1])
        await aws.active("c", NOISE[1])  # the same content is kept once
        code, sentence = await refused(aws.create("d", NOISE[2]))
        assert code == "CodeStorageExceededException"
        assert "unpacked_code_bytes" in sentence
        assert len(aws.trees()) == 2
        await aws("DeleteFunction", FunctionName="a")
        await aws.active("d", NOISE[2])
    async with plane(tmp_path, seed=1, unpacked_limit_bytes=2 * MIB + MIB // 2) as aws:  # it counts from the rows
        assert (await refused(aws.create("e", NOISE[0])))[0] == "CodeStorageExceededException"


async def test_what_was_never_anybodys_has_no_grave(tmp_path: Path) -> None:
    async with plane(tmp_path, limits=AccountLimits(total_code_size_bytes=len(HELLO))) as aws:
        await aws.active("f", HELLO)
        for content in NOISE:
            assert (await refused(aws.create("g", content)))[0] == "CodeStorageExceededException"
        assert aws.graves() == set()
        assert len(aws.zips()) == 1


async def test_a_full_disk_is_told_in_awss_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, disk = small(tmp_path)
    async with plane(tmp_path, disk=disk) as aws:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("lambent.storage.blobs._copied", full)
        assert (await refused(aws.create("f")))[0] == "CodeStorageExceededException"
        assert list((tmp_path / "code" / "zips" / "incoming").iterdir()) == []
