"""simplejson with its compiled part, for every Python that functions run on: the server's own has it, the others are fetched.

awslambdaric reads events and writes results with simplejson, whose compiled part is built for one version of Python each. In
pure Python it takes seven times as long: 3 s for 3 MB. pip installs for the Python that it runs on, so the wheels of the
others are fetched once, when Lambent is installed:

    python -m lambent.lambda_.runtimes.speedups

asks pip (its index, its proxies) for the version of simplejson that is installed, for the Pythons that this machine has, and
puts it in `share/lambent` of the environment. Nothing is fetched by a server: a Python without it works, slowly, and the
server's log says so when the first of its functions is made ready.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider
from lambent.lambda_.runtimes.interpreters import Interpreter, Interpreters
from lambent.lambda_.runtimes.share import share

COMMAND: Final = f"{sys.executable} -m lambent.lambda_.runtimes.speedups"
REMEDY: Final = f"`{COMMAND}` fetches it (it needs pip and its index)"
HOME: Final = share()
PACKAGE: Final = "simplejson"
_FETCH_S: Final = 120.0
_PIP: Final = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1")


class Speedups:
    """What there is in `home`, in a directory for each version of simplejson and of Python."""

    def __init__(self, home: Path = HOME, package: Distribution | None = None) -> None:
        self._package: Final = package or distribution(PACKAGE)
        self._home: Final = home / f"{PACKAGE}-{self._package.version}"

    def directory(self, python: str) -> Path | None:
        """Return from where a Python, "3.12", imports simplejson with its compiled part; None: there is none for it."""
        own = Path(str(self._package.locate_file("")))
        return next((place for place in (own, self._place(python)) if _is_compiled(place / PACKAGE, python)), None)

    def fetch(self, pythons: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Fetch what is missing, all at once; yield each Python for which that failed, with pip's reason."""
        missing = [python for python in pythons if self.directory(python) is None]
        self._home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._home) as scratch:
            started = {python: self._pip(python, Path(scratch, python)) for python in missing}
            for python, pip in started.items():
                reason = _end(pip)
                if not reason and _is_compiled(Path(scratch, python, PACKAGE), python):
                    shutil.rmtree(self._place(python), ignore_errors=True)
                    Path(scratch, python).rename(self._place(python))
                else:
                    yield python, reason or "the index has it without its compiled part"

    def _place(self, python: str) -> Path:
        return self._home / f"python{python}"

    def _pip(self, python: str, target: Path) -> subprocess.Popen[str]:
        abi = f"cp{python.replace('.', '')}"
        only = ("--only-binary=:all:", "--no-deps", "--no-compile", "--implementation", "cp", "--abi", abi)
        what = f"{PACKAGE}=={self._package.version}"
        return subprocess.Popen(
            [sys.executable, *_PIP, *only, "--python-version", python, "--target", str(target), what],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )


def _is_compiled(package: Path, python: str) -> bool:
    return any(package.glob(f"_speedups.cpython-{python.replace('.', '')}-*.so"))


def _end(pip: subprocess.Popen[str]) -> str:
    """Wait for it; return why it failed, in its own words, or ""."""
    try:
        _, said = pip.communicate(timeout=_FETCH_S)
    except subprocess.TimeoutExpired:
        pip.kill()
        _ = pip.communicate()
        return f"pip has not ended within {_FETCH_S:.0f} s"
    if pip.returncode == 0:
        return ""
    if "Retrying" in said:
        return "pip cannot reach the package index"
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if not line.startswith("WARNING")]
    return errors[-1] if errors else f"pip failed with exit status {pip.returncode}"


async def pythons_here() -> list[str]:
    """Return the Pythons of this machine that Lambent runs functions on, such as "3.12"."""
    known = Interpreters(os.environ)
    rows = [row for row in CATALOGUE.values() if row.provider is Provider.PYTHON]
    return [row.version for row in rows if isinstance(await known.find(row), Interpreter)]


def main() -> int:
    """Fetch for every Python of this machine; say what could not be fetched, and what that means. Return an exit status."""
    failed = [*Speedups().fetch(asyncio.run(pythons_here()))]
    said = [f"python{python}: no compiled {PACKAGE}: {why}\n" for python, why in failed]
    if failed:
        said.append(f"Functions of these runtimes work, but large events take long. To try again: {COMMAND}\n")
    sys.stderr.writelines(said)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
