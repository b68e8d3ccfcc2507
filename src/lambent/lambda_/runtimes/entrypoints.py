"""Which program of a package is its runtime, where the package brings it (`provided.*`), and why none of them is.

AWS's supervisor looks for the file and executes it; when it cannot, the init phase fails with
Runtime.InvalidEntrypoint and Go's words for the reason. Our sandbox executes behind a wall, from where an exec that
fails looks like an exit (status 126 or 127), so what can be known from the file is looked at before: its presence,
its mode, its format, its machine, and the program that the kernel would execute for it. That is the interpreter of its
`#!` line (which ends in a carriage return where the file was saved on Windows), or the loader that an ELF program names
(musl's, where the program was built for Alpine). Both are looked for in the package, in its layers and in the host's /usr,
which guests have. What is left (a link that leads nowhere) ends as Runtime.ExitError, exit status 127.
"""

import os
import platform
import stat
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from lambent.sandbox.contract import SandboxError

_ELF_MACHINES: Final = {"x86_64": 62, "aarch64": 183}
_HEAD_BYTES: Final = 256  # that the kernel reads of a file to tell what it is (binfmts.h)
_BLANKS: Final = b" \t"
_ELF_64: Final = b"\x7fELF\x02"
_ELF_HEADERS: Final = struct.Struct("<32xQ14xHH")  # offset, size and number of program headers
_ELF_HEADER: Final = struct.Struct("<I4xQ16xQ")  # of one of 56 bytes: type, offset, size in the file
_ELF_LOADER: Final = 3  # PT_INTERP
_HEADERS_MAX: Final = 64
_HOSTS: Final = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")  # what guests see of the host, as it is there
_GENERATED: Final = ("etc", "dev", "proc", "tmp")  # what they see besides
_NO_FILE: Final = "no such file or directory"
_NOT_ALLOWED: Final = "permission denied"


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
        if reason := _why_not(file, status.st_mode, directories):
            raise InvalidEntrypoint(f"fork/exec {path}: {reason}")
        return path
    looked = " ".join(f"{path}/bootstrap" for path in ("/var/task", "/opt"))
    raise InvalidEntrypoint(f"Couldn't find valid bootstrap(s): [{looked}]")


def _why_not(file: Path, mode: int, directories: Sequence[tuple[Path, str]]) -> str | None:
    """Return why the kernel would not execute it, in the words of the C library."""
    if not mode & stat.S_IXOTH:  # a function is not the owner of its code
        return _NOT_ALLOWED
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
        if head[:2] == b"#!":
            program = _interpreter(head)
        elif _is_for_this_machine(head):
            program = _loader(opened, head)
        else:
            return "exec format error"
    return None if program is None else _why_not_for(os.fsdecode(program), directories)


def _interpreter(head: bytes) -> bytes | None:
    """Return the program that a `#!` line names, as the kernel reads it: a carriage return is none of its blanks."""
    line, end, _ = head[2:].partition(b"\n")
    words = line.strip(_BLANKS).replace(b"\t", b" ").split(b" ", 1)
    program = words[0].partition(b"\0")[0]
    return program if program and (end or len(words) > 1 or len(head) < _HEAD_BYTES) else None


def _is_for_this_machine(head: bytes) -> bool:
    return head[:4] == b"\x7fELF" and len(head) >= 20 and _elf_machine(head) == _ELF_MACHINES.get(platform.machine())


def _elf_machine(head: bytes) -> int:
    order = "big" if head[5] == 2 else "little"
    return int.from_bytes(head[18:20], order)


def _loader(file: BinaryIO, head: bytes) -> bytes | None:
    """Return the program that loads this one; None where it needs none, or says nothing that can be read."""
    if not head.startswith(_ELF_64) or len(head) < _ELF_HEADERS.size:
        return None
    offset, size, number = _ELF_HEADERS.unpack_from(head)
    if size < _ELF_HEADER.size or number > _HEADERS_MAX:
        return None
    headers = _read_at(file, offset, size * number)
    for at in range(0, len(headers) - size + 1, size):
        kind, where, length = _ELF_HEADER.unpack_from(headers, at)
        if kind == _ELF_LOADER:
            return _read_at(file, where, min(length, _HEAD_BYTES)).partition(b"\0")[0] or None
    return None


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Return up to so many bytes; none where the offset is nonsense."""
    return os.pread(file.fileno(), size, offset) if offset < 1 << 62 else b""


def _why_not_for(program: str, directories: Sequence[tuple[Path, str]]) -> str | None:
    """Return why the guest could not execute the program; None where it could, or where that is for the guest to see.

    Nothing is told of the host but what guests see of it: a package names this path.
    """
    task, inside_task = directories[0]
    program = os.path.normpath(Path(inside_task) / program)
    for outside, inside in directories:
        if program.startswith(f"{inside}/"):
            return _why_not_in_package(outside, program.removeprefix(f"{inside}/").split("/"))
    top = program.split("/")[1]
    if top in _HOSTS:
        try:
            return _why_not_of(Path(program).stat().st_mode)
        except OSError:
            return _NO_FILE
    isolated = str(task) != inside_task
    return _NO_FILE if isolated and top not in _GENERATED else None


def _why_not_in_package(directory: Path, names: Sequence[str]) -> str | None:
    """Look for the program without following a link, which may lead out of the package."""
    mode = 0
    for name in names:
        directory /= name
        try:
            mode = directory.lstat().st_mode
        except OSError:
            return _NO_FILE
        if stat.S_ISLNK(mode):
            return None
    return _why_not_of(mode)


def _why_not_of(mode: int) -> str | None:
    return None if stat.S_ISREG(mode) and mode & stat.S_IXOTH else _NOT_ALLOWED
