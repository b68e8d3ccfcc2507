"""The same suite for a user without privileges, whose sandboxes are made in user namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import lambent

NOBODY: Final = 65534
REPOSITORY: Final = Path(__file__).parents[2]
DIRECTORIES_OF_AN_INTERPRETER: Final = ("/usr/bin", "/usr/local/bin")
LONGEST_S: Final = 600
# setpriv still has root's capabilities when it looks the interpreter up; the interpreter has not, when it starts another.
CAN_RUN_ITSELF: Final = "import sys, subprocess, msgspec, pytest; subprocess.check_call([sys.executable, '-c', ''])"


def usable_by_nobody() -> str:
    """An interpreter of this version that another user may execute; skips where there is none, or no way to be that user."""
    if os.geteuid() != 0:
        pytest.skip("the suite runs without privileges already")
    if not shutil.which("setpriv"):
        pytest.skip("setpriv (util-linux) is not installed")
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, *(f"{directory}/{name}" for directory in DIRECTORIES_OF_AN_INTERPRETER)]
    for candidate in candidates:
        done = as_nobody(candidate, "-c", CAN_RUN_ITSELF)
        if done.returncode == 0:
            return candidate
    pytest.skip(f"no {name} that an unprivileged user may execute (looked for {', '.join(candidates)})")


def as_nobody(*argv: str, temporary: str = "/tmp") -> subprocess.CompletedProcess[str]:
    import_path = [str(REPOSITORY), str(Path(lambent.__file__).parents[1]), *filter(None, sys.path)]
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", *argv],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in import_path if "pyenv" not in path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": temporary,
            "HOME": temporary,
        },
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


@pytest.mark.timeout(LONGEST_S)
def test_a_user_without_privileges_gets_the_same_contract() -> None:
    interpreter = usable_by_nobody()
    temporary = Path("/tmp") / f"lambent-nobody-{os.getpid()}"  # pytest's own directory is closed to others
    temporary.mkdir(mode=0o700)
    os.chown(temporary, NOBODY, NOBODY)
    try:
        done = as_nobody(
            interpreter,
            *("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", f"--basetemp={temporary}/pytest"),
            *("--deselect", str(Path(__file__).relative_to(REPOSITORY)), "-k", "native", "tests/contract"),
            temporary=str(temporary),
        )
    finally:
        shutil.rmtree(temporary)
    print(done.stdout[-8000:])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
