"""A real disk that is filled by deployments: they stop at its reserve, and what is deleted makes room again."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from lambent.config import Config
from tests.lambda_.conftest import lambent
from tests.lambda_.zips import archived, entry
from tests.small_disk import fill, small_disk

DISK_MIB = 200
PACKAGE_BYTES = 15_000_000  # twice, with what it unpacks to


def noise() -> bytes:
    return archived([(entry("noise"), os.urandom(PACKAGE_BYTES))], zipfile.ZIP_STORED)


async def test_deployments_stop_at_the_reserve_and_go_on_after_deletes(tmp_path: Path):
    with small_disk(tmp_path / "disk", DISK_MIB) as disk:
        config = Config(data=disk / "data", port=0, sandbox="process", waiting_pool_size=0, update_least_s=0)
        async with lambent(config) as aws:
            made = 0
            while made < DISK_MIB:
                try:
                    await aws.create(f"f{made}", noise())
                except aws.awslambda.exceptions.CodeStorageExceededException as refusal:
                    assert "reserve" in str(refusal)
                    break
                made += 1
            assert 3 <= made <= DISK_MIB * (1 << 20) // (2 * PACKAGE_BYTES)
            facts = os.statvfs(disk)
            assert facts.f_bavail * facts.f_frsize >= DISK_MIB * (1 << 20) // 20  # the reserve
            filler = fill(disk)  # as another program may: deleting works all the same
            for number in range(made):
                await aws("delete_function", FunctionName=f"f{number}")
            assert list((disk / "data" / "code" / "zips").glob("??/*")) == []
            filler.unlink()
            for number in range(3):  # graves are given up for it
                await aws.active(f"g{number}", noise())
