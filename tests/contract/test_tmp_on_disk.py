"""/tmp on disk: a function writes more there than it has memory, gets ENOSPC at its size, and nothing of it is left."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from lambent.sandbox.contract import Limits, Unavailable
from lambent.sandbox.native import images
from lambent.sandbox.native.backend import NativeConfig, native
from lambent.sandbox.native.sandboxes import NativeSandbox
from lambent.sandbox.native.tmps import equal_share
from lambent.storage.disk import Disk
from tests.contract.stage import GUARD_S, WAYS, Puppet, Stage, staged

MIB: Final = 1 << 20
by_every_way = pytest.mark.parametrize("way", WAYS)
FILL: Final = """
import os
file, written = os.open("/tmp/full", os.O_CREAT | os.O_RDWR), 0
try:
    while written < 16 << 30: written += os.write(file, b"x" * (1 << 20))
except OSError as error:
    return [written, error.errno]
finally:
    os.close(file)
"""


def loops() -> set[str]:
    """The loop devices in use whose file has no name."""
    used: set[str] = set()
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if "(deleted)" in file.read_text():
                used.add(file.parts[3])
        except OSError:
            continue
    return used


def on_disk(directory: Path, **config: Any) -> NativeConfig:
    if why := images.obstacle(directory):
        pytest.skip(why)
    return NativeConfig(images=directory, **config)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    why = ""
    try:
        async with native(on_disk(tmp_path)) as backend, staged(backend, tmp_path) as stage:
            if not (why := await backend.why_tmp_in_memory()):
                yield stage
    except Unavailable as unavailable:
        why = str(unavailable)
    if why:  # not within the block, whose group of tasks would make an error of it
        pytest.skip(why)


def image_of(puppet: Puppet) -> images.Image:
    assert isinstance(puppet.sandbox, NativeSandbox)
    assert puppet.sandbox.ground.image is not None
    return puppet.sandbox.ground.image


async def waiting(stage: Stage, way: str, **facts: Any) -> Puppet:
    """A sandbox that waited before it was assigned."""
    sandbox = await stage.backend.assign(
        await stage.backend.prepare(stage.templates[way]), stage.assignment(way, **facts)
    )
    return await stage.keep(sandbox).connected()


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(GUARD_S):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("cold", [Stage.puppet, waiting], ids=["started", "waited"])
async def test_a_small_function_writes_its_whole_tmp_and_reads_it_back(stage: Stage, cold: Any) -> None:
    puppet = await cold(stage, "fork", limits=Limits(memory_mib=128, tmp_mib=512))
    written, number = await puppet.does(FILL)
    assert number == errno.ENOSPC
    assert 512 * MIB <= written <= 516 * MIB
    assert (
        await puppet.does("""
        import os
        file, read = os.open("/tmp/full", os.O_RDONLY), 0
        while piece := os.read(file, 1 << 20):
            assert piece.count(b"x") == len(piece)
            read += len(piece)
        return read
    """)
        == written
    )


@by_every_way
@pytest.mark.parametrize("cold", [Stage.puppet, waiting], ids=["started", "waited"])
async def test_tmp_is_empty_its_own_and_of_its_size(stage: Stage, way: str, cold: Any) -> None:
    puppet = await cold(stage, way, limits=Limits(memory_mib=256, tmp_mib=24))
    kind, total, room, names, mode = await puppet.does("""
        import os
        [kind] = [line.split()[2] for line in list(open("/proc/self/mounts"))[::-1] if line.split()[1] == "/tmp"][:1]
        facts = os.statvfs("/tmp")
        return [kind, facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize, os.listdir("/tmp"),
                os.stat("/tmp").st_mode & 0o7777]
    """)
    assert (kind, names, mode) == ("ext4", [], 0o1777)
    assert 24 * MIB <= room <= 26 * MIB
    assert room <= total <= 36 * MIB
    assert (await puppet.does(FILL))[1] == errno.ENOSPC


async def test_the_largest_size_is_had(stage: Stage) -> None:
    puppet = await stage.puppet("fork", limits=Limits(memory_mib=128, tmp_mib=10240))
    room = await puppet.does("import os; facts = os.statvfs('/tmp'); return facts.f_bavail * facts.f_frsize")
    assert 10240 * MIB <= room <= 10300 * MIB


async def test_what_is_there_is_no_memory_and_its_number_of_files_is_bounded(stage: Stage) -> None:
    puppet = await stage.puppet("fork", limits=Limits(memory_mib=64, tmp_mib=16))
    for _ in range(8):
        await puppet.does("open('/tmp/again', 'wb').write(b'x' * (15 << 20))")
    refused = await puppet.refuses("for number in range(100_000): open(f'/tmp/{number}', 'w').close()")
    assert refused.errno == errno.ENOSPC


@pytest.mark.parametrize("cold", [Stage.puppet, waiting], ids=["started", "waited"])
async def test_a_reset_keeps_it_and_its_bound(stage: Stage, cold: Any) -> None:
    puppet = await cold(stage, "fork", limits=Limits(memory_mib=128, tmp_mib=32))
    for turn in range(3):
        await puppet.does(f"open('/tmp/kept{turn}', 'wb').write(b'x' * (10 << 20))")
        await puppet.sandbox.vacate()
        sandbox = await stage.backend.restart(
            puppet.sandbox, stage.assignment("fork", limits=Limits(memory_mib=128, tmp_mib=32))
        )
        puppet = await stage.keep(sandbox).connected()
        assert len(await puppet.does("import os; return os.listdir('/tmp')")) == turn + 1
    assert (await puppet.does(FILL))[1] == errno.ENOSPC


async def test_neither_device_nor_set_uid_program_is_honoured_there(stage: Stage) -> None:
    puppet = await stage.puppet("fork")
    mounts = await puppet.does("return [line.split() for line in open('/proc/self/mounts')]")
    [options] = [line[3].split(",") for line in mounts if line[1] == "/tmp"]
    assert {"nosuid", "nodev", "rw"} <= set(options)


async def test_what_only_owners_of_a_disk_need_is_refused(stage: Stage) -> None:
    puppet = await stage.puppet("fork")
    answers = await puppet.does("""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        file = os.open("/tmp/file", os.O_CREAT | os.O_RDWR)
        directory = os.open("/tmp", os.O_RDONLY)
        value = ctypes.create_string_buffer(256)
        requests = [0x401C5820, 0x40086602, 0x40086610, 0x40086607, 0x6609, 0xC0185879, 0xC0045877, 0x8004587D, 0x6611]
        answers = []
        for one in (file, directory):
            for request in requests + [1 << 32 | request for request in requests]:
                answers.append([libc.ioctl(one, ctypes.c_ulong(request), value), ctypes.get_errno()])
        for number in (469, 443):  # file_setattr, quotactl_fd
            answers.append([libc.syscall(number, directory, b"", value, 24, 0), ctypes.get_errno()])
        return answers
    """)
    assert {answer for answer, _ in answers} == {-1}
    assert {number for _, number in answers} == {errno.ENOTTY, errno.EPERM, errno.ENOSYS}


async def test_two_sandboxes_have_two_of_them(stage: Stage) -> None:
    one, other = await asyncio.gather(stage.puppet("fork"), waiting(stage, "fork"))
    await one.does("open('/tmp/mine', 'w').write('secret')")
    assert await other.does("import os; return os.listdir('/tmp')") == []


async def test_nothing_of_it_is_left_when_the_sandbox_is_gone(tmp_path: Path) -> None:
    before = loops()
    async with native(on_disk(tmp_path)) as backend, staged(backend, tmp_path) as stage:
        if why := await backend.why_tmp_in_memory():
            pytest.skip(why)
        for way in ("fork", "exec"):
            puppet = await stage.puppet(way, limits=Limits(memory_mib=128, tmp_mib=64))
            await puppet.does(FILL + "\n")
            await puppet.sandbox.kill()
        abandoned = await backend.prepare(stage.templates["fork"])
        await abandoned.kill()
        assert list(tmp_path.glob("*")) == [stage.code]
    await eventually(lambda: loops() <= before)


async def test_what_is_deleted_is_given_back_to_the_disk(stage: Stage) -> None:
    puppet = await stage.puppet("fork", limits=Limits(memory_mib=128, tmp_mib=64))
    image = image_of(puppet)
    await puppet.does("""
        import os
        file = os.open("/tmp/a", os.O_CREAT | os.O_RDWR | os.O_SYNC)
        for _ in range(30): os.write(file, b"x" * (1 << 20))
        os.close(file)
    """)
    assert min(image.used_bytes(), image.written_bytes()) >= 30 * MIB
    await puppet.does("import os; os.unlink('/tmp/a')")
    await eventually(lambda: max(image.used_bytes(), image.written_bytes()) < 2 * MIB)


async def test_what_is_allocated_and_not_written_counts_as_taken(stage: Stage) -> None:
    puppet = await stage.puppet("fork", limits=Limits(memory_mib=128, tmp_mib=64))
    await puppet.does("import os; os.posix_fallocate(os.open('/tmp/a', os.O_CREAT | os.O_RDWR), 0, 30 << 20)")
    image = image_of(puppet)
    assert image.used_bytes() >= 30 * MIB > image.written_bytes()


KILLED: Final = """
import asyncio, pathlib, sys
sys.path.insert(0, {repository!r})
from lambent.sandbox.contract import Limits
from lambent.sandbox.native.backend import NativeConfig, native
from tests.contract.stage import staged
async def main():
    directory = pathlib.Path({directory!r})
    async with native(NativeConfig(images=directory)) as backend, staged(backend, directory) as stage:
        puppet = await stage.puppet("fork", limits=Limits(memory_mib=128, tmp_mib=512))
        await puppet.does("open('/tmp/a', 'wb').write(b'x' * (64 << 20))")
        print("ready", flush=True)
        await asyncio.sleep(1000)
