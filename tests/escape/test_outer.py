"""Runs the attacks of `outer/` in a child that is in a pid, mount, ipc and uts namespace of its own, and dies with this."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.escape.outer.conftest import HOST_NAMESPACE

OUTER = Path(__file__).parent / "outer"
REPOSITORY = Path(__file__).parents[2]
LONGEST_S = 300


@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("name", sorted(path.name for path in OUTER.glob("test_*.py")))
def test_what_could_harm_the_machine_fails_too(name: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("the outer namespaces need root")
    if not shutil.which("unshare"):
        pytest.skip("unshare (util-linux) is not installed")
    done = subprocess.run(
        [
            *("unshare", "--pid", "--mount", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"),
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(OUTER / name)),
        ],
        env={**os.environ, HOST_NAMESPACE: str(Path("/proc/self/ns/pid").readlink())},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
