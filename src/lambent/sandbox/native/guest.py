"""The process in which foreign code will run, from its fork until it is that code. It is locked down already.

It waits for its assignment, one line of JSON on descriptor 3, and becomes what the template says: a function of the forked
interpreter, or another program. A template that boots executes its program first, which then reads the line itself.
Exit codes of its own are the shell's: 126 cannot be executed, 127 does not exist; the reason is the last line of its output.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from lambent.sandbox.native import channel, lockdown
from lambent.sandbox.native.init import ASSIGNMENT

_CHUNK: Final = 65536
_CANNOT_EXECUTE: Final = 126
_NOT_FOUND: Final = 127

Entry = Callable[[], object]
Rehearse = Callable[[bool], object]


def run(boot: Sequence[str], entry: Entry | None, rehearse: Rehearse | None, ours: Sequence[str]) -> NoReturn:
    """Become the guest. `boot` is executed at once; otherwise wait for the assignment. `ours` are modules to hide.

    What can be done before the assignment is done before it: what is written to now is this process's own then.
    """
    if boot:
        _execute(boot, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"})
    kept = _hidden(ours)
    if rehearse is not None:
        _ = rehearse(True)
    assignment: dict[str, Any] = json.loads(_line())
    os.close(ASSIGNMENT)
    lockdown.limit(assignment["limits"])
    os.chdir(assignment["cwd"])
    if entry is None or assignment["fresh"]:
        _execute(assignment["argv"], assignment["environment"])
    _call(entry, assignment["environment"])
    del kept


def _line() -> bytes:
    data = b""
    while not data.endswith(channel.LINE_END):
        more = os.read(ASSIGNMENT, _CHUNK)
        if not more:
            os._exit(0)  # never assigned
        data += more
    return data


def _execute(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):  # as Python leaves them they would be inherited
        _ = signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(argv[0], list(argv), dict(environment))
    except OSError as error:
        _ = os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_EXECUTE)


def _hidden(ours: Sequence[str]) -> list[types.ModuleType]:
    """Leave nothing of ours that a guest's modules could collide with. What is returned must be kept.

    Freed, it would be written to, all its pages.
    """
    kept = [sys.modules.pop(name) for name in ours]
    kept.append(sys.modules["__main__"])
    sys.modules["__main__"] = types.ModuleType("__main__")
    return kept


def _call(entry: Entry, environment: Mapping[str, str]) -> NoReturn:
    """Call into the preloaded modules, and end as an interpreter ends."""
    os.environ.update(environment)  # it was empty
    sys.dont_write_bytecode = False
    gc.enable()
    code = 0
    try:
        _ = entry()
    except SystemExit as request:
        code = _code_of(request)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        code = 1
    # What an interpreter does at its end, which has no public name: wait for the threads, call what was registered.
    if (threading := sys.modules.get("threading")) is not None:
        threading._shutdown()
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


def _code_of(request: SystemExit) -> int:
    if request.code is None:
        return 0
    if isinstance(request.code, int):
        return request.code & 0xFF
    _ = sys.stderr.write(f"{request.code}\n")
    return 1
