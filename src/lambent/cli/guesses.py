"""What a folder says of the function in it: its runtime and its handler, by the names that AWS's own tools use.

A guess is only made where one file decides it, and what was guessed is printed; flags override it.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lambent.cli.errors import Failed
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider, Runtime
from lambent.lambda_.runtimes.interpreters import Interpreter, Interpreters

ENTRIES: Final = (
    ("app.py", Provider.PYTHON),
    ("lambda_function.py", Provider.PYTHON),
    ("index.mjs", Provider.NODE),
    ("index.js", Provider.NODE),
    ("bootstrap", Provider.PACKAGE),
)
HANDLERS: Final = ("handler", "lambda_handler")
CUSTOM: Final = "provided.al2023"


def runtime_of(directory: Path) -> str:
    """The runtime of the folder's function: the newest of its language that this machine has. Raises Failed."""
    for name, provider in ENTRIES:
        if (directory / name).is_file():
            return CUSTOM if provider is Provider.PACKAGE else asyncio.run(newest(provider)).id
    names = ", ".join(name for name, _ in ENTRIES)
    raise Failed(f"the folder {directory} has none of {names}; give --runtime and --handler")


def handler_of(directory: Path, runtime: str) -> str:
    """The handler of the folder's function. Raises Failed."""
    row = CATALOGUE.get(runtime)
    for name, provider in ENTRIES:
        file = directory / name
        if not file.is_file() or row is None or row.provider is not provider:
            continue
        match provider:
            case Provider.PYTHON:
                return f"{file.stem}.{python_handler(file)}"
            case Provider.NODE:
                return f"{file.stem}.{node_handler(file)}"
            case _:
                return file.name  # AWS wants one; a runtime of the package's own decides what it means
    raise Failed(f"the handler of a function of {runtime} cannot be guessed from {directory}; give --handler")


def python_handler(file: Path) -> str:
    """The name under which the file defines or imports its handler. Raises Failed."""
    text = file.read_text(errors="replace")
    for name in HANDLERS:
        if re.search(rf"^(?:def\s+|from\s.+\simport\s.*)?\b{name}\b", text, re.MULTILINE):
            return name
    raise Failed(f"{file} defines neither {' nor '.join(HANDLERS)}; give --handler {file.stem}.NAME")


def node_handler(file: Path) -> str:
    """Raises Failed."""
    name = HANDLERS[0]
    if not re.search(rf"\b{name}\b", file.read_text(errors="replace")):
        raise Failed(f"{file} exports no {name}; give --handler {file.stem}.NAME")
    return name


async def newest(provider: Provider) -> Runtime:
    """The runtime that this machine runs: for Python that of Lambent itself, which is surely there. Raises Failed."""
    interpreters = Interpreters(os.environ)
    for row in candidates(provider):
        if isinstance(await interpreters.find(row), Interpreter):
            return row
    language = "Python" if provider is Provider.PYTHON else "Node.js"
    raise Failed(f"this machine has no {language} that Lambent runs functions with; `lambent doctor` tells what it has")


def candidates(provider: Provider) -> Iterator[Runtime]:
    own = CATALOGUE.get(f"python{sys.version_info.major}.{sys.version_info.minor}")
    if provider is Provider.PYTHON and own is not None:
        yield own
    rows = [row for row in CATALOGUE.values() if row.provider is provider]
    yield from sorted(rows, key=lambda row: (not row.preview, version(row)), reverse=True)


def version(row: Runtime) -> tuple[int, ...]:
    return tuple(map(int, row.version.split(".")))
