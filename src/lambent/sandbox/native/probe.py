"""The probe: proves, before anything relies on it, that this machine makes a sandbox and that the sandbox isolates.

    a template of the probe's own ─ a sandbox ─ its program reports what it sees ─ judged here ─ all of it gone again

`lambent up` runs it beside the rest of its start and is not ready before it has held; `lambent doctor` ends with it. The
cheapest template there is: the server's own interpreter, executed with one file mounted. To fork it would take one more
start of it, and all imports of a spawner. Defends against: a kernel, a container or a policy that takes a mechanism away
silently. Does not: prove the limits, which control groups take when they are set or not at all, nor that a mechanism has no
bug (`tests/escape`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from lambent.core.progress import progress, used_below
from lambent.sandbox.contract import Assignment, Limits, Mount, Sandbox, SandboxError, Template, Unavailable
from lambent.sandbox.native.backend import NativeBackend
from lambent.sandbox.native.machine import obstacles

_DIRECTORY: Final = "/var/runtime"
_GUEST: Final = Path(__file__).with_name("probe_guest.py")
_LANGUAGE: Final = "/var/lang"
_PREFIX: Final = Path(sys.base_prefix).resolve()
_PROGRAM: Final = Path(sys.executable).resolve()
_INTERPRETER: Final = f"{_LANGUAGE}/{os.path.relpath(_PROGRAM, _PREFIX)}"
_TEMPLATE: Final = Template(
    "probe",
    mounts=(Mount(_GUEST, f"{_DIRECTORY}/{_GUEST.name}"), Mount(_PREFIX, _LANGUAGE)),
)
_ASSIGNMENT: Final = Assignment(
    (),
    {"LD_LIBRARY_PATH": f"{_LANGUAGE}/lib"},  # where it was built to be is not where it is
    (_INTERPRETER, "-S", "-I", f"{_DIRECTORY}/{_GUEST.name}"),
    Limits(memory_mib=64, processes=8),
    cwd="/",
)
_REPORT_BYTES: Final = 16384  # a pipe holds more, so that the guest never waits for us
_OWN_PIDS: Final = 3  # the sandbox's first process, the guest, and one to spare
_OWN: Final = ("pid", "mnt", "net", "ipc", "uts")
_SILENT: Final = "a program in a sandbox has not answered, and got no further within {timeout_s:g} s"
_WAY_OUT: Final = (
    "`lambent doctor` tells what this machine has and lacks; --sandbox process runs functions without any isolation"
)


class Report(msgspec.Struct, frozen=True):
    """What the guest says; from inside a sandbox, so it is parsed like mail from a stranger."""

    ids: list[int]  # users and groups: real, effective, saved
    status: dict[str, int]  # of /proc/self/status
    pids: list[int]
    namespaces: dict[str, str]
    written: list[str]  # directories in which it could make a file


class Claim(NamedTuple):
    """What must be true inside: said of a guest that is isolated, and of one that is not."""

    holds: Callable[[Report], bool]
    sentence: str
    opposite: str


class Proof(NamedTuple):
    """That it held."""

    took_s: float
    sentences: tuple[str, ...]


def _is_no_root(report: Report) -> bool:
    return bool(report.ids) and 0 not in report.ids


def _is_powerless(report: Report) -> bool:
    sets = [value for name, value in report.status.items() if name.startswith("Cap")]
    return len(sets) == 5 and not any(sets) and report.status.get("NoNewPrivs") == 1


def _is_filtered(report: Report) -> bool:
    return report.status.get("Seccomp") == 2


def _sees_only_itself(report: Report) -> bool:
    return bool(report.pids) and len(report.pids) <= _OWN_PIDS and max(report.pids) <= _OWN_PIDS


def _has_own_namespaces(report: Report) -> bool:
    return all(
        report.namespaces.get(name) not in (None, str(Path(f"/proc/self/ns/{name}").readlink())) for name in _OWN
    )


def _writes_only_to_tmp(report: Report) -> bool:
    return report.written == ["/tmp"]


CLAIMS: Final = (
    Claim(_is_no_root, "it was not root", "it was root"),
    Claim(_is_powerless, "it had no capabilities, and could gain none", "it had capabilities, or could gain some"),
    Claim(_is_filtered, "its system calls were filtered", "its system calls were not filtered"),
    Claim(_sees_only_itself, "it saw no process but its own", "it saw processes that are not its own"),
    Claim(
        _has_own_namespaces, f"its namespaces were its own ({', '.join(_OWN)})", "it shared a namespace with the host"
    ),
    Claim(_writes_only_to_tmp, "it could write to /tmp and nowhere else", "it could write elsewhere than to /tmp"),
)


async def prove(backend: NativeBackend, timeout_s: float, tasks: asyncio.TaskGroup) -> Proof:
    """Make a sandbox, have a program run in it, and judge what it says. Raises Unavailable.

    Without an answer, `timeout_s` after the last progress of any process below this one (`core/progress.py`).
    It is all gone when `tasks` ends: in the background, so that nobody waits for more than the proof.
    """
    began = time.monotonic()
    if not _PROGRAM.is_relative_to(_PREFIX):
        raise Unavailable(_explained(f"this Python's program, {_PROGRAM}, is not below its prefix, {_PREFIX}"))
    try:
        async with progress(timeout_s, lambda: used_below(os.getpid())):
            report = await _report(backend, tasks)
    except TimeoutError:
        raise Unavailable(_explained(_SILENT.format(timeout_s=timeout_s))) from None
    except SandboxError as error:
        raise Unavailable(_explained(str(error))) from error
    judge(report)
    return Proof(time.monotonic() - began, tuple(claim.sentence for claim in CLAIMS))


def judge(report: Report) -> None:
    """Raises Unavailable, naming all that is not as it must be."""
    broken = [claim.opposite for claim in CLAIMS if not claim.holds(report)]
    if broken:
        raise Unavailable(_explained(f"a program ran in a sandbox, but {', and '.join(broken)}"))


async def _report(backend: NativeBackend, tasks: asyncio.TaskGroup) -> Report:
    sandbox: Sandbox | None = None
    try:
        sandbox = await backend.start(_TEMPLATE, _ASSIGNMENT)
        report = await _said(sandbox)
    except BaseException:
        await _removed(backend, sandbox)
        raise
    _ = tasks.create_task(_removed(backend, sandbox))
    return report


async def _removed(backend: NativeBackend, sandbox: Sandbox | None) -> None:
    if sandbox is not None:
        await sandbox.kill()
        os.close(sandbox.output)
        for listener in sandbox.listeners.values():
            listener.close()
    await backend.retire(_TEMPLATE)


async def _said(sandbox: Sandbox) -> Report:
    ended = await sandbox.exited()
    try:
        output = os.read(sandbox.output, _REPORT_BYTES)
    except BlockingIOError:
        output = b""
    if ended.code != 0:
        raise SandboxError(f"a program in a sandbox ended with {ended}: {output.decode(errors='replace').strip()}")
    try:
        return msgspec.json.decode(output, type=Report)
    except msgspec.DecodeError as error:
        raise SandboxError(f"a program in a sandbox said what is no report ({error})") from None


def _explained(reason: str) -> str:
    because = "".join(f"; {obstacle}" for obstacle in obstacles())
    return f"functions cannot be isolated here: {reason}{because}. {_WAY_OUT}"
