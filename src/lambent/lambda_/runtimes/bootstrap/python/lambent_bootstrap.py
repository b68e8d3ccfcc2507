"""The first module of every Python execution environment: it makes a started interpreter a function's, and serves it.

Two ways lead here. In a fork server this module is imported first and once, then the rest of the preload; each
sandbox is a fork, locked down, with the function's environment variables set, in which `run` is called and never
returns. Started fresh (by a wrapper script, or because variables must be there before the interpreter is), it is the
main program.

What it does: what awslambdaric derived from the environment at import is derived again; modules imported before the
fork step aside where the function brings its own; random generators are seeded again, since all forks share a past;
`sys.path` becomes what it is in AWS: the task root, the layers, /var/runtime, the standard library, nothing of the
host. All the rest (handlers, errors, logs, context) is awslambdaric, AWS's own client, unchanged but for its
transport.

It runs on every Python from 3.10, and imports nothing that AWS's runtime would not have imported. It is not a fence:
the sandbox has been closed before it is called.
"""

# pyright: basic
# ruff: noqa: PTH120, PTH208, SLF001
# awslambdaric has no types; what is done here with it and at exit has no public name; pathlib would be one more import.

import atexit
import os
import random
import site
import sys
import threading
import time
import traceback
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any, NoReturn

import awslambdaric.bootstrap
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

# One family: with a urllib3 of the function's own, the runtime's botocore must be imported anew against that urllib3.
SDK_FAMILY = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"})

# What AWS has imported before the function, too: a file of the same name in the task root does not come before it.
_CORE = frozenset(sys.modules)
_CLIENT_CODE: Any = awslambdaric.bootstrap.__spec__.loader.get_code(
    "awslambdaric.bootstrap"
)  # compiled before the fork

_PYTHON_X_Y = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LIB = os.path.dirname(os.__file__)
_STANDARD_LIBRARY = [
    f"{os.path.dirname(_LIB)}/{_PYTHON_X_Y.replace('.', '')}.zip",
    _LIB,
    f"{_LIB}/lib-dynload",
]
_RUNTIME = list(  # one directory, /var/runtime, where there is isolation
    dict.fromkeys(os.path.dirname(path) for path in (__file__, os.path.dirname(awslambdaric.__file__)))
)

site.setquit()  # exit() and quit(), copyright(), help(): what `python -S` leaves out
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
    """As the main program, which the interpreter ends."""
    become_function()
    site.execsitecustomize()  # how the wrapper scripts of layers put themselves before the function
    _serve()


def _serve() -> None:
    # Never the polling thread that awslambdaric has from 3.12 on: it is there so that signals reach the main thread
    # while that waits, which our transport allows anyway. It would cost 0.25 ms an invocation.
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"], use_thread_for_polling_next=False)
    awslambdaric.bootstrap.run(os.environ["_HANDLER"], client)


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
    random.seed()
    if "_ssl" in sys.modules:  # two forks can have the same pid, each in its namespace, by which OpenSSL knows a fork
        sys.modules["_ssl"].RAND_add(os.urandom(32), 32.0)
    main_module = ModuleType("__main__")  # else multiprocessing's children would run the fork server
    main_module.__file__ = __file__
    sys.modules["__main__"] = main_module
    sys.argv = [__file__]


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
    task_root = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
    layers = os.environ.pop("_LAMBENT_LAYERS", "/opt")  # set only where nothing is isolated, and paths are the host's
    layer_paths = [
        f"{layers}/python/lib/{_PYTHON_X_Y}/site-packages",
        f"{layers}/python",
    ]
    python_path = os.environ.setdefault("PYTHONPATH", os.pathsep.join(_RUNTIME)).split(os.pathsep)
    if set(python_path) <= set(_RUNTIME):
        paths = [task_root, *layer_paths, *_RUNTIME, *_STANDARD_LIBRARY]
    else:  # a function with a PYTHONPATH of its own has the layers last
        paths = [task_root, *_RUNTIME, *python_path, *_STANDARD_LIBRARY, *layer_paths]
    sys.path[:] = dict.fromkeys(path for path in paths if path)
    sys.dont_write_bytecode = task_root != "/var/task"  # unisolated, the code store is writable; it is shared
    _step_aside([path for path in sys.path if path not in _RUNTIME and path not in _STANDARD_LIBRARY])


def _derive_client_state() -> None:
    """Repeat what awslambdaric reads from the environment at import: the log format, the level, the JSON encoder."""
    client = awslambdaric.bootstrap
    log_format = LogFormat.from_str(os.environ.get("AWS_LAMBDA_LOG_FORMAT"))  # pyright: ignore[reportArgumentType]
    log_level = _get_log_level_from_env_var(os.environ.get("AWS_LAMBDA_LOG_LEVEL"))
    if (log_format, log_level) != (
        client._AWS_LAMBDA_LOG_FORMAT,
        client._AWS_LAMBDA_LOG_LEVEL,
    ):
        exec(_CLIENT_CODE, client.__dict__)  # noqa: S102  # awslambdaric's own module, once more
    BaseLambdaRuntimeClient.marshaller = LambdaMarshaller()


def _step_aside(paths: list[str]) -> None:
    """Forget what was imported before the fork and what a file in one of the function's own directories replaces."""
    theirs: set[str] = set()
    for path in paths:
        sys.path_importer_cache.pop(path, None)
        try:
            theirs.update(entry.partition(".")[0] for entry in os.listdir(path))
        except OSError:
            continue
    replaced = {name for name in theirs if name in sys.modules and name not in _CORE and _is_module(name, paths)}
    if not replaced:
        return
    if replaced & SDK_FAMILY:
        replaced |= SDK_FAMILY
    for name in [name for name in sys.modules if name.partition(".")[0] in replaced]:
        del sys.modules[name]


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


if __name__ == "__main__":
    main()
