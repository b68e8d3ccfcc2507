"""The disk's room and its reserve."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lambent.storage.disk import Disk

BLOCK_BYTES = 4096
GIB = 1 << 30


def disk_of(size_bytes: int, free_bytes: int) -> Callable[[Path], os.statvfs_result]:
    blocks, free = size_bytes // BLOCK_BYTES, free_bytes // BLOCK_BYTES
    return lambda _: os.statvfs_result((BLOCK_BYTES, BLOCK_BYTES, blocks, free, free, 0, 0, 0, 0, 255))


def test_room_is_what_is_free_above_the_reserve(tmp_path: Path) -> None:
    assert Disk(tmp_path, GIB, disk_of(100 * GIB, 3 * GIB)).room_bytes() == 2 * GIB


def test_there_is_no_room_below_the_reserve(tmp_path: Path) -> None:
    assert Disk(tmp_path, GIB, disk_of(100 * GIB, GIB // 2)).room_bytes() == 0


def test_the_reserve_is_at_most_a_twentieth_of_a_small_disk(tmp_path: Path) -> None:
    assert Disk(tmp_path, GIB, disk_of(2 * GIB, GIB)).reserve_bytes == 2 * GIB // 20


def test_a_real_disk_has_at_most_its_free_bytes(tmp_path: Path) -> None:
    assert 0 <= Disk(tmp_path, 0).room_bytes() <= os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
