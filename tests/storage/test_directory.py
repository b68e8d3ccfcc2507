"""The data directory is held by one process, is its owner's alone, and an ephemeral one leaves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent.lambda_.runtimes.interpreters import home_of_interpreters
from lambent.storage.directory import LOCK, default_path, ephemeral, held
from lambent.storage.errors import DataDirectoryBusy, DataDirectoryForeign, DataFileObstructed


def listen_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_the_default_is_under_the_users_data_home():
    assert default_path({"XDG_DATA_HOME": "/data", "HOME": "/home/a"}) == Path("/data/lambent")
    assert default_path({"XDG_DATA_HOME": "relative", "HOME": "/home/a"}) == Path("/home/a/.local/share/lambent")
    assert default_path({"HOME": "/home/a"}) == Path("/home/a/.local/share/lambent")


def test_it_is_made_for_its_owner_alone(tmp_path: Path):
    with held(tmp_path / "a" / "b") as data:
        assert data.path.stat().st_mode & 0o777 == 0o700
        assert data.durable


def test_a_second_holder_is_refused_with_the_pid_of_the_first(tmp_path: Path):
    busy = pytest.raises(DataDirectoryBusy, match=rf"in use by another Lambent \(process {os.getpid()}\)")
    with held(tmp_path / "data"), busy, held(tmp_path / "data"):
        pass
    with held(tmp_path / "data"):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path):
    program = (
        "import sys, time; from pathlib import Path; from lambent.storage.directory import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "data")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DataDirectoryBusy, match=str(holder.pid)), held(tmp_path / "data"):
            pass
        holder.kill()
        holder.wait()
    with held(tmp_path / "data"):
        pass


@pytest.mark.parametrize("name", ["state.db", "logs.db", "state.db-wal", "lambent.lock", "reserve"])
@pytest.mark.parametrize(
    ("make", "kind"), [(os.mkdir, "a directory"), (os.mkfifo, "a named pipe"), (listen_at, "a socket")]
)
def test_what_stands_where_a_file_belongs_is_named(tmp_path: Path, name: str, make: Callable[[Path], None], kind: str):
    with held(tmp_path):
        pass
    (tmp_path / name).unlink(missing_ok=True)
    make(tmp_path / name)
    (tmp_path / LOCK).touch() if name != LOCK else None
    with pytest.raises(DataFileObstructed, match=f"{name} is {kind}, where Lambent keeps a file"), held(tmp_path):
        pass
    assert (tmp_path / name).exists()


def test_a_device_and_a_link_to_a_directory_are_no_files_either(tmp_path: Path):
    (tmp_path / LOCK).touch()
    (tmp_path / "state.db").symlink_to("/dev/null")
    with pytest.raises(DataFileObstructed, match="a device"), held(tmp_path):
        pass
    (tmp_path / "state.db").unlink()
    (tmp_path / "state.db").symlink_to(tmp_path)
    with pytest.raises(DataFileObstructed, match="a directory"), held(tmp_path):
        pass


def test_a_directory_with_other_peoples_files_is_not_touched(tmp_path: Path):
    foreign = tmp_path / "srv"
    foreign.mkdir(mode=0o755)
    (foreign / "precious").write_text("mine")
    with pytest.raises(DataDirectoryForeign, match="it is not empty"), held(foreign):
        pass
    assert foreign.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in foreign.iterdir()] == ["precious"]


def test_interpreters_may_be_there_before_the_first_start(tmp_path: Path):
    """They are where the doctor says that one is to be installed, below the default directory."""
    interpreters = home_of_interpreters({"XDG_DATA_HOME": str(tmp_path)})
    (interpreters / "node24").mkdir(parents=True)
    default = default_path({"XDG_DATA_HOME": str(tmp_path)})
    with held(default):
        assert (interpreters / "node24").is_dir()


def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path: Path):
    with held(tmp_path / "data") as data:
        assert data.secret("a.key", lambda: b"first") == b"first"
        assert data.secret("a.key", lambda: b"second") == b"first"
        assert (data.path / "a.key").stat().st_mode & 0o777 == 0o600
        assert sorted(entry.name for entry in data.path.iterdir()) == ["a.key", "lambent.lock"]


def test_an_ephemeral_directory_is_gone_afterwards_read_only_files_and_all(tmp_path: Path):
    with ephemeral(tmp_path) as data:
        assert not data.durable
        (data.path / "code").mkdir()
        (data.path / "code" / "f").write_text("x")
        (data.path / "code").chmod(0o500)
    assert list(tmp_path.iterdir()) == []


def test_an_ephemeral_directory_is_gone_after_kill_9(tmp_path: Path):
    program = (
        "import sys, time; from pathlib import Path; from lambent.storage.directory import ephemeral\n"
        "with ephemeral(Path(sys.argv[1])) as d: print('held', flush=True); time.sleep(60)"
    )
    # The remover inherits nothing but its own pipe; `alive` here tells when the last process that has it is gone.
    read_end, write_end = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, pass_fds=[write_end]
    ) as holder:
        os.close(write_end)
        assert holder.stdout is not None
        holder.stdout.readline()
        assert len(list(tmp_path.iterdir())) == 1
        holder.kill()
    os.close(read_end)
    for _ in range(500):
        if not list(tmp_path.iterdir()):
            break
        subprocess.run(["sleep", "0.01"], check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["state.db", "elsewhere/state.db"])
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, target: str) -> None:
    with held(tmp_path):
        pass
    (tmp_path / "state.db").symlink_to(target)
    with pytest.raises(DataFileObstructed, match="a link that leads nowhere"), held(tmp_path):
        pass
