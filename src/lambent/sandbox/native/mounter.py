"""The process that mounts what a sandbox is assigned: the only one below the server that learns where the host keeps it.

    server ── paths + the sandbox's link ─────────────> mounter ── mounts, as descriptors ──> first process, not yet sealed
       └─ paths, its /tmp + its mount namespace ──────────┘ (attaches them there itself, where the sandbox waits sealed)

A guest that waits has its assignment by then, all but the end of the line, which is written here when all is mounted.

Each spawner has one, forked by its builder, with the same user namespace and rights. No sandbox is ever forked from
it, so that what it has been told is in no guest's memory. It has one thread, does one request at a time, and ends with its
spawner or with the server. Defends against: a guest that reads of others' code, digests and host paths in what it inherits.
"""

from __future__ import annotations

import os
import struct
from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_TRUNC, socket
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from lambent.sandbox.native import channel, linux, lockdown, rootfs

_TREES_SPACE: Final = CMSG_SPACE(len(rootfs.TARGETS) * struct.calcsize("i"))
_LOST: Final = MSG_CTRUNC | MSG_TRUNC


def fork(control: int) -> None:
    """Start it, and close `control`, its end of the channel to the server, here. To be called before anything is secret."""
    pid, pidfd = linux.fork(linux.CLONE_NEWNS, None)  # it keeps the host's tree, which the builder leaves
    if pid == 0:
        _live(control)
    os.close(pidfd)
    os.close(control)


def receive_trees(link: int) -> list[tuple[int, str]]:
    """Return, in a sandbox's first process, what the mounter sends it: descriptors of mounts and their targets inside.

    A byte for each target, and no JSON: what is used here for the first time is copied for this sandbox, page by page, which
    takes 0.3 ms more. Raises OSError.
    """
    server = socket(fileno=link)
    targets, ancillary, flags, _ = server.recvmsg(len(rootfs.TARGETS), _TREES_SPACE, MSG_CMSG_CLOEXEC)
    _ = server.detach()
    if not targets:
        raise ConnectionError("the server has let go of the sandbox")
    if flags & _LOST or len(ancillary) != 1:
        raise OSError(channel.CUT)
    trees = struct.unpack(f"{len(targets)}i", ancillary[0][2])
    return [(tree, rootfs.TARGETS[number]) for tree, number in zip(trees, targets, strict=True)]


def _live(control: int) -> NoReturn:
    try:
        lockdown.die_with_parent()
        _ = os.dup2(control, 0, inheritable=False)
        linux.close_from(1)
        _serve(socket(fileno=0), os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC))
    finally:
        os._exit(0)


def _serve(control: socket, namespace: int) -> None:
    while (request := channel.receive(control)) is not None:
        answer: dict[str, Any] = {"id": request.content["id"]}
        tmp: list[int] = []
        try:
            request.require_all()
            _mount(request.content, request.descriptors, namespace, tmp)
        except OSError as error:
            answer["failed"] = str(error)
        request.close()
        channel.send(control, answer, [] if "failed" in answer else tmp)
        for descriptor in tmp:
            os.close(descriptor)


def _mount(request: dict[str, Any], descriptors: Sequence[int], namespace: int, held: list[int]) -> None:
    """Mount what is asked for, and let the guest go on; `held` gets /tmp, held anew, if it was among it."""
    to, *rest = descriptors
    end, tmp = (rest[:1], rest[1:]) if request["ends_line"] else ([], rest)
    targets: list[int] = request["targets"]
    trees: list[int] = []
    try:
        for source in request["sources"]:
            trees.append(rootfs.tree_of(source))  # noqa: PERF401  what is open already must be closed if one fails
        if request["sealed"]:
            held += _attach(trees, targets, request["tmp_mib"], tmp, to, namespace)
        else:
            _send(trees, targets, to)
        for descriptor in end:
            _ = os.write(descriptor, channel.LINE_END)
    finally:
        for tree in trees:
            os.close(tree)


def _send(trees: Sequence[int], targets: Sequence[int], link: int) -> None:
    server = socket(fileno=link)
    try:
        channel.send_bytes(server, bytes(targets), trees)
    finally:
        _ = server.detach()


def _attach(
    trees: Sequence[int], targets: Sequence[int], tmp_mib: int, tmp: Sequence[int], theirs: int, ours: int
) -> list[int]:
    """Mount from outside: what is sealed has no right to do it."""
    linux.setns(theirs, linux.CLONE_NEWNS)
    try:
        for tree, number in zip(trees, targets, strict=True):
            linux.attach(tree, rootfs.TARGETS[number])
        if not tmp:
            rootfs.resize_tmp(tmp_mib)
            return []
        linux.attach(tmp[0], "/tmp")
        return [linux.detached("/tmp")]
    finally:
        linux.setns(ours, linux.CLONE_NEWNS)
