"""The program that makes sandboxes: started by the server, one for each template, with rights that no guest ever has.

    server ── requests ──> spawner ── fork ──> sandbox's first process ── fork ──> guest
       └────────────────── link ──────────────────────┘

It reads its template, builds the root, imports the preload inside it, and then obeys: `prepare` a sandbox, `assign` one that
waits, `forget` one that is gone. It has one thread, holds no secret and no descriptor but its own, and listens to nobody but
the server, by a socketpair; when that closes, the server is dead, and so is everything that was forked here, a moment later.

Run as `python -S -I -c "..." DIRECTORY DESCRIPTOR`, by any Python from 3.10; see `spawners.ARGV`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from functools import partial
from typing import Any, Final, NamedTuple, NoReturn

from lambent.sandbox.native import channel, group_tree, guest, init, linux, lockdown, rootfs, seccomp

_USERS_INSIDE: Final = (lockdown.GUEST_UID,)


class _Sandbox(NamedTuple):
    """Descriptors as numbers, not objects: a fork closes them by number, and must not close another's when objects die."""

    pidfd: int
    assignment: int  # a stream to the guest


class _Spawner:
    def __init__(self, control: socket.socket, template: dict[str, Any], group_roots: list[int]) -> None:
        self._itself: Final = self  # a guest lets go of it, and must not free it: that would write to all its pages
        self._template: Final = template
        self._control: Final = control
        self._boot: Final[list[str]] = template["boot"]
        self._group_name: Final[str] = template["groups"]
        self._group_roots: Final = group_roots
        self._sandboxes: Final[dict[int, _Sandbox]] = {}
        if template["nested"]:
            itself = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            lockdown.enter_user_namespace(itself, 0, 0)
            os.close(itself)
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
        users = _USERS_INSIDE if template["nested"] else range(template["first_uid"], template["last_uid"] + 1)
        rootfs.build(template["mounts"], users)
        self._namespace: Final = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
            last_capability = int(file.read())
        lockdown.shrink_bounding_set(last_capability)
        self._world: Final = init.World(
            nested=template["nested"],
            filter_=seccomp.Filter(seccomp.program(linux.MACHINE, gated=True)),
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
        _ = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps; who died, the server learns by pidfd
        channel.send(self._control, {"ready": True})
        while True:
            received = channel.receive(self._control)
            if received is None:
                self._end()
            request, descriptors = received
            answer: dict[str, Any] = {"id": request["id"]}
            pidfd: int | None = None
            try:
                if request["do"] == "prepare":
                    answer["pid"], pidfd = self._prepare(request, descriptors)
                    if answer["pid"] == 0:
                        _ = self._control.detach()
                        boot = self._boot if request["boot"] else ()
                        return partial(
                            guest.run, boot, self._entry, self._rehearse if request["waits"] else None, self._ours
                        )
                elif request["do"] == "assign":
                    self._assign(request)
                else:
                    self._forget(request["sandbox"])
            except Exception as error:
                answer["failed"] = str(error)
            for descriptor in descriptors:
                os.close(descriptor)
            channel.send(self._control, answer, [] if pidfd is None else [pidfd])

    def _prepare(self, request: dict[str, Any], descriptors: list[int]) -> tuple[int, int]:
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        into = descriptors.pop() if request["into_cgroup"] else None
        try:
            pid, pidfd = linux.fork(linux.CLONE_NEWPID, into)
        finally:
            if into is not None:
                os.close(into)
        if pid == 0:
            _ = near.detach()
            init.found(self._world, request, descriptors, far.detach())
            return 0, -1
        far.close()
        sandbox = self._sandboxes[request["id"]] = _Sandbox(pidfd, near.detach())
        if not request["waits"]:
            _send_assignment(sandbox.assignment, request["assignment"])
        return pid, pidfd

    def _assign(self, request: dict[str, Any]) -> None:
        """Mount the code from outside: what waits has no right to do it."""
        sandbox = self._sandboxes[request["sandbox"]]
        with socket.socket(fileno=os.dup(sandbox.assignment)) as guest_end:
            _, namespaces, _, _ = socket.recv_fds(guest_end, 1, 1)
        trees: list[tuple[int, str]] = []
        try:
            for source, target in request["mounts"]:
                trees.append((linux.read_only_tree(source), target))
            linux.setns(namespaces[0], linux.CLONE_NEWNS)
            try:
                rootfs.resize_tmp(request["tmp_mib"])
                for tree, target in trees:
                    linux.attach(tree, target)
            finally:
                linux.setns(self._namespace, linux.CLONE_NEWNS)
        finally:
            for descriptor in (*namespaces, *(tree for tree, _ in trees)):
                os.close(descriptor)
        _send_assignment(sandbox.assignment, request["assignment"])

    def _forget(self, number: int) -> None:
        sandbox = self._sandboxes.pop(number, None)
        if sandbox is not None:
            os.close(sandbox.pidfd)
            os.close(sandbox.assignment)

    def _end(self) -> NoReturn:
        """The server is gone: leave nothing that was made for it."""
        for root in self._group_roots:
            group_tree.release(root, self._group_name)
        for sandbox in self._sandboxes.values():
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(sandbox.pidfd, signal.SIGKILL)
        for root in self._group_roots:
            group_tree.remove(root, self._group_name)
        os._exit(0)


def _send_assignment(to: int, assignment: dict[str, Any]) -> None:
    line = json.dumps(assignment, separators=(",", ":")).encode() + b"\n"
    while line:
        line = line[os.write(to, line) :]


def _preloaded(fork: dict[str, Any] | None) -> tuple[guest.Entry | None, guest.Rehearse | None]:
    """Import the template's modules where the guests see them, under the same names, and rehearse what guests will do.

    Return what a guest calls with its assignment, and before.
    """
    sys.dont_write_bytecode = True
    entry = rehearse = None
    if fork is not None:
        host = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        os.chroot(rootfs.ROOT)
        os.chdir("/")
        try:
            library = [path for path in sys.path if path.startswith((sys.base_prefix, sys.base_exec_prefix))]
            sys.path[:] = dict.fromkeys([*fork["path"], *library])
            sys.path_importer_cache.clear()
            for name in fork["preload"]:
                _ = importlib.import_module(name)
            entry = _named(fork["entry"])
            if fork["rehearse"]:
                rehearse = _named(fork["rehearse"])
                _ = rehearse(False)
        finally:
            os.fchdir(host)
            os.chroot(".")
            os.close(host)
        if len(os.listdir("/proc/self/task")) != 1:
            raise RuntimeError("the preload has started threads, which a fork does not copy")
    return entry, rehearse


def _named(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[2]))
    sys.argv[:] = [""]
    try:
        received = channel.receive(control)
        if received is None:
            return
        spawner = _Spawner(control, *received)
    except Exception as error:
        failure = {"failed": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        with contextlib.suppress(OSError):
            channel.send(control, failure)
        return
    become = spawner.serve()
    del spawner, control, received
    _ = become()