asyncio.run(main())
"""


async def test_kill_9_of_the_server_leaves_neither_file_nor_device(tmp_path: Path) -> None:
    _ = on_disk(tmp_path)
    before = loops()
    source = KILLED.format(repository=str(Path(__file__).parents[2]), directory=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert (await asyncio.to_thread(server.stdout.readline)).strip() == b"ready"
        assert loops() - before
        os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: loops() <= before)
    assert [path.name for path in tmp_path.iterdir()] == ["code"]


@pytest.mark.parametrize(
    ("wishes", "room", "level"),
    [([], 10, 0), ([5, 5], 10, 5), ([1, 9, 9], 11, 5), ([3], 2, 2), ([4, 4, 4, 4], 0, 0), ([2, 2], 100, 2)],
)
def test_shares_are_equal_but_nobody_gets_more_than_he_wishes(wishes: list[int], room: int, level: int) -> None:
    assert equal_share(wishes, room) == level
    assert sum(min(wish, level) for wish in wishes) <= room


async def test_all_together_leave_the_disk_its_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk with 96 MB to give, and three guests who may have 64 MB each."""
    room, taken = 96 * MIB, list[images.Image]()
    monkeypatch.setattr(Disk, "room_bytes", lambda _: room - sum(image.written_bytes() for image in taken))
    limits = Limits(memory_mib=128, tmp_mib=64)
    async with native(on_disk(tmp_path)) as backend, staged(backend, tmp_path) as stage:
        if why := await backend.why_tmp_in_memory():
            pytest.skip(why)
        guests = [await stage.puppet("fork", limits=limits) for _ in range(3)]
        taken += map(image_of, guests)
        for _ in range(3):  # what one does not take, another may have, a moment later
            for guest in guests:
                assert (await guest.does(FILL.replace("/full", "/" + os.urandom(4).hex())))[1] == errno.ENOSPC
            await asyncio.sleep(1.2)
        assert room - 8 * MIB <= sum(image.used_bytes() for image in taken) <= room + MIB
        await guests[0].does("import os; [os.unlink(f'/tmp/{name}') for name in os.listdir('/tmp')]")
        await eventually(lambda: taken[0].written_bytes() < MIB)
        await asyncio.sleep(1.2)
        assert (await guests[1].does(FILL.replace("/full", "/more")))[0] > MIB
        assert sum(image.used_bytes() for image in taken) <= room + MIB
