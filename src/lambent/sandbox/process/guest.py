"""The server's end of one guardian: the socket to it, what it has told, and the descriptors it was started with."""

import asyncio
import contextlib
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from lambent.sandbox.contract import Assignment, Exit, SandboxError, Usage

_GUARDIAN: Final = Path(__file__).with_name("guardian.py")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_KILLED_WITHOUT_A_WORD: Final = Exit(code=None, signal=signal.SIGKILL)


class Guest:
    """A guest and its guardian, from the start of the guardian to its end."""

    def __init__(self, among: "set[Guest]") -> None:
        """Start a guardian that waits. Raises SandboxError."""
        self.pid = 0
        self.exit = _KILLED_WITHOUT_A_WORD
        self.started, self.ended, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._usage = Usage(memory_peak_mib=0, cpu_s=0.0)
        self._told = b""
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._among = among
        self._control, control = socket.socketpair()
        self.channel, channel = socket.socketpair()
        self.output, output = os.pipe()
        for end in (self._control.fileno(), self.channel.fileno(), self.output):
            os.set_blocking(end, False)
        try:
            self._guardian = _start_guardian(control, channel, output)
        except OSError as error:
            self._control.close()
            self.close()
            raise SandboxError(f"cannot start a process: {error}") from error
        finally:
            control.close()
            channel.close()
            os.close(output)
        self._loop.add_reader(self._control.fileno(), self._hear)
        among.add(self)

    async def run(
        self,
        argv: Sequence[str],
        environment: dict[str, str],
        cwd: str,
        files: int,
        *,
        keep: bool = False,
        framed_log: bool = False,
    ) -> None:
        """Let the guardian start the guest, with the channel if `keep`, and a log of its own if `framed_log`.

        Raises SandboxError.
        """
        request = {
            "argv": argv,
            "environment": environment,
            "cwd": cwd,
            "open_files": files,
            "keep": keep,
            "framed_log": framed_log,
        }
        await self._send(self._control, request)
        await self.started.wait()
        if not self.pid:
            raise SandboxError("the process that was to start the guest has ended")

    async def hand_over(self, assignment: Assignment, environment: dict[str, str]) -> None:
        """Give a guest that waits its assignment. Raises SandboxError."""
        request = {"environment": environment, "cwd": assignment.cwd, "argv": assignment.argv}
        await self._send(self.channel, request)
        if prlimit := getattr(resource, "prlimit", None):  # Linux only; elsewhere what it booted with stays
            with contextlib.suppress(OSError, ValueError):
                prlimit(self.pid, resource.RLIMIT_NOFILE, (assignment.limits.open_files,) * 2)

    async def kill(self) -> None:
        self.let_go()
        await self.gone.wait()

    def let_go(self) -> None:
        """Tell the guardian to end everything. Idempotent."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close what the caller of a sandbox would close, where there is none. Idempotent."""
        if not self._closed:
            self._closed = True
            self.channel.close()
            os.close(self.output)

    @property
    def usage(self) -> Usage:
        return self._usage if self.ended.is_set() else _usage_of(self.pid) or self._usage

    async def _send(self, to: socket.socket, request: dict[str, Any]) -> None:
        try:
            await self._loop.sock_sendall(to, json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise SandboxError(f"the waiting process has ended: {error}") from error

    def _hear(self) -> None:
        """Read what the guardian says; called when there is something, and at its end."""
        try:
            piece = self._control.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        *lines, self._told = (self._told + piece).split(b"\n")
        for line in lines:
            self._understand(line.decode().split())
        if not piece:
            self._loop.remove_reader(self._control.fileno())
            self._control.close()
            _ = self._guardian.wait()  # it has closed its end by exiting
            self._among.discard(self)
            for event in (self.started, self.ended, self.gone):
                event.set()

    def _understand(self, words: list[str]) -> None:
        match words:
            case ["started", pid]:
                self.pid = int(pid)
                self.started.set()
            case ["ended", status, peak_kib, cpu_s]:
                code = os.waitstatus_to_exitcode(int(status))
                self.exit = Exit(code=code, signal=None) if code >= 0 else Exit(code=None, signal=-code)
                self._usage = Usage(memory_peak_mib=-(-int(peak_kib) // 1024), cpu_s=float(cpu_s))
                self.ended.set()
            case _:
                raise AssertionError(f"a guardian said {words}")


def _start_guardian(control: socket.socket, channel: socket.socket, output: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_GUARDIAN), str(channel.fileno())],
        stdin=control.fileno(),
        stdout=output,
        stderr=output,
        pass_fds=[channel.fileno()],
        start_new_session=True,
        env={},
    )


def _usage_of(pid: int) -> Usage | None:
    """What a living process has used, where there is a Linux /proc to tell it; without its children."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return Usage(
        memory_peak_mib=-(-int(peak[1]) // 1024) if peak else 0, cpu_s=(int(times[11]) + int(times[12])) / _TICKS_PER_S
    )
