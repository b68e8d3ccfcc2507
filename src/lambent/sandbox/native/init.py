"""The first process of a sandbox: it makes the rest of the sandbox, locks itself in, forks the guest and waits for it.

    spawner ── clone3(new pid namespace, cgroup) ──> first process (pid 1) ── fork ──> guest (pid 2)

Locked down before the guest exists, it is a reaper from then on: it collects orphans, tells the server how the guest ended,
and ends itself, at which the kernel kills whatever is left in the namespace. The guest has the same user but cannot harm it:
it is not dumpable, and pid 1 takes no signal from below. It decides how many sockets of some kinds the guest may make
(`gate`). Where cgroups do not, it also stops and continues the guest's processes, and it limits one that has booted.

Where another guest ran before in this sandbox nothing is left of it but its /tmp, which is given as a detached mount: this
process, its namespaces and the listeners in them are as new as those of a first guest.

What it mounts for its guest it gets as descriptors (`mounter`), and never learns where the host keeps it.

Descriptors: 0 null, 1 and 2 the guest's output, 3 the guest's assignment, 4 the guest's log, which is its output as well, 5
the link to the server; at first also 6, a pidfd of the spawner, 7.. cgroup files to join, and behind them /tmp.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
from _signal import SIG_DFL, SIGCHLD  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
from _signal import signal as set_handler  # pyright: ignore[reportMissingImports, reportUnknownVariableType]
from _socket import socket
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from lambent.sandbox.native import channel, gate, linux, lockdown, mounter, network, rootfs, seccomp

ASSIGNMENT: Final = 3
LOG: Final = 4  # where the template has it
_LINK: Final = 5
_SPAWNER: Final = 6
_FIRST_CGROUP: Final = 7
_FREE: Final = 64  # above every descriptor with a fixed number

_SIGNALS: Final = 4096  # bytes of pending signals to read at once
_NAMESPACES: Final = (
    linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP
)


class World:
    """What every sandbox needs to know of the spawner it is forked from."""

    def __init__(self, *, nested: bool, filter_: seccomp.Filter, last_capability: int, hide: Sequence[str]) -> None:
        self.nested: Final = nested  # not root: sandboxes get user namespaces of their own
        self.filter: Final = filter_
        self.last_capability: Final = last_capability
        self.hide: Final = hide
        self.spawner: Final = os.pidfd_open(os.getpid())


def found(world: World, request: dict[str, Any], given: Sequence[int]) -> None:
    """Turn the process just forked into a sandbox's first, and return in its guest.

    `given`: the link, the output, the guest's end of its assignment, /tmp if the request has it, cgroup files.
    """
    try:
        set_handler(SIGCHLD, SIG_DFL)  # not `signal.signal`, which has enumerations around it
        tmp = _arrange(given, world.spawner, has_tmp=request["has_tmp"])
        if request["framed_log"]:
            _open_log()
        held_outside, listener = _build(world, request, _SPAWNER, tmp)
        children = linux.children_descriptor()
        guest = os.fork()
        if guest:
            _serve(held_outside, guest, children, gate.Gate(listener), listener)
        _leave(framed_log=request["framed_log"])
    except BaseException as error:
        _fail(error)


def _leave(*, framed_log: bool) -> None:
    """Give up, in the guest, what belongs to the first process."""
    linux.close_from(_LINK if framed_log else LOG)
    linux.unblock_signals()
    lockdown.make_dumpable()


def _arrange(given: Sequence[int], spawner: int, *, has_tmp: bool) -> int | None:
    """Give every descriptor its number, close all others, and return that of /tmp, if there is one already."""
    link, output, assignment, *rest = given
    tmp, cgroup = (rest[:1], rest[1:]) if has_tmp else ([], rest)
    wanted = [output, output, assignment, output, link, spawner, *cgroup, *tmp]
    safe = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FREE) for descriptor in wanted]
    for target, source in enumerate(safe, start=1):
        _ = os.dup2(source, target, inheritable=target <= LOG)
    linux.close_from(len(safe) + 1)
    behind_cgroups = _FIRST_CGROUP + len(cgroup)
    for descriptor in range(_FIRST_CGROUP, behind_cgroups):
        _ = os.write(descriptor, b"0")
        os.close(descriptor)
    return behind_cgroups if has_tmp else None


def _open_log() -> None:
    """Make the log an open file description of its own: if a guest's stdout does not wait for room, its log still does."""
    log = os.open("/proc/self/fd/1", os.O_WRONLY | os.O_CLOEXEC)
    _ = os.dup2(log, LOG)
    os.close(log)


