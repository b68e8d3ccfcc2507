"""The functions that are measured: each answers with nothing but what it must."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Skipped

HTTP_LOOP = Path(__file__).with_name("runtime.c")
HOLD_S = 2.0  # longer than a burst may take: no environment may answer twice


class Subject(NamedTuple):
    name: str
    runtime: str
    handler: str
    files: dict[str, bytes]


def python() -> Subject:
    code = b"def handler(event, context):\n    return 1\n"
    return Subject("Python", f"python3.{sys.version_info.minor}", "app.handler", {"app.py": code})


def python_that_holds() -> Subject:
    """Each invocation keeps its environment to itself for HOLD_S."""
    code = f"import time\n\ndef handler(event, context):\n    time.sleep({HOLD_S})\n    return 1\n"
    return python()._replace(files={"app.py": code.encode()})


def node() -> Subject | Skipped:
    if shutil.which("node") is None:
        return Skipped("Node", "no node on this machine")
    version = subprocess.run(["node", "-p", "process.versions.node"], capture_output=True, text=True, check=True).stdout
    code = b"exports.handler = async () => 1"
    return Subject("Node", f"nodejs{version.split('.')[0]}.x", "index.handler", {"index.js": code})


def custom() -> Subject | Skipped:
    """A runtime in C, compiled here."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return Skipped("compiled custom runtime", "no C compiler on this machine")
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "bootstrap"
        subprocess.run([compiler, "-O2", "-static", "-o", binary, HTTP_LOOP], check=True)
        return Subject("compiled custom runtime", "provided.al2023", "none", {"bootstrap": binary.read_bytes()})
