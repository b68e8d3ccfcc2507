"""What a backend that isolates gives besides: a file system and limits of the sandbox's own."""

from __future__ import annotations

import asyncio
import errno
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambent.sandbox.contract import Exit, Limits, Mount
from lambent.sandbox.native.hierarchies import discover
from tests.contract.stage import GUARD_S, WAYS, Stage

by_every_way = pytest.mark.parametrize("way", WAYS)


@by_every_way
async def test_mounts_are_where_they_were_asked_for_and_read_only(isolated: Stage, way: str, tmp_path: Path) -> None:
    layer, file = tmp_path / "layer", tmp_path / "file"
    layer.mkdir()
    layer.chmod(0o777)
    (layer / "data").write_text("layer")
    (layer / "data").chmod(0o666)
    file.write_text("single")
    mounts = (Mount(layer, "/opt"),)
    puppet = await isolated.puppet(way, mounts=mounts)
    assert isolated.backend.visible(mounts[0]) == "/opt"
    assert await puppet.does("return open('/opt/data').read()") == "layer"
    for target in ("/opt/data", "/opt/new", "/var/task/new", "/var/runtime/new", "/new", "/etc/new", "/usr/new"):
        refused = await puppet.refuses(f"open({target!r}, 'a')")
        assert refused.errno in (errno.EROFS, errno.EACCES), target
    assert not (layer / "new").exists()


async def test_of_a_directory_only_some_names_are_seen_and_a_text_says_another_place(
    isolated: Stage, tmp_path: Path
) -> None:
    language = tmp_path / "language"
    for name in ("packages/pip", "packages/requests"):
        (language / name).mkdir(parents=True)
    (language / "packages" / "pip" / "data").write_text("pip")
    (language / "where").write_text(f"{language}/lib and {language}/bin")
    mounts = (
        Mount(language, "/var/lang"),
        Mount(language / "packages", "/var/lang/packages", only=("pip",)),
        Mount(language / "where", "/var/lang/where", instead=(str(language), "/var/lang")),
    )
    template = isolated.templates["exec"]
    isolated.templates["exec"] = replace(template, name="parts", mounts=(*template.mounts, *mounts))
    puppet = await isolated.puppet("exec")
    assert await puppet.does("import os; return os.listdir('/var/lang/packages')") == ["pip"]
    assert await puppet.does("return open('/var/lang/packages/pip/data').read()") == "pip"
    assert await puppet.does("return open('/var/lang/where').read()") == "/var/lang/lib and /var/lang/bin"
    assert await puppet.does("import os; return os.path.exists('/rewritten')") is False
    for target in ("/var/lang/packages/new", "/var/lang/packages/pip/new", "/var/lang/where"):
        refused = await puppet.refuses(f"open({target!r}, 'a')")
        assert refused.errno in (errno.EROFS, errno.EACCES), target
    assert str(tmp_path) not in await puppet.does("return open('/proc/self/mountinfo').read()")
    assert (language / "where").read_text().startswith(str(language))


@by_every_way
async def test_what_guests_are_forked_from_never_knew_the_machines_name(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way)
    names = await puppet.does(
        "import os, platform, socket; return [os.uname()[1], platform.node(), socket.gethostname()]"
    )
    assert names == ["sandbox"] * 3


@by_every_way
async def test_tmp_is_empty_writable_and_of_the_size_asked_for(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way, limits=Limits(memory_mib=256, tmp_mib=24))
    assert await puppet.does("import os; return os.listdir('/tmp')") == []
    size = await puppet.does("import os; s = os.statvfs('/tmp'); return s.f_frsize * s.f_blocks")
    assert size == 24 << 20
    await puppet.does("open('/tmp/fits', 'wb').write(b'x' * (20 << 20))")
    refused = await puppet.refuses("open('/tmp/more', 'wb').write(b'x' * (8 << 20))")
    assert refused.errno == errno.ENOSPC


@by_every_way
async def test_the_guest_is_nobody_and_can_become_nobody_else(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way)
    status = await puppet.does("return open('/proc/self/status').read()")
    facts = {name: value.split() for name, _, value in (line.partition(":") for line in status.splitlines())}
    assert "0" not in facts["Uid"] + facts["Gid"]
    assert facts["Groups"] == [] or facts["Groups"] == ["65534"]
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(facts[kind][0], 16) == 0, kind
    assert facts["NoNewPrivs"] == ["1"]
    assert facts["Seccomp"] == ["2"]
    for source in ("import os; os.setuid(0)", "import os; os.setgid(0)", "import os; os.setgroups([0])"):
        assert (await puppet.refuses(source)).errno in (errno.EPERM, errno.EINVAL)


@by_every_way
async def test_only_the_sandboxs_own_processes_are_seen(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way)
    pids = await puppet.does("import os; return [int(name) for name in os.listdir('/proc') if name.isdigit()]")
    assert len(pids) <= 3
    assert max(pids) < 10


@by_every_way
async def test_memory_beyond_the_limit_ends_the_guest_and_is_told_apart(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way, limits=Limits(memory_mib=128, tmp_mib=16))
    if await puppet.does("return True") and puppet.sandbox.usage().memory_peak_mib == 0:
        pytest.skip("no cgroup limits memory here")
    puppet.tell("memory['much'] = bytearray(b'x') * (300 << 20)")
    async with asyncio.timeout(GUARD_S):
        ended = await puppet.sandbox.exited()
    assert ended == Exit(code=None, signal=signal.SIGKILL, out_of_memory=True)


@by_every_way
async def test_processes_and_open_files_are_limited(isolated: Stage, way: str) -> None:
    puppet = await isolated.puppet(way, limits=Limits(memory_mib=256, open_files=64))
    refused = await puppet.refuses("import os; memory['files'] = [os.open('/dev/null', 0) for _ in range(100)]")
    assert refused.errno == errno.EMFILE
    forks = await isolated.puppet(way, limits=Limits(memory_mib=256, processes=24))
    made = await forks.does("""
        import os, signal
        made = []
        try:
            for _ in range(40):
                pid = os.fork()
                if pid == 0: signal.pause()
                made.append(pid)
        except BlockingIOError:
            pass
        for pid in made: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
        return len(made)
    """)
    assert made < 40


async def test_what_weighs_little_gets_little_while_processors_are_short(isolated: Stage) -> None:
    spin = """
        import os, time
        before, end = os.times().children_user, time.monotonic() + 1
        for _ in range(os.cpu_count()):
            if os.fork() == 0:
                while time.monotonic() < end: pass
                os._exit(0)
        for _ in range(os.cpu_count()): os.wait()
        return os.times().children_user - before
    """
    limits = Limits(memory_mib=256, tmp_mib=16, cpus=64)
    light, heavy = await isolated.puppet(limits=limits), await isolated.puppet(limits=limits)
    if "cpu" not in discover().controllers or not light.sandbox.memory_peak_mib():
        pytest.skip("no cgroup divides processors here")
    light.sandbox.weigh(1 / 16)
    used_s = await asyncio.gather(light.does(spin), heavy.does(spin))
    assert used_s[0] * 2 < used_s[1], used_s
    light.sandbox.weigh(1.0)
    used_s = await asyncio.gather(light.does(spin), heavy.does(spin))
    assert used_s[1] < used_s[0] * 3, used_s


async def test_two_sandboxes_see_nothing_of_each_others_tmp(isolated: Stage) -> None:
    one, other = await asyncio.gather(isolated.puppet("fork"), isolated.puppet("fork"))
    await one.does("open('/tmp/mine', 'w').write('secret')")
    assert await other.does("import os; return os.listdir('/tmp')") == []
