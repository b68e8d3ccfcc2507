"""What a Lambent that is started again does by itself."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, HTTPClientError

from tests.system.conftest import deployed, role, started, stopped, zipped

PYTHON = f"python3.{sys.version_info.minor}"


def children(pid: int) -> list[str]:
    """The names of the processes that a process has started, as far as they are still there."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                name, _, rest = (entry / "stat").read_text().partition(" (")[2].rpartition(") ")
            except OSError:
                continue
            if int(rest.split()[1]) == pid:
                found.append(name)
    return found


@pytest.mark.parametrize("sandbox", ["native", "process"])
def test_the_runtimes_of_its_functions_are_started_before_anybody_asks(tmp_path: Path, sandbox: str):
    server = started(tmp_path, "--sandbox", sandbox)
    assert children(server.process.pid) == []
    deployed(server, "f", PYTHON, "app.handler", zipped(app__py="def handler(event, context): return event"))
    assert stopped(server) == 0
    server = started(tmp_path, "--sandbox", sandbox)
    try:
        while not children(server.process.pid):  # the test's timeout ends a wait in vain
            os.sched_yield()
        payload = server.client("lambda").invoke(FunctionName="f", Payload=b"1")["Payload"].read()
        assert payload == b"1"
    finally:
        assert stopped(server) == 0


ECHO = "def handler(event, context): return event"


@pytest.mark.parametrize("moment", ["unpacking", "unpacked"])
def test_a_kill_in_the_middle_of_an_upload_leaves_all_or_nothing_of_it(tmp_path: Path, moment: str):
    """At the moment when the process that unpacks is there, and when it is gone and the rest of the way lies ahead."""
    server = started(tmp_path, "--sandbox", "process")
    client = deployed(server, "kept", PYTHON, "app.handler", zipped(app__py=ECHO))
    files = {f"module_{number}__py": f"N = {number}" for number in range(5000)}
    package, arn = zipped(app__py=ECHO, **files), role(server)

    def upload() -> None:
        with contextlib.suppress(ClientError, HTTPClientError):  # nobody answers any more
            client.create_function(
                FunctionName="cut", Runtime=PYTHON, Handler="app.handler", Role=arn, Code={"ZipFile": package}
            )

    uploading = threading.Thread(target=upload)
    uploading.start()
    while not (unpackers := unpacking(server.process.pid)):
        os.sched_yield()
    if moment == "unpacked":
        while unpacking(server.process.pid):
            os.sched_yield()
    assert stopped(server, signal.SIGKILL) == -signal.SIGKILL
    uploading.join()
    while any(Path(f"/proc/{pid}/exe").exists() for pid in unpackers):
        os.sched_yield()

    server = started(tmp_path, "--sandbox", "process")
    try:
        client = server.client("lambda")
        names = {function["FunctionName"] for function in client.list_functions()["Functions"]}
        assert {"kept"} <= names <= {"kept", "cut"}
        for name in names:
            client.get_waiter("function_active_v2").wait(FunctionName=name)
            assert client.invoke(FunctionName=name, Payload=b"1")["Payload"].read() == b"1"
        trees = [path.name for path in (tmp_path / "code" / "trees").iterdir() if not path.name.startswith(".")]
        assert len(trees) == len(names)
        assert not list((tmp_path / "code" / "zips" / "incoming").iterdir())
        if "cut" not in names:
            deployed(server, "cut", PYTHON, "app.handler", package)
    finally:
        assert stopped(server) == 0


def test_an_update_whose_status_is_held_is_invoked_and_survives_a_kill(tmp_path: Path):
    held = ("--sandbox", "process", "--update-least-s", "60")  # which no test waits for
    server = started(tmp_path, *held)
    client = deployed(server, "f", PYTHON, "app.handler", zipped(app__py="def handler(e, c): return 1"))
    updated = client.update_function_code(FunctionName="f", ZipFile=zipped(app__py="def handler(e, c): return 2"))
    while client.invoke(FunctionName="f")["Payload"].read() != b"2":
        os.sched_yield()
    configuration = client.get_function_configuration(FunctionName="f")
    assert (configuration["LastUpdateStatus"], configuration["RevisionId"]) == ("InProgress", updated["RevisionId"])
    assert stopped(server, signal.SIGKILL) == -signal.SIGKILL
    server = started(tmp_path, "--sandbox", "process")
    try:
        client = server.client("lambda")
        client.get_waiter("function_updated_v2").wait(FunctionName="f")
        assert client.invoke(FunctionName="f")["Payload"].read() == b"2"
    finally:
        assert stopped(server) == 0


def unpacking(pid: int) -> list[str]:
    """The processes of a server that unpack a package."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found: list[str] = []
    for child in children:
        with contextlib.suppress(OSError):
            if b"unpacking_process" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found
