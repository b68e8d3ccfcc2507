"""The program that makes sandboxes: started by the server, one for each template, with rights that no guest ever has.

    server ── numbers, descriptors ──> spawner ── fork ──> sandbox's first process ── fork ──> guest
       ├──────────────────────────── link ────────────────────────────┘                         │
       └───────────────────────── assignment ───────────────────────────────────────────────────┘

It begins where its `builder` ends: inside the root that guests see. It imports the preload there, and then obeys: `prepare`
a sandbox, `forget` one that is gone. Every guest inherits its memory, what has been freed there included. So nothing of any
guest comes here: a request holds numbers and fixed words, and what is a guest's own goes past it, by descriptors that it
hands on.

It has one thread, and listens to nobody but the server, by a socketpair; when that closes, the server is dead, and so is
everything that was forked here, a moment later.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import json
import os
import signal
import sys
from _socket import socket
from functools import partial
from typing import Any, Final, NoReturn

from lambent.sandbox.native import channel, group_tree, guest, init, linux, lockdown, rootfs, seccomp

_COMMAND_LINE: Final = b"sandbox"  # what guests see of it, and of themselves if they are forked
_NO_ROOM: Final = (errno.EMFILE, errno.ETOOMANYREFS)


class _Spawner:
    def __init__(self, control: socket, template: dict[str, Any], group_roots: list[int], filter_: bytes) -> None:
        self._itself: Final = self  # a guest lets go of it, and must not free it: that would write to all its pages
        self._template: Final = template
        self._control: Final = control
        self._boot: Final[list[str]] = template["boot"]
        self._group_name: Final[str] = template["groups"]
        self._group_roots: Final = group_roots
        self._sandboxes: Final[dict[int, int]] = {}  # pidfds: numbers, because a fork closes them by number
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
            last_capability = int(file.read())
        lockdown.shrink_bounding_set(last_capability)
        self._world: Final = init.World(
            nested=template["nested"],
            filter_=seccomp.Filter(filter_),
            last_capability=last_capability,
            hide=rootfs.hidden(),
        )
        self._entry, self._rehearse = _preloaded(template["fork"])
        self._ours: Final = [name for name in sys.modules if name.partition(".")[0] == "lambent"]
        os.environ.clear()
        _ = gc.collect()
        gc.disable()
        gc.freeze()  # what is shared stays shared: the collector would write to it

    def serve(self) -> guest.Entry:
        """Obey until the server is gone. Returns only in a guest: what it must call, with nothing of this on its stack."""
        channel.send(self._control, {"ready": True})
        while True:
            message = channel.receive(self._control)
            if message is None:
                self._end()
            request = message.content
            answer: dict[str, Any] = {"id": request["id"]}
            try:
                message.require_all()
                if request["do"] == "prepare":
                    answer["pid"] = self._prepare(request, message.descriptors)
                    if answer["pid"] == 0:
                        _ = self._control.detach()
                        boot = [*self._boot[:1], *request["options"], *self._boot[1:]] if request["boot"] else ()
                        return partial(
                            guest.run, boot, self._entry, self._rehearse if request["waits"] else None, self._ours
                        )
                else:
                    self._forget(request["sandbox"])
            except Exception as error:
                answer["failed"] = str(error)
            message.close()
            self._answer(answer)

    def _prepare(self, request: dict[str, Any], descriptors: list[int]) -> int:
        into = descriptors.pop() if request["into_cgroup"] else None
        try:
            pid, pidfd = linux.fork(linux.CLONE_NEWPID, into)
        finally:
            if into is not None:
                os.close(into)
        if pid == 0:
            init.found(self._world, request, descriptors)
            return 0
        self._sandboxes[request["id"]] = pidfd
        return pid

    def _answer(self, answer: dict[str, Any]) -> None:
        pidfd = self._sandboxes.get(answer["id"])
        try:
            channel.send(self._control, answer, [] if pidfd is None else [pidfd])
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            self._forget(answer["id"])
            channel.send(self._control, {"id": answer["id"], "failed": str(error)})

    def _forget(self, number: int) -> None:
        """Let go of a sandbox that is gone; kill one that is not: the server has lost it."""
        pidfd = self._sandboxes.pop(number, None)
        if pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)

    def _end(self) -> NoReturn:
        """The server is gone: leave nothing that was made for it."""
        for root in self._group_roots:
            group_tree.release(root, self._group_name)
        for pidfd in self._sandboxes.values():
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        for root in self._group_roots:
            group_tree.remove(root, self._group_name)
        os._exit(0)


def _preloaded(fork: dict[str, Any] | None) -> tuple[guest.Entry | None, guest.Rehearse | None]:
    """Import the template's modules where the guests see them, under the same names, and rehearse what guests will do.

    Return what a guest calls with its assignment, and before.
    """
    sys.dont_write_bytecode = True
    entry = rehearse = None
    if fork is not None:
        library = [path for path in sys.path if path.startswith((sys.base_prefix, sys.base_exec_prefix))]
        sys.path[:] = dict.fromkeys([*fork["path"], *library])
        sys.path_importer_cache.clear()
        for name in fork["preload"]:
            _ = importlib.import_module(name)
        entry = _named(fork["entry"])
        if fork["rehearse"]:
            rehearse = _named(fork["rehearse"])
            _ = rehearse(False)
        if len(os.listdir("/proc/self/task")) != 1:
            raise RuntimeError("the preload has started threads, which a fork does not copy")
    return entry, rehearse


def _named(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def run(template: dict[str, Any], descriptors: list[int], filter_: bytes) -> None:
    """Serve, inside the root. `descriptors`: the channel to the server, and the roots of the control groups.

    `filter_` is the seccomp program of guests.

    Returns in a guest whose function has returned.
    """
    control = socket(fileno=descriptors[0])
    try:
        sys.argv[:] = [""]
        linux.set_command_line(_COMMAND_LINE)
        lockdown.empty_cores()
        _ = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; who died, the server learns by pidfd
        spawner = _Spawner(control, template, descriptors[1:], filter_)
    except Exception as error:
        with contextlib.suppress(OSError):
            channel.send(control, {"failed": f"{type(error).__name__}: {error}"})
        return
    become = spawner.serve()
    del spawner, control
    _ = become()


def main() -> None:
    """As a program of its own, executed by the builder inside the root."""
    facts, *descriptors = sys.argv[1:]
    template: dict[str, Any] = json.loads(facts)
    filter_ = seccomp.program(linux.MACHINE, gated=True)
    rootfs.hide_ours()
    for descriptor in map(int, descriptors):
        os.set_inheritable(descriptor, False)
    run(template, [*map(int, descriptors)], filter_)
