"""What Amazon Linux has and programs look for is where they look, in a real sandbox."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from lambent.lambda_.runtimes import systems
from lambent.lambda_.runtimes.catalogue import CATALOGUE
from lambent.sandbox.contract import Unavailable
from tests.contract.conftest import chosen
from tests.contract.stage import Puppet, Stage, staged

RUNTIMES: Final = {"al2": "provided.al2", "al2023": "provided.al2023"}
BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    try:
        async with chosen("native") as backend, staged(backend, tmp_path) as stage:
            yield stage
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))


async def guest_on(stage: Stage, system: str, **facts: Any) -> Puppet:
    runtime = CATALOGUE[RUNTIMES[system]]
    template = stage.templates["exec"]
    mounts = (*template.mounts, *systems.mounts(runtime))
    stage.templates["exec"] = replace(template, name=system, mounts=mounts, base=systems.base(runtime))
    return await stage.puppet("exec", **facts)


@pytest.mark.parametrize(
    ("system", "version", "release"),
    [
        ("al2", "2", "Amazon Linux release 2 (Karoo)"),
        ("al2023", "2023", "Amazon Linux release 2023 (Amazon Linux)"),
    ],
)
async def test_the_system_is_the_runtimes(stage: Stage, system: str, version: str, release: str) -> None:
    guest = await guest_on(stage, system)
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        lines = (await guest.does(f"return open({path!r}).read()")).splitlines()
        assert {'ID="amzn"', 'NAME="Amazon Linux"', f'VERSION_ID="{version}"'} <= set(lines), path
    assert await guest.does("return open('/etc/system-release').read()") == f"{release}\n"
    assert await guest.does("import platform; return platform.freedesktop_os_release()['ID']") == "amzn"


async def test_the_root_has_the_directories_and_files_of_awss(stage: Stage) -> None:
    guest = await guest_on(stage, "al2023")
    names = await guest.does("import os; return os.listdir('/')")
    assert {"lambda-entrypoint.sh", "home", "media", "mnt", "opt", "root", "srv", "sys", "var"} <= set(names)
    described = await guest.does("""
        import os, stat
        def of(path):
            facts = os.stat(path)
            return [stat.filemode(facts.st_mode), facts.st_uid, facts.st_gid]
        return [of("/lambda-entrypoint.sh"), of("/var/task")]
    """)
    owner = [0, 0] if os.geteuid() == 0 else [65534, 65534]
    assert described == [["-rwxr-xr-x", *owner], ["drwxr-xr-x", *owner]]
    refused = await guest.refuses("open('/lambda-entrypoint.sh', 'a')")
    assert refused.kind in ("OSError", "PermissionError")


async def test_the_entrypoint_hands_the_handler_on(stage: Stage) -> None:
    guest = await guest_on(stage, "al2023")
    without = await guest.does("import subprocess; return subprocess.run(['/lambda-entrypoint.sh']).returncode")
    assert without == 142


async def test_names_of_services_and_protocols_are_known(stage: Stage) -> None:
    guest = await guest_on(stage, "al2023")
    known = await guest.does("""
        import socket
        services = [socket.getservbyname(name) for name in ("https", "domain", "postgresql", "mysql", "redis")]
        return [*services, socket.getservbyport(22), socket.getprotobyname("udp"), socket.getprotobyname("ipv6-icmp")]
    """)
    assert known == [443, 53, 5432, 3306, 6379, "ssh", 17, 58]


@pytest.mark.skipif(not BUNDLE.exists(), reason="this host's certificates have Amazon Linux's names already")
async def test_certificates_are_where_amazon_linux_has_them(stage: Stage) -> None:
    guest = await guest_on(stage, "al2023")
    names = (
        "/etc/pki/tls/cert.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    )
    sizes = await guest.does(f"import os; return [os.stat(name).st_size for name in {names}]")
    assert sizes == [BUNDLE.stat().st_size] * len(names)


SCRIPT: Final = """
set -o pipefail
function twice { source /dev/stdin <<< 'echo "$1$1"'; }
list=(a b)
[[ ${list[1]} == b ]] && twice x
"""


@pytest.mark.skipif(not Path("/usr/bin/bash").exists(), reason="there is no bash on this machine")
@pytest.mark.parametrize("system", RUNTIMES)
async def test_sh_is_bash(stage: Stage, system: str) -> None:
    guest = await guest_on(stage, system)
    said = await guest.does(f"""
        import subprocess
        return [subprocess.check_output([sh, "-c", {SCRIPT!r}], text=True) for sh in ("/bin/sh", "/usr/bin/sh")]
    """)
    assert said == ["xx\n", "xx\n"]
    assert (
        await guest.does("import subprocess; return subprocess.getoutput('echo $BASH $POSIXLY_CORRECT')") == "/bin/sh y"
    )


async def test_the_hosts_own_sh_is_what_it_was(stage: Stage) -> None:
    """It is the link that is covered, and not what it leads to."""
    guest = await guest_on(stage, "al2023")
    target = Path("/usr/bin/sh").resolve()
    assert await guest.does(f"import os; return os.stat({str(target)!r}).st_size") == target.stat().st_size


SET: Final = """
    import locale
    try: return [locale.setlocale(locale.LC_ALL, ""), locale.strxfrm("a") < locale.strxfrm("B")]
    except locale.Error: return None
"""
LANG: Final = {"PUPPET_API": "127.0.0.1:9001", "LANG": "en_US.UTF-8"}


@pytest.mark.skipif(not systems.COMPILED.is_dir(), reason="en_US.UTF-8 could not be compiled here (make install)")
async def test_the_locale_of_lang_can_be_set_on_amazon_linux_2(stage: Stage) -> None:
    guest = await guest_on(stage, "al2", environment=LANG)
    assert await guest.does(SET) == ["en_US.UTF-8", True]
    assert await guest.does("import locale; return locale.setlocale(locale.LC_ALL, 'C.UTF-8')") == "C.UTF-8"
    assert (await guest.refuses("import os; os.mkdir('/usr/lib/locale/mine')")).kind in ("OSError", "PermissionError")


def test_what_is_missing_of_it_is_told_with_what_would_change_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(systems, "COMPILED", tmp_path / "none")
    monkeypatch.setattr(systems, "_BASH", tmp_path / "none")
    monkeypatch.setattr(systems, "_LOCALE", "xx_XX.UTF-8")
    gaps = dict(systems.gaps())
    assert "there is no bash" in gaps["sh"]
    assert "localedef -i en_US" in gaps["xx_XX.UTF-8"]


async def test_there_is_no_shared_memory_for_semaphores(stage: Stage) -> None:
    """AWS has no /dev/shm: multiprocessing's Lock, Queue and Pool raise there, and Process and Pipe work."""
    guest = await guest_on(stage, "al2023")
    raised = await guest.does("""
        import multiprocessing
        from multiprocessing.shared_memory import SharedMemory
        def number_of(make):
            try: make()
            except OSError as error: return error.errno
        lots = (multiprocessing.Lock, multiprocessing.Queue, lambda: multiprocessing.Pool(2))
        return [number_of(make) for make in (*lots, lambda: SharedMemory(create=True, size=1))]
    """)
    assert all(number in (2, 38) for number in raised), raised
    piped = await guest.does("""
        import multiprocessing
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        child = context.Process(target=theirs.send, args=("hi",))
        child.start()
        return [ours.recv(), child.join()]
    """)
    assert piped == ["hi", None]
