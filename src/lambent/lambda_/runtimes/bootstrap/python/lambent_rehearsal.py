"""What a Python that waits for its function does with the time: it plays a cold start and some invocations.

Twice it is worth it. In the fork server, before the first fork, so that what is made once (OpenSSL's providers, caches
of types and attributes, specialised bytecode) is made for all forks, which share its memory. In a fork that waits,
because the first write to a page that is shared costs a copy of it, 5 us and 4 KB; a cold start writes to a thousand.
There it plays only what every function does, because for the rest the memory may be wasted.

It plays the real thing, awslambdaric's main loop over our transport, with both sides of the socket in its hands. It
leaves nothing behind: variables, streams, paths, modules, loggers are as before. Only the connection to the Runtime API
stays open in a fork, for the function's first question.
"""

# pyright: basic
# ruff: noqa: PTH120, SLF001
# As in lambent_bootstrap: awslambdaric has no types, and its state no public name; pathlib would be one more import.

import json
import logging
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import awslambdaric.bootstrap
import lambent_bootstrap  # pyright: ignore[reportMissingImports]  # beside this file, in /var/runtime
import runtime_client

_ROUNDS_BEFORE_FORK = 12  # the interpreter specialises what has run eight times
_RUNTIME_API = "127.0.0.1:9001"
_TASK_ROOT = f"{os.path.dirname(__file__)}/rehearsed"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "rehearsal" * 2,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_NAME": "rehearsal",
    "AWS_LAMBDA_RUNTIME_API": _RUNTIME_API,
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "rehearsal" * 4,
    "AWS_SESSION_TOKEN": "rehearsal" * 32,
    "LAMBDA_TASK_ROOT": _TASK_ROOT,
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
}
_EVENT = b'{"rehearsal": [true, 1.5, null, "text"]}'
_NEXT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: rehearsal\r\n"
    b"Lambda-Runtime-Deadline-Ms: 0\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda\r\n"
    b"Lambda-Runtime-Trace-Id: Root=0\r\nContent-Length: %d\r\n\r\n%b"
) % (len(_EVENT), _EVENT)
_THANKS = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\ncontent-length: 16\r\n\r\n{"status":"OK"}\n'


class _Over(BaseException):
    """The rehearsal ends where the next event would be waited for."""


class _Client(lambent_bootstrap.Client):
    def __init__(self, rounds: int) -> None:
        super().__init__(_RUNTIME_API, use_thread_for_polling_next=False)
        self._rounds = rounds

    def wait_next_invocation(self):
        if self._rounds == 0:
            raise _Over
        self._rounds -= 1
        return super().wait_next_invocation()


def rehearse(forked: bool) -> None:
    if not forked:
        with _descriptors_to(_pipe):
            lambent_bootstrap.open_streams()
    with _undone():
        json.loads(json.dumps({"environment": _ENVIRONMENT, "argv": [], "limits": {"RLIMIT_NOFILE": 1024}}))
        os.environ.update(_ENVIRONMENT)
        lambent_bootstrap.own_process()
        lambent_bootstrap.become_function()
        if forked:
            _play("lambent_rehearsed.does_what_all_do", 1)
        else:
            with _descriptors_to(_nowhere):
                _play("lambent_rehearsed.does_what_most_do", _ROUNDS_BEFORE_FORK)
    if forked:
        runtime_client.connection().open(_RUNTIME_API)


def _play(handler: str, rounds: int) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall((_NEXT + _THANKS) * rounds + _NEXT)
        runtime_client.connection().use(ours, _RUNTIME_API, asked=True)
        try:
            awslambdaric.bootstrap.run(handler, _Client(rounds))
        except _Over:
            runtime_client.connection().close()


def _pipe() -> tuple[int, ...]:
    """What stdout and stderr are of a function: asked for once, when their streams are made."""
    return os.pipe()


def _nowhere() -> tuple[int, ...]:
    return (os.open(os.devnull, os.O_WRONLY),)


@contextmanager
def _descriptors_to(what: Callable[[], tuple[int, ...]]) -> Iterator[None]:
    """Have stdout and stderr write elsewhere."""
    opened, kept = what(), [os.dup(1), os.dup(2)]
    try:
        for descriptor in (1, 2):
            os.dup2(opened[-1], descriptor)
        yield
    finally:
        for descriptor, before in zip((1, 2), kept, strict=True):
            os.dup2(before, descriptor)
        for descriptor in (*opened, *kept):
            os.close(descriptor)


@contextmanager
def _undone() -> Iterator[None]:
    """Leave no trace of what happens in the block."""
    client: Any = awslambdaric.bootstrap
    root = logging.getLogger()
    environment, path, converter = dict(os.environ), list(sys.path), logging.Formatter.converter
    argv, orig_argv = sys.argv, sys.orig_argv
    main, writes = sys.modules["__main__"], sys.dont_write_bytecode
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__", "__stderr__")}
    handlers = list(root.handlers)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:], sys.modules["__main__"], sys.dont_write_bytecode = path, main, writes
        sys.argv, sys.orig_argv = argv, orig_argv
        for name, stream in streams.items():
            setattr(sys, name, stream)
        del sys.modules["lambent_rehearsed"], sys.path_importer_cache[_TASK_ROOT]
        root.handlers[:], logging.Formatter.converter = handlers, converter
        client._GLOBAL_AWS_REQUEST_ID = client._GLOBAL_TENANT_ID = None
        random.seed()
        time.tzset()
