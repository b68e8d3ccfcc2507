"""What a sandbox is, whoever makes it. Every backend satisfies this file and passes the same tests (`tests/contract`).

A **template** is what all sandboxes of one runtime share. A **waiting** sandbox has been made from it and is locked down
already, but has neither code nor environment variables. An **assignment** gives it both; from then on it is a **sandbox**,
which runs a program until that exits or is killed. A sandbox that is **vacated** has no process any more and keeps its
/tmp; another guest of the same function can be started in what it has left. Nothing else outlives a guest.

    prepare(template) -> Waiting -- assign(assignment) --> Sandbox -- exit | vacate --> vacant -- kill --> gone
                                                              ▲                           │
                                                              └── restart(assignment) ────┘

Whoever has a sandbox ends it by `kill` or hands it to `restart`: until then it holds its /tmp, even after its guest's exit.
Outside a sandbox holds: the listeners inside its network, the pipe of its output, the right to freeze and to kill it.
Nothing of what a guest does can raise here; it can only exit.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

RUNTIME_API_PORT: Final = 9001
GATEWAY_PORT: Final = 4566
LISTENER_PORTS: Final = (RUNTIME_API_PORT, GATEWAY_PORT)
LOG_DESCRIPTOR: Final = 4  # AWS's is 62; Node.js closes to its children what lies below the first gap only


class Mount(Struct, frozen=True):
    """A directory or file of the host that the guest sees, read-only, no set-uid, no devices."""

    source: Path
    target: str  # an absolute path inside
    only: tuple[str, ...] | None = None  # names in the directory that are seen, and no others; None: all of them
    instead: tuple[str, str] | None = None  # of a file of text: the second is seen wherever it has the first


class ForkServer(Struct, frozen=True):
    """A started interpreter out of which sandboxes are forked: `preload` is imported once, before the first of them.

    The first of the preload is imported before anything that the backend imports for itself.
    """

    interpreter: str  # a Python from 3.10, as guests see it
    path: tuple[str, ...]  # sys.path, of paths inside
    preload: tuple[str, ...]  # modules
    entry: str  # "module:function", called without arguments in the forked process, after os.environ was set
    rehearse: str | None = (
        None  # likewise; with False before the first fork, with True in a fork that waits, if it does
    )


class Template(Struct, frozen=True):
    """What every sandbox of one runtime shares; a backend prepares it once, when it is first needed.

    With `fork_server`, a sandbox is a fork of that interpreter. With `boot`, the program is started when the sandbox is
    prepared, and reads its assignment as one line of JSON ({"environment", "cwd", "argv"}) from descriptor 3. With neither,
    the assignment's `argv` is executed. The host's /usr is there unless a mount has the target /usr.

    With `framed_log`, the first program of a guest has LOG_DESCRIPTOR: another way into the pipe of its output. It is another
    open file description (where the machine can make one), which always waits for room, whatever a guest has made of its
    stdout. The program keeps it from its children.

    `options` are numbers that a program must know when it starts: `boot` is executed with each as `name=number`, before its
    other arguments. What templates that differ in nothing else share is made once for all of them.
    """

    name: str
    mounts: tuple[Mount, ...] = ()
    fork_server: ForkServer | None = None
    boot: tuple[str, ...] = ()
    framed_log: bool = False  # whether its runtime writes records of its log in frames
    options: tuple[tuple[str, int], ...] = ()
    base: tuple[Path, ...] = ()  # directories whose files, 1 MB at most, are copied into the root, later ones last
    account: str = ""  # whose guests they are: what guests share, they share with none of another account

    @property
    def arguments(self) -> list[str]:
        """The options as words of a command line."""
        return [f"{name}={number}" for name, number in self.options]


class Limits(Struct, frozen=True):
    memory_mib: int
    tmp_mib: int = 512
    cpus: float = 1.0  # of one processor's time; 0.25 is a quarter of it
    processes: int = 1024  # threads count too
    open_files: int = 1024


class Assignment(Struct, frozen=True):
    """What makes a waiting sandbox this function's."""

    mounts: tuple[Mount, ...]
    environment: dict[str, str]
    argv: tuple[str, ...]
    limits: Limits
    cwd: str = "/var/task"
    fresh: bool = (
        False  # execute `argv` even if the template forks or has booted: its environment must be there before it
    )


