"""Which modules of a function AWS's runtime hides, counted in a process like AWS's: a plain interpreter and awslambdaric."""

import json
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from lambent.lambda_.runtimes.interpreters import Interpreter

# AWS's runtime_client is compiled and imports nothing, and so is this one.
_PROCESS: Final = """
import sys, types
sys.path.append(sys.argv[1])
client = sys.modules["runtime_client"] = types.ModuleType("runtime_client")
client.initialize_client = lambda user_agent: None
import json, logging, os, site, sys, time, traceback, warnings
import awslambdaric.__main__
imported = sorted(sys.modules)
from importlib.machinery import FrozenImporter
names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_") and name not in sys.builtin_module_names)
frozen = [name for name in names if FrozenImporter.find_spec(name) is not None]
print(json.dumps([names, imported, frozen]))
"""
# These do something when they are imported, or (distutils) are setuptools' where an interpreter has that.
_LEFT_OUT: Final = ("antigravity", "this", "distutils")


def own_modules(interpreter: Interpreter | None) -> list[str]:
    """Names of all modules of the standard library that can be files."""
    return _counted(interpreter)[0]


def hidden(interpreter: Interpreter | None) -> set[str]:
    """Those that a file cannot replace: AWS's client has imported them, or the interpreter has them in itself."""
    names, imported, frozen = _counted(interpreter)
    return {name for name in names if name in frozen or name in imported}


def _counted(interpreter: Interpreter | None) -> tuple[list[str], list[str], list[str]]:
    assert interpreter is not None
    packages = Path(str(distribution("awslambdaric").locate_file("")))
    command = [interpreter.executable, "-I", "-S", "-c", _PROCESS, packages]
    names, imported, frozen = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return [name for name in names if name not in _LEFT_OUT], imported, frozen
