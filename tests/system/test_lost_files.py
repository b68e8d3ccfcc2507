"""A Lambent whose files are lost, too old or damaged loses nothing more, and names the way back."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.system.conftest import Server, deployed, started, stopped, zipped

PYTHON = f"python3.{sys.version_info.minor}"
ECHO = "def handler(event, context): return event"
NO_SANDBOX = ("--sandbox", "process")


def echo(client: Any, name: str) -> Any:
    return json.loads(client.invoke(FunctionName=name, Payload=b'"hello"')["Payload"].read())


def filled(data: Path) -> None:
    """A function `old`, a copy of the data directory beside it as a backup, and a function `new`; killed."""
    server = started(data, *NO_SANDBOX)
    deployed(server, "old", PYTHON, "app.handler", zipped(app__py=ECHO))
    assert stopped(server) == 0
    shutil.copytree(data, data.with_name("backup"))
    server = started(data, *NO_SANDBOX)
    deployed(server, "new", PYTHON, "app.handler", zipped(app__py=ECHO + "  # new"))
    assert stopped(server, signal.SIGKILL) == -signal.SIGKILL


def lines(server: Server) -> str:
    """Stop it; what it has logged."""
    assert stopped(server) == 0
    assert server.process.stderr is not None
    return server.process.stderr.read()


def remove(data: Path) -> None:
    for file in data.glob("state.db*"):
        file.unlink()


def empty(data: Path) -> None:
    remove(data)
    (data / "state.db").touch()


def restore_yesterdays(data: Path) -> None:
    remove(data)
    shutil.copy(data.with_name("backup") / "state.db", data / "state.db")


def lose_the_wal(data: Path) -> None:
    (data / "state.db-wal").unlink()


@pytest.mark.parametrize("harm", [remove, empty, restore_yesterdays, lose_the_wal])
def test_a_start_with_the_wrong_state_takes_nothing_from_the_right_one(tmp_path: Path, harm: Callable[[Path], None]):
    data = tmp_path / "data"
    filled(data)
    right = {file.name: file.read_bytes() for file in data.glob("state.db*") if file.suffix != ".db-shm"}
    harm(data)
    logged = lines(started(data, *NO_SANDBOX))
    assert "code.not_collected" in logged
    assert "put the right state.db back" in logged
    remove(data)
    for name, content in right.items():
        (data / name).write_bytes(content)
    server = started(data, *NO_SANDBOX)
    client = server.client("lambda")
    assert [echo(client, name) for name in ("old", "new")] == ["hello", "hello"]
    assert "code.not_collected" not in lines(server)


def test_a_lost_package_is_named_and_comes_back_with_an_upload(tmp_path: Path):
    filled(tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "code")
    server = started(tmp_path / "data", *NO_SANDBOX)
    client = server.client("lambda")
    with pytest.raises(ClientError, match="Upload it again") as caught:
        echo(client, "new")
    assert caught.value.response["Error"]["Code"] == "InvalidZipFileException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    client.update_function_code(FunctionName="new", ZipFile=zipped(app__py=ECHO + "  # new"))
    client.get_waiter("function_updated_v2").wait(FunctionName="new")
    assert echo(client, "new") == "hello"
    assert "UpdateFunctionCode" in lines(server)


def refusal(data: Path) -> str:
    """The sentence with which `lambent up` ends."""
    command = [sys.executable, "-m", "lambent", "up", "--port", "0", "--data", str(data), *NO_SANDBOX]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(("name", "at"), [("state.db", 0), ("state.db", 2 * 4096), ("logs.db", 0)])
def test_a_damaged_database_ends_in_a_sentence(tmp_path: Path, name: str, at: int):
    data = tmp_path / "data"
    filled(data)
    assert stopped(started(data, *NO_SANDBOX)) == 0
    with (data / name).open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * 8192)
    code = sorted((data / "code").rglob("*"))
    sentence = refusal(data)
    assert str(data / name) in sentence
    assert "Restore it from a backup" in sentence
    assert sorted((data / "code").rglob("*")) == code


def test_a_lost_lock_file_is_named_with_the_way_back(tmp_path: Path):
    filled(tmp_path / "data")
    lock = tmp_path / "data" / "lambent.lock"
    lock.unlink()
    assert f"touch {lock}" in refusal(tmp_path / "data")
    lock.touch()
    assert stopped(started(tmp_path / "data", *NO_SANDBOX)) == 0


@pytest.mark.parametrize("name", ["root.key", "session.key", "links.key"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 32])
def test_a_damaged_secret_ends_in_a_sentence(tmp_path: Path, name: str, content: bytes):
    assert stopped(started(tmp_path, *NO_SANDBOX)) == 0
    (tmp_path / name).write_bytes(content)
    sentence = refusal(tmp_path)
    assert f"{tmp_path / name} is damaged" in sentence
    assert "remove it, and Lambent makes a new one" in sentence
    (tmp_path / name).unlink()
    assert stopped(started(tmp_path, *NO_SANDBOX)) == 0