class Exit(Struct, frozen=True):
    """How the program ended: exactly one of `code` and `signal` is set."""

    code: int | None
    signal: int | None
    out_of_memory: bool = False


class Usage(Struct, frozen=True):
    memory_peak_mib: int
    cpu_s: float


class SandboxError(Exception):
    """A sandbox could not be made; the text says what failed, and what to do where something can be done."""


class Unavailable(SandboxError):
    """This machine, or this user on it, cannot have this backend at all; the text names what is missing and the way out."""


class Waiting(Protocol):
    """A sandbox that is made and locked down, and waits. It is assigned once, or killed."""

    template: Template

    @property
    def alive(self) -> bool: ...

    @property
    def stale(self) -> bool:
        """Whether another should take its place when there is time: what it shares with others has served its term."""
        ...

    async def kill(self) -> None: ...


class Sandbox(Protocol):
    """One guest's life in a sandbox. All methods may be called after its end, and then do nothing."""

    pid: int  # of its first process, as the host numbers it; all its others descend from that one

    @property
    def listeners(self) -> Mapping[int, socket.socket]:
        """By port, non-blocking sockets that listen on 127.0.0.1 inside the sandbox. The caller closes them."""
        ...

    @property
    def output(self) -> int:
        """The non-blocking read end of the pipe that is its stdout and stderr. The caller closes it, after its end."""
        ...

    def freeze(self) -> None:
        """No process in it runs until `thaw`. Idempotent, and costs one write(2); it may take effect a moment later."""
        ...

    def thaw(self) -> None:
        """Undo `freeze`. Idempotent, one write(2)."""
        ...

    def set_cpus(self, cpus: float) -> None:
        """Change the share of processor time (an init phase may have more of it than what follows)."""
        ...

    def weigh(self, weight: float) -> None:
        """Give it so much of the processors, beside others that have 1, when they are short. 1/64 is the least."""
        ...

    async def exited(self) -> Exit:
        """Wait for the end of the program. Any number of tasks may wait; a late one gets the answer at once."""
        ...

    async def vacate(self) -> None:
        """Return when it is gone with all its descendants; what `restart` needs stays. Idempotent; safe to cancel."""
        ...

    @property
    def vacant(self) -> bool:
        """Whether it is vacated, and another guest can be started in it: a `restart` that was cancelled has used it up."""
        ...

    async def kill(self) -> None:
        """Return when it is gone with all its descendants, its cgroup and its mounts. Idempotent; safe to cancel."""
        ...

    def memory_peak_mib(self) -> int:
        """The first number of `usage` alone: one read(2), since it is asked after every invocation."""
        ...

    def usage(self) -> Usage:
        """What it has used until now, or had used when it ended; zeros where the machine cannot tell."""
        ...


class Backend(Protocol):
    """Makes sandboxes. It is an `async with` block whose end kills all of them."""

    @property
    def name(self) -> str: ...

    def total_bytes(self) -> int:
        """The memory that there is for this process and all sandboxes."""
        ...

    def used_bytes(self) -> int | None:
        """The memory that all sandboxes use now; None where the machine cannot tell it apart."""
        ...

    def bound(self, bytes_: int) -> None:
        """Have the kernel keep all sandboxes together below so many bytes, if it can."""
        ...

    def visible(self, mount: Mount) -> str:
        """The path under which the guest sees the mount: its target, or its source where nothing is isolated."""
        ...

    async def prepare(self, template: Template) -> Waiting:
        """Make a sandbox that waits. Raises SandboxError."""
        ...

    async def assign(self, waiting: Waiting, assignment: Assignment) -> Sandbox:
        """Turn it into a running one; when this raises SandboxError, or is cancelled, the waiting one is gone."""
        ...

    async def start(self, template: Template, assignment: Assignment) -> Sandbox:
        """Prepare and assign in one step, which is quicker than two. Raises SandboxError."""
        ...

    async def restart(self, vacated: Sandbox, assignment: Assignment) -> Sandbox:
        """Start another guest, as new as the first was, that finds in /tmp what the last one left there.

        The assignment is one of the same function. The vacated sandbox is gone then, also when this raises SandboxError or
        is cancelled.
        """
        ...
