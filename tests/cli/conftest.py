"""The command line as its users have it: a real `lambent up`, and every command a process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.system.conftest import Server, started, stopped

LAMBENT = [sys.executable, "-m", "lambent"]
EXAMPLES = Path(__file__).parents[2] / "examples"
GUARD_S = 90  # only against hanging


class Shell:
    """Where a person types: the exports of `lambent env`, and no other AWS settings."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | dict(variables)

    def run(self, *words: str, stdin: str = "", prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, *LAMBENT, *words],
            input=stdin,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=GUARD_S,
            check=False,
        )

    def does(self, *words: str, stdin: str = "") -> str:
        """What a command that succeeds prints."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def cannot(self, *words: str, status: int = 1, stdin: str = "", prefix: tuple[str, ...] = ()) -> str:
        """What a command that fails says of it: one message, and no trace."""
        done = self.run(*words, stdin=stdin, prefix=prefix)
        assert done.returncode == status, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = started(tmp_path_factory.mktemp("data"))
    yield running
    assert stopped(running) == 0


@pytest.fixture
def shell(server: Server) -> Shell:
    return Shell(server.keys | {"AWS_ENDPOINT_URL": server.endpoint})


@pytest.fixture
def nowhere(tmp_path: Path) -> Shell:
    """A shell on a machine where Lambent has never run."""
    return Shell({"XDG_DATA_HOME": str(tmp_path / "share")})


def folder(path: Path, **files: str) -> str:
    """A folder with files; a double underscore in a name is a dot."""
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)
    return str(path)
