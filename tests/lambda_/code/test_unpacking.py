"""Large packages are unpacked outside of the server's interpreter, by a process that can do nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.code import unpacking
from lambent.lambda_.code.unpacking import SMALL_ENTRIES, Unpacking, UnpackingFailed
from lambent.lambda_.limits import UNZIPPED_MAX_BYTES
from tests.lambda_.plane import plane
from tests.lambda_.zips import archived, entry, link, zipped

FILES = 3 * SMALL_ENTRIES
MANY = zipped({f"{number % 7}/{number}.py": f"print({number})" for number in range(FILES)})


BAD = {
    "not a zip": b"x" * 100,
    "no entries": archived([]),
    "up": archived([(entry("../up"), b"x")]),
    "absolute": archived([(entry("/up"), b"x")]),
    "below a link": archived([link("a", "../../up"), (entry("a/x"), b"x")]),
    "file and directory": archived([(entry("a"), b"x"), (entry("a/b"), b"y")]),
    "bomb": archived([(entry("a"), bytes(UNZIPPED_MAX_BYTES + 1))]),
    "wrong checksum": archived([(entry("a"), b"hello")], zipfile.ZIP_STORED).replace(b"hello", b"hullo"),
}


async def unpacked(archive: Path, root: Path) -> object:
    """The bytes, or the error's name and sentence; and what lies in the root afterwards."""
    root.mkdir()
    try:
        return await Unpacking().unpack(archive, root, "")
    except AwsError as error:
        return type(error), error.text


async def test_a_large_package_is_not_looked_at_in_the_servers_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the archive was opened here")

    monkeypatch.setattr(zipfile, "ZipFile", never)
    async with plane(tmp_path) as aws:
        created = await aws.create("f", MANY)
        assert created["CodeSize"] == len(MANY)
        tree = aws.control.code.tree(
            aws.control.functions.get(next(aws.control.functions.everything()).arn).latest.code_digest
        )
        assert sum(1 for path in tree.rglob("*.py")) == FILES
        assert {path.stat().st_mode & 0o777 for path in tree.rglob("*.py")} == {0o644}
        assert tree.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", BAD)
async def test_both_ways_refuse_the_same_with_the_same_words(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    archive = tmp_path / "archive"
    archive.write_bytes(BAD[name])
    here = await unpacked(archive, tmp_path / "here")
    monkeypatch.setattr(unpacking, "SMALL_BYTES", 0)
    there = await unpacked(archive, tmp_path / "there")
    assert isinstance(here, tuple)
    assert here == there


async def test_a_package_that_needs_more_than_there_is_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive = tmp_path / "archive"
    archive.write_bytes(MANY)
    for small in (unpacking.SMALL_ENTRIES, 10**6):
        monkeypatch.setattr(unpacking, "SMALL_ENTRIES", small)
        root = tmp_path / f"root-{small}"
        root.mkdir()
        with pytest.raises(OSError, match="No space left"):
            await Unpacking().unpack(archive, root, "", room_bytes=100_000)
        assert list(root.iterdir()) == []


def children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


async def started(archive: Path) -> tuple[asyncio.Task[object], int]:
    """A process that waits for the writer of a fifo, and its pid."""
    os.mkfifo(archive)
    before = children()
    task: asyncio.Task[object] = asyncio.create_task(unpacking.in_process(archive, None, 1))
    while True:
        await asyncio.sleep(0.01)
        for pid in children() - before:
            if limits_are_set(pid):
                return task, pid


def limits_are_set(pid: int) -> bool:
    return any(
        line.startswith("Max open files") and line.split()[3] == "64"
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
    )


async def test_the_process_has_no_rights_and_nothing_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAMBENT_S3_SECRET_ACCESS_KEY", "secret")
    task, pid = await started(tmp_path / "fifo")
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    assert {status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert b"LAMBENT" not in Path(f"/proc/{pid}/environ").read_bytes()
    names = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    assert not any("db" in name or "socket" in name or "key" in name for name in names - {str(tmp_path / "fifo")})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{pid}").exists()  # who is cancelled leaves no process


async def test_a_process_that_dies_is_our_fault_and_no_answer(tmp_path: Path):
    task, pid = await started(tmp_path / "fifo")
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UnpackingFailed, match="status -9"):
        await task


SERVER = """
import asyncio, sys
from pathlib import Path
from lambent.lambda_.code.unpacking import in_process
asyncio.run(in_process(Path(sys.argv[1]), None, 1))
"""


async def test_the_process_dies_with_the_server(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path / "fifo")])
    pids: list[str] = []
    while not (pids and limits_are_set(int(pids[0]))):
        await asyncio.sleep(0.01)
        pids = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    server.kill()
    server.wait()
    while Path(f"/proc/{pids[0]}/exe").exists():  # the test's timeout ends a wait in vain
        await asyncio.sleep(0.01)
