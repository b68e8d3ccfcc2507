"""Makes a started interpreter a function's, and serves it: what is below every Python execution environment.

Two ways lead here. In a fork server this module is imported before everything else and once, then the rest of the preload;
each sandbox is a fork, locked down, with the function's environment variables set, in which `run` is called and never
returns. Started anew (by a wrapper script, or because variables must be there before the interpreter is), it is called
by the main program, `bootstrap`.

What it does: what awslambdaric derived from the environment at import is derived again; modules imported before the
function step aside where the function brings its own; random generators are seeded again, since all forks share a past;
`sys.path` becomes what it is in AWS. All the rest (handlers, errors, logs, context) is awslambdaric, AWS's own client,
unchanged but for its transport.

Which files of a function are hidden by modules that are imported already is an accident of AWS's runtime that functions
meet: `json.py` is, `random.py` is not. `CORE` is that accident, exactly: it is counted before anything of ours is imported.
A module that steps aside leaves `sys.modules` and nothing else. Modules that have imported it keep it, so that a function's
`random.py` breaks no `tempfile` that is there already.

It runs on every Python from 3.10. It is not a fence: the sandbox has been closed before it is called.
"""

# pyright: basic
# ruff: noqa: E402, F401, I001, PTH120, PTH208, SLF001
# awslambdaric has no types; what is done here with it and at exit has no public name; pathlib would be one more import.

from __future__ import annotations

# AWS's bootstrap.py begins so.
import json
import logging
import os
import site
import sys
import time
import traceback
import warnings
import awslambdaric.__main__ as awslambdaricmain

# What AWS has imported before the function, too: a file of the same name in the task root does not come before it.
# (AWS's runtime_client is compiled, and imports no _socket.)
CORE = frozenset(name.partition(".")[0] for name in sys.modules) - {"_socket"}

import atexit
import threading
from importlib.machinery import PathFinder
from types import ModuleType

import awslambdaric.lambda_literals
import awslambdaric.lambda_runtime_hooks_runner
import runtime_client
from awslambdaric.lambda_runtime_client import (
    BaseLambdaRuntimeClient,
    LambdaRuntimeClient,
    LambdaRuntimeClientError,
)
from awslambdaric.lambda_runtime_log_utils import LogFormat, _get_log_level_from_env_var
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json

TYPE_CHECKING = False  # type checkers take it for typing's, whose import would cost every start 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

# One family: with a urllib3 of the function's own, the runtime's botocore must be imported anew against that urllib3.
SDK_FAMILY = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"})

_CLIENT_CODE: Any = awslambdaricmain.bootstrap.__spec__.loader.get_code(
    "awslambdaric.bootstrap"
)  # compiled before the fork

_PYTHON_X_Y = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LIB = os.path.dirname(os.__file__)
_STANDARD_LIBRARY = (
    f"{os.path.dirname(_LIB)}/{_PYTHON_X_Y.replace('.', '')}.zip",
    _LIB,
    f"{_LIB}/lib-dynload",
)
_SITE_PACKAGES = f"{_LIB}/site-packages"
_DEBIANS = "/dist-packages"  # where Debian's Python looks, too
_PACKAGES = (os.path.dirname(str(sys.modules[name].__file__)) for name in ("simplejson", "awslambdaric"))
_RUNTIME = tuple(  # one directory, /var/runtime, where there is isolation
    dict.fromkeys(os.path.dirname(path) for path in (__file__, *_PACKAGES))
)
_NOT_THEIRS = {*_RUNTIME, *_STANDARD_LIBRARY, _SITE_PACKAGES}
_PROGRAM = f"{_RUNTIME[0]}/bootstrap.py"
_TASK_ROOT = "/var/task"

if sys.flags.no_site:  # as without isolation: exit() and quit(), copyright(), help()
    site.setquit()
    site.setcopyright()
    site.sethelper()


def run() -> NoReturn:
    """In a fork: become the function and serve it until the process ends."""
    status = 1
    try:
        own_process()
        become_function()
        _serve()
        status = 0
    except SystemExit as end:
        status = _exit_status(end)
    except BaseException:  # noqa: BLE001  # this is where the process ends
        traceback.print_exc()
    _exit(status)


def main() -> None:
    """Below the main program, which the interpreter ends."""
    if sys.flags.no_site:  # how a wrapper script's PYTHONPATH brings code before the function
        site.execsitecustomize()
    become_function()
    _serve()


def _serve() -> None:
    # Never the polling thread that awslambdaric has from 3.12 on: it is there so that signals reach the main thread
    # while that waits, which our transport allows anyway. It would cost 0.25 ms an invocation.
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"], use_thread_for_polling_next=False)
    awslambdaricmain.bootstrap.run(os.environ["_HANDLER"], client)


class Client(LambdaRuntimeClient):
    """Sends the rare messages (init error, restore) over the same socket, as UTF-8, without importing http.client."""

    def call_rapid(
        self,
        http_method: str,
        endpoint: str,
        expected_http_code: int,
        payload: Any = None,
        headers: Any = None,
    ) -> None:
        body = b"" if http_method == "GET" else to_json(payload).encode("utf-8", "surrogatepass")
        status, _, answer = runtime_client.connection().request(http_method, endpoint, body, (headers or {}).items())
        if status != expected_http_code:
            raise LambdaRuntimeClientError(endpoint, status, answer)


