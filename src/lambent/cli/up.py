"""`lambent up`: start Lambent, say where, and run until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
from typing import Final

import uvloop

from lambent.app import CannotListen, Running, running
from lambent.cli import Run
from lambent.cli.errors import failure_of, require_proc
from lambent.cli.server_log import configure
from lambent.cli.settings import add_settings, configuration
from lambent.config import Config
from lambent.core.descriptors import TooFewDescriptors, raise_limit
from lambent.sandbox.contract import SandboxError
from lambent.storage.errors import StorageError

NICENESS: Final = -10


def up(parser: argparse.ArgumentParser) -> Run:
    parser.epilog = (
        "It is ready when it has said so on stdout: a program has run in a real sandbox then. It stops within three seconds "
        "of SIGINT or SIGTERM, leaving neither process nor mount nor control group behind. Exit status: 0 stopped as it was "
        "told to, 1 could not start, 2 called wrongly."
    )
    add_settings(parser)
    return run


def run(given: argparse.Namespace) -> int:
    require_proc()
    config = configuration(given)
    configure(config.log_level)
    raise_limit()
    if config.sandbox == "native":
        _go_first()
    with failure_of(CannotListen, SandboxError, StorageError, TooFewDescriptors):
        uvloop.run(until_told(config))
    return 0


def _go_first() -> None:
    """Have the processors before anything that runs in a sandbox, where that is permitted: one server, many guests.

    Before there is any thread, since all of them share the interpreter's lock. Spawners take it back (`spawners.py`).
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


async def until_told(config: Config) -> None:
    """Run until SIGINT or SIGTERM; the second one ends the process at once, and spawners see that and clean up."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            print("lambent: told twice to stop, ending at once", file=sys.stderr, flush=True)
            os._exit(1)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told)
    async with running(config) as started:
        gc.collect()
        gc.freeze()  # what there is now stays: the collector need not look at it after every few hundred invocations
        print(said(started, config), flush=True)
        await stop.wait()


def said(started: Running, config: Config) -> str:
    """The line that tells that Lambent is ready, and one for each thing that this machine does not give functions."""
    access = "any signature, or none, is accepted" if config.auth == "open" else "`lambent env` prints the keys"
    lines = [f"Lambent is ready at {started.endpoint} ({access})"]
    if started.tmp_in_memory:
        lines.append(f"Functions' /tmp is in memory, and counts as theirs: {started.tmp_in_memory}")
    if started.unveiled:
        lines.append(f"Functions are isolated, but {started.unveiled}")
    return "\n".join(lines)
