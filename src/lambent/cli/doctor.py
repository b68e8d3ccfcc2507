"""`lambent doctor`: what this machine has of what Lambent needs, and the proof, by the probe of `lambent up`.

The survey explains; the last line decides. What is missing is told with what would change it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lambent import __version__
from lambent.cli import Run
from lambent.cli.endpoint import endpoint, health
from lambent.cli.errors import Failed, failure_of, require_proc
from lambent.cli.keys import data_directory
from lambent.cli.settings import add_settings, configuration
from lambent.cli.terminal import show
from lambent.config import Config
from lambent.lambda_.code.marker import DISPUTE
from lambent.lambda_.runtimes import systems
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider
from lambent.lambda_.runtimes.interpreters import Interpreter, Interpreters
from lambent.lambda_.runtimes.javascript_sdk import REMEDY, javascript_sdk
from lambent.lambda_.runtimes.speedups import REMEDY as SPEEDUPS
from lambent.lambda_.runtimes.speedups import Speedups
from lambent.sandbox.contract import Unavailable
from lambent.sandbox.native.backend import NativeConfig, native
from lambent.sandbox.native.machine import survey
from lambent.sandbox.native.probe import Proof, prove
from lambent.sandbox.native.veils import why_unveiled
from lambent.storage.directory import LOCK, holder, is_new, obstruction, trace
from lambent.storage.errors import LockFileMissing

SDK: Final = "AWS SDK for JS"
MARKS: Final = {True: "ok", False: "--"}
LITTLE_SPACE_BYTES: Final = 1 << 30


def doctor(parser: argparse.ArgumentParser) -> Run:
    parser.epilog = (
        "Exit status: 0 when functions can be run isolated, 1 when they cannot; the reason and the flag that would allow "
        "weaker isolation are the last line."
    )
    add_settings(parser, ("host", "port", "data", "limits", "probe_timeout_s"))
    return run


def run(given: argparse.Namespace) -> int:
    require_proc()
    config = configuration(given)
    where = "root" if os.geteuid() == 0 else f"user {os.geteuid()}"
    print(f"Lambent {__version__}, Python {platform.python_version()}, as {where}")
    print("\nIsolation")
    for mechanism in survey():
        line(mechanism.there, mechanism.name, mechanism.detail)
    print("\nInterpreters")
    asyncio.run(interpreters())
    print("\nData directory")
    for good, text in data(data_directory(config)):
        line(good, "", text)
    print("\nServer")
    line(*server(endpoint(given, config, os.environ)))
    print("\nProof", flush=True)
    return proof(config)


def line(good: bool, name: str, text: str) -> None:
    show(f"  {MARKS[good]}  {f'{name:<15} ' if name else ''}{text}")


async def interpreters() -> None:
    """A line for every runtime that Lambent executes with an interpreter of this machine."""
    known = Interpreters(os.environ)
    for row in CATALOGUE.values():
        if row.provider in (Provider.PYTHON, Provider.NODE):
            found = await known.find(row)
            if isinstance(found, Interpreter):
                line(True, row.id, f"{found.version}, {found.executable}")
                if row.provider is Provider.PYTHON and Speedups().directory(row.version) is None:
                    line(False, "", f"its JSON is not compiled, so that large events take long: {SPEEDUPS}")
            elif found is not None:
                line(False, row.id, found.install.partition(",")[2].strip().removeprefix("for example with "))
    line(True, "provided.*", Provider.PACKAGE.value)
    line(*sdk())
    for name, sentence in systems.gaps():
        line(False, name, sentence)


def sdk() -> tuple[bool, str, str]:
    place = javascript_sdk()
    if place.modules is None:
        return False, SDK, f"is not installed, and Node.js functions that do not bring it fail: {REMEDY}"
    if not place.is_current():
        return False, SDK, f"is that of another Lambent: {REMEDY}"
    return True, SDK, f"{len(place.packages())} packages, {place.directory}"


def data(directory: Path) -> Iterator[tuple[bool, str]]:
    """What is to be said of a data directory."""
    try:
        facts = directory.stat()
    except FileNotFoundError:
        yield True, f"{directory} is not there yet; `lambent up` makes it"
    except OSError as error:
        yield False, f"{directory} cannot be looked at: {error.strerror}"
    else:
        if facts.st_uid != os.geteuid():
            yield False, f"{directory} belongs to another user ({facts.st_uid}); name another with --data"
        elif not (directory / LOCK).exists() and (there := trace(directory)) is not None:
            yield False, str(LockFileMissing(path=directory, there=there, lock=LOCK))
        elif not (directory / LOCK).exists() and not is_new(directory):
            yield False, f"{directory} is not empty, and not one of Lambent's; name another with --data"
        elif (obstructed := obstruction(directory)) is not None:
            yield False, str(obstructed)
        else:
            pid = holder(directory)
            yield True, f"{directory}, {f'in use by process {pid}' if pid is not None else 'not in use'}"
    with suppress(OSError):
        yield False, (directory / "code" / DISPUTE).read_text().strip()
    free = shutil.disk_usage(existing(directory)).free
    yield free >= LITTLE_SPACE_BYTES, f"{free / 1e9:.1f} GB are free"


def existing(path: Path) -> Path:
    """The path, or the first directory above it that can be looked at."""
    return next((place for place in (path, *path.parents) if os.access(place, os.R_OK)), Path("/"))


def server(where: str) -> tuple[bool, str, str]:
    try:
        found = health(where)
    except Failed as failed:
        return False, "", str(failed)
    return True, "", f"Lambent {found.version} is {found.status} at {where}"


def proof(config: Config) -> int:
    """Prove it, as `lambent up` does. Raises Failed."""
    with failure_of(Unavailable):
        proved, why, unveiled = asyncio.run(proven(config))
    print(f"  ok  a program ran in a sandbox, which took {proved.took_s * 1e3:.0f} ms:")
    for sentence in proved.sentences:
        show(f"      {sentence}")
    line(
        not why,
        "",
        f"functions' /tmp is in memory, and counts as theirs: {why}" if why else "functions' /tmp is on disk",
    )
    line(not unveiled, "", unveiled or "mounts do not tell functions where on this machine their files are")
    print("\nFunctions can be run isolated on this machine.")
    return 0


async def proven(config: Config) -> tuple[Proof, str, str]:
    """Return the proof, why /tmp is in memory, and why mounts name their source; "" where they do not. Raises Unavailable,
    in a group.
    """
    directory = existing(data_directory(config))
    on_disk = NativeConfig(config.limits, directory, config.disk_reserve_bytes)
    async with native(on_disk) as backend, asyncio.TaskGroup() as tasks:
        proof = await prove(backend, config.probe_timeout_s, tasks)
        return proof, await backend.why_tmp_in_memory(), why_unveiled(directory)