def own_process() -> None:
    """What a new process has of its own and a fork has not."""
    if "random" in sys.modules:
        sys.modules["random"].seed()
    if "_ssl" in sys.modules:  # two forks can have the same pid, each in its namespace, by which OpenSSL knows a fork
        sys.modules["_ssl"].RAND_add(os.urandom(32), 32.0)
    sys.modules["__main__"] = _main_module()
    sys.argv = [_PROGRAM]
    sys.orig_argv = [sys.executable, _PROGRAM]


def _main_module() -> ModuleType:
    """What the main program would be: others look for the runtime there, and multiprocessing for what a child imports."""
    module = ModuleType("__main__")
    module.__file__ = _PROGRAM
    module.__dict__.update(awslambdaricmain=awslambdaricmain, main=main)
    return module


def open_streams() -> None:
    """Before the fork: forks inherit the objects, and each has its own descriptors under them."""
    for fd, name, errors in (
        (1, "stdout", "strict"),
        (2, "stderr", "backslashreplace"),
    ):
        stream = open(fd, "w", buffering=1, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def become_function() -> None:
    time.tzset()
    if "_LAMBDA_TELEMETRY_LOG_FD" in os.environ:
        os.set_inheritable(int(os.environ["_LAMBDA_TELEMETRY_LOG_FD"]), False)  # children have stdout, not the log
    _derive_client_state()
    task_root = os.environ.get("LAMBDA_TASK_ROOT", _TASK_ROOT)
    layers = os.environ.pop("_LAMBENT_LAYERS", "/opt")  # set only where nothing is isolated, and paths are the host's
    sys.dont_write_bytecode = task_root != _TASK_ROOT  # unisolated, the code store is writable; it is shared
    sites = [task_root]
    if set(os.environ.setdefault("PYTHONPATH", os.pathsep.join(_RUNTIME)).split(os.pathsep)) <= set(_RUNTIME):
        sites += [f"{layers}/python/lib/{_PYTHON_X_Y}/site-packages", f"{layers}/python"]
    _search(sites, isolated=task_root == _TASK_ROOT)


def _search(sites: list[str], *, isolated: bool) -> None:
    """Make `sys.path` what AWS's bootstrap makes of it, doubles included. `sites` are the function's own directories.

    A function with a PYTHONPATH of its own finds no layers but those that this names. The interpreter's site-packages come
    before /var/runtime from 3.11 on; unisolated, where they are a person's, they come last.
    """
    before = [path for path in sys.path if path and not path.endswith(_DEBIANS)]
    language = [_SITE_PACKAGES] if isolated and len(sites) > 1 and sys.version_info >= (3, 11) else []
    sys.path[:] = [*sites, *language, *dict.fromkeys((*before, *_RUNTIME, _SITE_PACKAGES))]
    contents = {path: _names(path) for path in sys.path if path not in _NOT_THEIRS}
    _step_aside(contents)
    for path in sites:
        names = contents[path]
        if names is None:
            sys.path.append(path)  # as site.addsitedir does with what is not there
        elif any(name.endswith(".pth") for name in names):
            site.addsitedir(path)
            _step_aside({path: _names(path) for path in sys.path[: sys.path.index(_LIB)] if path not in contents})


def _derive_client_state() -> None:
    """Repeat what awslambdaric reads from the environment at import: the log format, the level, the JSON encoder."""
    client = awslambdaricmain.bootstrap
    log_format = LogFormat.from_str(os.environ.get("AWS_LAMBDA_LOG_FORMAT"))  # pyright: ignore[reportArgumentType]
    log_level = _get_log_level_from_env_var(os.environ.get("AWS_LAMBDA_LOG_LEVEL"))
    if (log_format, log_level) != (
        client._AWS_LAMBDA_LOG_FORMAT,
        client._AWS_LAMBDA_LOG_LEVEL,
    ):
        exec(_CLIENT_CODE, client.__dict__)  # noqa: S102  # awslambdaric's own module, once more
    BaseLambdaRuntimeClient.marshaller = LambdaMarshaller()


def _step_aside(contents: dict[str, list[str] | None]) -> None:
    """Forget what a file in one of the function's own directories replaces, and AWS has not imported before it."""
    for path in contents:
        sys.path_importer_cache.pop(path, None)
    theirs = {name.partition(".")[0] for names in contents.values() for name in names or ()}
    replaced = {name for name in theirs if name in sys.modules and name not in CORE and _is_module(name, [*contents])}
    if not replaced:
        return
    if replaced & SDK_FAMILY:
        replaced |= SDK_FAMILY
    for name in [name for name in sys.modules if name.partition(".")[0] in replaced]:
        del sys.modules[name]


def _names(directory: str) -> list[str] | None:
    try:
        return os.listdir(directory)
    except OSError:
        return None


def _is_module(name: str, paths: list[str]) -> bool:
    spec = PathFinder.find_spec(name, paths)
    return (
        spec is not None and spec.loader is not None and spec.origin is not None
    )  # a plain directory replaces nothing


def _exit_status(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _exit(status: int) -> NoReturn:
    """End as an interpreter does, but not through the frames of the fork server."""
    for step in (
        threading._shutdown,  # pyright: ignore[reportAttributeAccessIssue]
        atexit._run_exitfuncs,
        sys.stdout.flush,
        sys.stderr.flush,
    ):
        try:
            step()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
    os._exit(status)
