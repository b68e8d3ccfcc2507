"""Which program of a package is its runtime, where the package brings it (`provided.*`), and why none of them is.

AWS's supervisor looks for the file and executes it; when it cannot, the init phase fails with
Runtime.InvalidEntrypoint and Go's words for the reason. Our sandbox executes behind a wall, from where an exec that
fails looks like an exit (status 126 or 127), so what can be known from the file is looked at before: its presence,
its mode, its format, its machine. What is left (an interpreter that a `#!` names and that is not there) ends as
Runtime.ExitError, exit status 127.
"""

import platform
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lambent.sandbox.contract import SandboxError

_ELF_MACHINES: Final = {"x86_64": 62, "aarch64": 183}


class InvalidEntrypoint(SandboxError):  # AWS's name
    """There is nothing to execute; the text stands after "Error: " in the body of AWS's Runtime.InvalidEntrypoint."""

    error_type: Final = "Runtime.InvalidEntrypoint"


def package_entrypoint(directories: Sequence[tuple[Path, str]]) -> str:
    """The path that the guest executes; `directories` are (on the host, inside). Raises InvalidEntrypoint."""
    for outside, inside in directories:
        file, path = outside / "bootstrap", f"{inside}/bootstrap"
        try:
            status = file.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            continue
        if stat.S_ISLNK(status.st_mode):
            return path  # where it leads is for the guest to see
        if not status.st_mode & stat.S_IXOTH:  # a function is not the owner of its code
            raise InvalidEntrypoint(f"fork/exec {path}: permission denied")
        if not _executable_format(file):
            raise InvalidEntrypoint(f"fork/exec {path}: exec format error")
        return path
    looked = " ".join(f"{path}/bootstrap" for path in ("/var/task", "/opt"))
    raise InvalidEntrypoint(f"Couldn't find valid bootstrap(s): [{looked}]")


def _executable_format(file: Path) -> bool:
    """Whether the kernel of this machine could execute it: a script, or a program for its processor."""
    with file.open("rb") as opened:
        head = opened.read(20)
    if head[:2] == b"#!":
        return True
    return head[:4] == b"\x7fELF" and len(head) == 20 and _elf_machine(head) == _ELF_MACHINES.get(platform.machine())


def _elf_machine(head: bytes) -> int:
    order = "big" if head[5] == 2 else "little"
    return int.from_bytes(head[18:20], order)
