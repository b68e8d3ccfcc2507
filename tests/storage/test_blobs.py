"""Blobs are named by their content, whole or not there."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from lambent.storage.blobs import Blobs


async def test_what_is_put_is_found_under_its_sha256(tmp_path: Path):
    blobs = Blobs(tmp_path / "blobs")
    digest = await blobs.put(b"hello")
    assert digest == hashlib.sha256(b"hello").hexdigest()
    with blobs.open(digest) as file:
        assert file.read() == b"hello"
    assert digest in blobs
    assert list(blobs.digests()) == [digest]
    assert blobs.path(digest).stat().st_mode & 0o777 == 0o400


async def test_a_file_is_put_as_its_bytes_are(tmp_path: Path):
    content = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(content)
    blobs = Blobs(tmp_path / "blobs", durable=False)
    assert await blobs.put(tmp_path / "file") == await blobs.put(content) == await blobs.put(memoryview(content))
    assert (tmp_path / "file").exists()


async def test_the_same_content_put_many_times_at_once_is_one_blob(tmp_path: Path):
    blobs = Blobs(tmp_path / "blobs")
    digests = await asyncio.gather(*(blobs.put(b"same" * 100_000) for _ in range(16)))
    assert len(set(digests)) == 1
    assert len(list(blobs.digests())) == 1
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


async def test_a_put_that_fails_leaves_nothing(tmp_path: Path):
    blobs = Blobs(tmp_path / "blobs")
    with pytest.raises(FileNotFoundError):
        await blobs.put(tmp_path / "missing")
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


def test_what_a_crash_left_half_written_is_removed_at_the_next_start(tmp_path: Path):
    Blobs(tmp_path / "blobs")
    (tmp_path / "blobs" / "incoming" / "half").write_bytes(b"ha")
    Blobs(tmp_path / "blobs")
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


async def test_a_deleted_blob_is_gone_and_deleting_it_again_is_fine(tmp_path: Path):
    blobs = Blobs(tmp_path / "blobs")
    digest = await blobs.put(b"x")
    blobs.delete(digest)
    blobs.delete(digest)
    assert digest not in blobs


@pytest.mark.parametrize("digest", ["", "abc", "../../etc/passwd", "A" * 64, "0" * 63 + "\n"])
def test_only_digests_name_blobs(digest: str, tmp_path: Path):
    with pytest.raises(ValueError, match="not a sha256"):
        Blobs(tmp_path / "blobs").path(digest)
