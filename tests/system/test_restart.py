"""What a Lambent that is started again does by itself."""

import os
import sys
from pathlib import Path

import pytest

from tests.system.conftest import deployed, started, stopped, zipped

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
