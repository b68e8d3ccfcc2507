"""What a Python execution environment is made of: AWS's client and SDK below /var/runtime, an interpreter at /var/lang.

All of it is the host's, and is to look as AWS's does. So of the interpreter's own packages only those are seen that AWS's
has: what the owner of this machine has installed beside them, a function would find here and not in AWS. And what the
interpreter's files say of where they are says where guests see them: mostly they are in somebody's home.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from lambent.lambda_.runtimes.interpreters import Interpreter
from lambent.lambda_.runtimes.speedups import PACKAGE, Speedups
from lambent.sandbox.contract import Mount

RUNTIME: Final = "/var/runtime"
LANGUAGE: Final = "/var/lang"  # where AWS has the interpreter; PATH begins there
_BOOTSTRAP: Final = Path(__file__).parent / "bootstrap" / "python"
_PROGRAMS: Final = ("bootstrap.py", "lambent_bootstrap.py", "lambent_rehearsal.py", "rehearsed", "runtime_client.py")
# What is importable from /var/runtime: distribution -> its directory or file. The first may come from elsewhere, and where
# nothing is isolated it must be found before the others' directory, which has one, too.
_DISTRIBUTIONS: Final = {
    PACKAGE: "simplejson",
    "awslambdaric": "awslambdaric",
    "snapshot-restore-py": "snapshot_restore_py.py",
    "boto3": "boto3",
    "botocore": "botocore",
    "s3transfer": "s3transfer",
    "jmespath": "jmespath",
    "python-dateutil": "dateutil",
    "urllib3": "urllib3",
    "six": "six.py",
}
_SITE_PACKAGES: Final = ("pip", "pip-*.dist-info", "README.txt")
_SITE_PACKAGES_UNTIL_3_11: Final = (
    "setuptools",
    "setuptools-*.dist-info",
    "pkg_resources",
    "_distutils_hack",
    "distutils-precedence.pth",
)
_PACKAGE_DIRECTORIES: Final = (  # of an interpreter; all but the first are Debian's
    "lib/{python}/site-packages",
    "lib/{python}/dist-packages",
    "lib/python3/dist-packages",
    "local/lib/{python}/dist-packages",
)
# Files in which a Python says where it was installed. (So does its program, which is not text.)
_BUILT: Final = ("_sysconfigdata_*.py", "_sysconfig_vars_*.json", "build-details.json", "config-*/Makefile")
_PREFIXES_OF_ALL: Final = (Path("/usr"), Path("/usr/local"))  # these tell nothing, and stand in other paths, too


def python_mounts(python: str, interpreter: Interpreter) -> Iterator[Mount]:
    """All mounts of the runtime of a Python, "3.12". Reads the metadata of ten packages."""
    for name in _PROGRAMS:
        yield Mount(_BOOTSTRAP / name, f"{RUNTIME}/{name}")
    for name, module in _DISTRIBUTIONS.items():
        yield from _package(name, module, python)
    yield Mount(interpreter.prefix, LANGUAGE)
    yield from _packages_of(interpreter, python)
    yield from _built(interpreter, python)


def _package(name: str, module: str, python: str) -> Iterator[Mount]:
    package = distribution(name)
    own = Path(str(package.locate_file("")))
    directory = (Speedups(package=package).directory(python) or own) if name == PACKAGE else own
    yield Mount(directory / module, f"{RUNTIME}/{module}")
    metadata = f"{name.replace('-', '_')}-{package.version}.dist-info"
    if (directory / metadata).exists():
        yield Mount(directory / metadata, f"{RUNTIME}/{metadata}")


def _packages_of(interpreter: Interpreter, python: str) -> Iterator[Mount]:
    patterns = _SITE_PACKAGES + (_SITE_PACKAGES_UNTIL_3_11 if python in ("3.10", "3.11") else ())
    for place in _PACKAGE_DIRECTORIES:
        name = place.format(python=f"python{python}")
        directory = interpreter.prefix / name
        if directory.is_dir():
            seen = (path.name for pattern in patterns for path in directory.glob(pattern))
            yield Mount(directory, f"{LANGUAGE}/{name}", only=tuple(sorted(seen)))


def _built(interpreter: Interpreter, python: str) -> Iterator[Mount]:
    if interpreter.prefix in _PREFIXES_OF_ALL:
        return
    directory = interpreter.prefix / "lib" / f"python{python}"
    for path in sorted(path for pattern in _BUILT for path in directory.glob(pattern)):
        inside = f"{LANGUAGE}/{path.relative_to(interpreter.prefix)}"
        yield Mount(path, inside, instead=(str(interpreter.prefix), LANGUAGE))