def _build(world: World, request: dict[str, Any], spawner: int, tmp: int | None) -> tuple[list[int], int]:
    """Make the sandbox's namespaces and what is in them, and give up everything else.

    Return the listener of its filter, after what is held outside: its listeners, its /tmp and, if it waits, the namespace
    into which its code is mounted later, which nobody could open once this process is sealed.
    """
    itself = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    linux.unshare(_NAMESPACES)
    mounts = [os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)] if request["waits"] else []
    kept_tmp = rootfs.complete(tmp, request["tmp_mib"], world.hide)
    if request["mounts"]:
        rootfs.attach_all(mounter.receive_trees(_LINK))
    if tmp is not None:
        os.close(tmp)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    _ = os.dup2(null, 0)
    os.close(null)
    network.raise_loopback()
    listeners = network.listen(request["ports"])
    _ = os.setsid()
    _ = os.umask(0o022)
    if world.nested:
        lockdown.become_user_of_nested_namespace(itself)
        lockdown.shrink_bounding_set(world.last_capability)  # a new user namespace has it full again
        lockdown.limit(request["limits"])  # in there: else the processes of this user outside would count
    else:
        lockdown.limit(request["limits"])  # as root, who may raise what the machine gives
        lockdown.become_user(request["uid"])
    lockdown.drop_capabilities()
    gated = lockdown.seal(world.filter, spawner)
    os.close(spawner)
    os.close(itself)
    return [*listeners, kept_tmp, *mounts], gated


def _serve(held_outside: Sequence[int], guest: int, children: int, gate_: gate.Gate, gated: int) -> NoReturn:
    """Be the sandbox's pid 1 until the guest ends. `children` is readable when one has, `gated` when a call waits."""
    link = socket(fileno=_LINK)
    channel.send(link, {"made": True}, held_outside)
    for descriptor in (1, 2, ASSIGNMENT, LOG):
        _ = os.dup2(0, descriptor)
    for descriptor in held_outside:
        os.close(descriptor)
    gate_.rehearse()
    poller = select.poll()
    for descriptor in (children, gated, _LINK):
        poller.register(descriptor, select.POLLIN)
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == children:
                _ = os.read(children, _SIGNALS)
                while _reaped(link, guest):
                    pass
            elif descriptor == gated:
                gate_.answer()
            elif (received := channel.receive(link)) is not None:
                _obey(received.content, guest)
            else:
                os._exit(0)


def _reaped(link: socket, guest: int) -> bool:
    """Collect a child that has ended, if there is one; with the guest, end."""
    pid, status = os.waitpid(-1, os.WNOHANG)
    if pid == guest:
        code = os.waitstatus_to_exitcode(status)
        channel.send(link, {"code": code} if code >= 0 else {"signal": -code})
        os._exit(0)
    return pid != 0


def _obey(order: dict[str, Any], guest: int) -> None:
    """Do for the server what only a process inside, of the same user, can do."""
    if "limits" in order:
        lockdown.limit(order["limits"], guest)
        return
    with contextlib.suppress(ProcessLookupError):  # everyone of the namespace but this process
        os.kill(-1, signal.SIGSTOP if order["stopped"] else signal.SIGCONT)


def _fail(error: BaseException) -> NoReturn:
    """Tell the server, where that is possible, and end."""
    with contextlib.suppress(OSError):
        channel.send(socket(fileno=_LINK), {"failed": str(error) or repr(error)})
    os._exit(1)
