"""The parent of one guest, between it and the server: starts it, tells how it ended, and sees that nothing stays.

One connected socket, descriptor 0, leads to the server. It sends one line of JSON; the guardian answers in lines:

    {"argv", "environment", "cwd", "open_files", "keep", "framed_log"}   ->   started PID ... ended STATUS PEAK_KIB CPU_S

The end of the socket means that the server has gone, by kill -9 too, or wants an end: then the guest and all its
descendants are killed. On Linux the guardian is the reaper of their orphans, so that no double fork gets away;
elsewhere those that left the process group do. A guest has the same user id and could kill its guardian; then, on
Linux, it dies with it.

Descriptors 1 and 2 are the guest's output, and 4 if `framed_log`. The argument is the number of the channel by which a
guest that waits gets its assignment; it finds that as descriptor 3 if `keep`. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

CONTROL_DESCRIPTOR: Final = 0
ASSIGNMENT_DESCRIPTOR: Final = 3
LOG_DESCRIPTOR: Final = 4
LONGEST_LINE: Final = 1 << 20

_LINUX: Final = sys.platform == "linux"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as a shell says it
_LOOK_AGAIN_S: Final = 0.02


def main() -> None:
    channel = int(sys.argv[1])
    control = socket.socket(fileno=os.dup(CONTROL_DESCRIPTOR))
    wakeup = _wakeup_on_child_exit()
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    line = _line(control)
    if not line:
        return
    guest = _start(json.loads(line), channel)
    os.close(channel)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (CONTROL_DESCRIPTOR, 1, 2):
        os.dup2(null, descriptor)
    _tell(control, f"started {guest}")
    ended = None
    while not ended:
        ready, _, _ = select.select([control, wakeup], [], [])
        if control in ready:
            break
        os.read(wakeup, 4096)
        ended = _reap(guest)
        if ended:
            _tell(control, ended)
    _end_all(guest, control, wakeup)


def _wakeup_on_child_exit() -> int:
    """Return a descriptor that becomes readable when a child ends."""
    wakeup, alarm = os.pipe()
    os.set_blocking(alarm, False)
    _ = signal.set_wakeup_fd(alarm)
    _ = signal.signal(signal.SIGCHLD, _ignore)
    return wakeup


def _ignore(_number: int, _frame: object) -> None:
    """Let the signal be noticed by the descriptor alone; SIG_IGN would have the kernel reap the children."""


def _line(control: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n") and len(received) < LONGEST_LINE:
        piece = control.recv(65536)
        if not piece:
            return b""
        received += piece
    return received


def _tell(control: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):
        control.sendall(line.encode() + b"\n")


def _start(request: dict[str, Any], channel: int) -> int:
    guardian = os.getpid()
    guest = os.fork()
    if guest:
        return guest
    _become_guest(guardian, request["open_files"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), CONTROL_DESCRIPTOR)
    if request["keep"]:
        os.dup2(channel, ASSIGNMENT_DESCRIPTOR)
        os.set_inheritable(ASSIGNMENT_DESCRIPTOR, True)
    if channel != ASSIGNMENT_DESCRIPTOR or not request["keep"]:
        os.close(channel)
    if request["framed_log"]:
        _ = os.dup2(_second_description(1), LOG_DESCRIPTOR)
    program = request["argv"][0]
    try:
        os.chdir(request["cwd"])
        os.execve(program, request["argv"], request["environment"])  # noqa: S606  no shell is the point
    except OSError as error:
        os.write(2, f"{program}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, (FileNotFoundError, NotADirectoryError)) else _NOT_EXECUTABLE)


def _second_description(descriptor: int) -> int:
    """Open once more what a descriptor writes to, with flags of its own; outside Linux they are shared."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY)
    except OSError:
        return os.dup(descriptor)


def _become_guest(guardian: int, open_files: int) -> None:
    os.setsid()
    _ = signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        _ = signal.signal(number, signal.SIG_DFL)
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guardian:
            os._exit(_NOT_FOUND)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = open_files if most == resource.RLIM_INFINITY else min(open_files, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def _reap(guest: int) -> str | None:
    """Reap what has ended; return the line about the guest if it is among them."""
    while True:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == guest:
            return _obituary(status, used)
        if pid == 0:
            return None


def _end_all(guest: int, control: socket.socket, wakeup: int) -> None:
    """Kill the guest's group and, where orphans come to this process, everything below it, until there is nothing.

    Never waits for a child that it may not have seen: a list of children is only whole while none of them comes or goes.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(guest, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in _children():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == guest:
                _tell(control, _obituary(status, used))
            elif pid == 0 and select.select([wakeup], [], [], _LOOK_AGAIN_S)[0]:
                os.read(wakeup, 4096)


def _children() -> list[int]:
    """The children of this process; none where there is no /proc, and there no orphan comes to it either."""
    try:
        return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]
    except OSError:  # not every kernel has that file
        itself = os.getpid()
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _parent(entry) == itself]


def _parent(process: Path) -> int:
    """The parent of a process, by its directory in /proc; 0 if it has just gone."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _obituary(status: int, used: resource.struct_rusage) -> str:
    peak_kib = used.ru_maxrss if _LINUX else used.ru_maxrss // 1024
    return f"ended {status} {peak_kib} {used.ru_utime + used.ru_stime:.3f}"


if __name__ == "__main__":
    try:
        main()
    finally:
        os._exit(0)  # closes the socket and ends in one step
