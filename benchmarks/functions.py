"""The functions that are measured: each answers with nothing but what it must."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HTTP_LOOP = Path(__file__).with_name("runtime.c")


class Subject(NamedTuple):
    name: str
    runtime: str
    handler: str
    files: dict[str, bytes]


def python() -> Subject | str:
    code = b"def handler(event, context):\n    return 1\n"
    return Subject("python", f"python3.{sys.version_info.minor}", "app.handler", {"app.py": code})


def node() -> Subject | str:
    if shutil.which("node") is None:
        return "no node on this machine"
    version = subprocess.run(["node", "-p", "process.versions.node"], capture_output=True, text=True, check=True).stdout
    code = b"exports.handler = async () => 1"
    return Subject("node", f"nodejs{version.split('.')[0]}.x", "index.handler", {"index.js": code})


def custom() -> Subject | str:
    """A runtime in C, compiled here; or why not."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return "no C compiler on this machine"
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "bootstrap"
        subprocess.run([compiler, "-O2", "-static", "-o", binary, HTTP_LOOP], check=True)
        return Subject("custom", "provided.al2023", "none", {"bootstrap": binary.read_bytes()})
