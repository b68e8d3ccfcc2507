"""What could be deployed and could not run is refused before it is uploaded: a missing file, a bit that is not set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from lambent.cli.errors import Failed
from lambent.lambda_.runtimes.catalogue import Provider

MODULES: Final = {
    Provider.PYTHON: (".py", "/__init__.py", ".pyc", ".so"),
    Provider.NODE: (".js", ".mjs", ".cjs"),
}


class Manifest(msgspec.Struct):
    """What is read of a package.json."""

    dependencies: dict[str, str] = {}


def check(directories: Sequence[Path], provider: Provider, handler: str) -> None:
    """Look at the folders of a package, the function's own last. Raises Failed."""
    own = directories[-1]
    if provider is Provider.PACKAGE:
        check_bootstrap(own / "bootstrap")
    elif provider in MODULES:
        check_handler(directories, provider, handler)
    if provider is Provider.NODE:
        check_manifest(own / "package.json")


def check_bootstrap(bootstrap: Path) -> None:
    if not bootstrap.is_file():
        raise Failed(f"{bootstrap.parent} has no file bootstrap, which a runtime of the package's own begins with")
    if not os.access(bootstrap, os.X_OK):
        raise Failed(f"{bootstrap} is not executable; chmod +x {bootstrap}")


def check_handler(directories: Sequence[Path], provider: Provider, handler: str) -> None:
    module, dot, name = handler.rpartition(".")
    if not dot or not name or not module:
        raise Failed(f"the handler {handler} is not FILE.FUNCTION; give --handler")
    path = module.replace(".", "/") if provider is Provider.PYTHON else module
    endings = MODULES[provider]
    there = any(Path(f"{directory / path}{ending}").is_file() for directory in directories for ending in endings)
    compiled = provider is Provider.PYTHON and any(file for d in directories for file in d.glob(f"{path}.*.so"))
    if not there and not compiled:
        wanted = " or ".join(f"{path}{ending}" for ending in endings[: 2 if provider is Provider.PYTHON else None])
        raise Failed(f"the handler {handler} needs {wanted}, and {directories[-1]} has none; give --handler")


def check_manifest(manifest: Path) -> None:
    if not manifest.is_file() or (manifest.parent / "node_modules").exists():
        return
    try:
        dependencies = msgspec.json.decode(manifest.read_bytes(), type=Manifest).dependencies
    except msgspec.DecodeError as error:
        raise Failed(f"{manifest} is not what npm takes: {error}") from None
    if dependencies:
        raise Failed(f"{manifest} has dependencies and there is no node_modules; run npm install there first")
