"""The native backend, as the server sees it: spawners by template, sandboxes by the dozen, and an end that leaves nothing.

    start(template, assignment)
      the template's spawner (started when first needed) ─ ground ─ request ─ its first process says it is made
    restart(vacated, assignment)
      the same, on the ground that the vacated sandbox has left

Everything belongs to the `native` block: leaving it kills all sandboxes at once, ends the spawners and removes the groups.
If this process is killed instead, its spawners see their channel close and do the same; what even they cannot do, because
they were killed too, the kernel does to the processes (each dies with its spawner) and the next start to the groups.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct, structs

from lambent.sandbox import memory
from lambent.sandbox.contract import (
    LISTENER_PORTS,
    Assignment,
    Limits,
    Mount,
    Sandbox,
    SandboxError,
    Template,
    Unavailable,
    Waiting,
)
from lambent.sandbox.native import instance, linux, resources, rootfs, tmps
from lambent.sandbox.native.generations import Generations, Start, Terms
from lambent.sandbox.native.ground import Ground
from lambent.sandbox.native.hierarchies import discover
from lambent.sandbox.native.images import Image
from lambent.sandbox.native.machine import OLDEST_KERNEL, kernel_version
from lambent.sandbox.native.sandboxes import NativeSandbox
from lambent.sandbox.native.spawners import Spawner
from lambent.sandbox.native.users import Users, users
from lambent.storage.disk import Disk

_WAITING: Final = Limits(memory_mib=0)  # until it is assigned: only what can be changed then, or must not be
_END_S: Final = 2.0


class NativeConfig(Struct, frozen=True):
    limits: Literal["enforced", "best-effort"] = (
        "enforced"  # best-effort: without cgroups, by each process's own limits
    )
    images: Path | None = None  # the directory on the disk that /tmp is on, where this machine allows it; None: memory
    reserve_bytes: int = 512 * 1024 * 1024  # of that disk, which no /tmp takes
    terms: Terms = Terms()


class Facts(NamedTuple):
    """What this machine gives."""

    user_namespace: bool
    cgroup_version: str  # "1", "2", "hybrid" or "none"
    missing_limits: tuple[str, ...]
    kernel: str


class NativeBackend:
    """Made by `native`."""

    def __init__(
        self, groups: instance.Instance, who: Users, images: tmps.Tmps, generations: Callable[[Start], Generations]
    ) -> None:
        self._groups: Final = groups
        self._resources: Final = resources.of_this_machine(groups.missing, kernel_version(), nested=who.nested)
        self._users: Final = who
        self._tmps: Final = images
        self._generations: Final = generations(self._started)
        self._sandboxes: Final[set[NativeSandbox]] = set()
        self._made = 0
        self._closing = False
        self.facts: Final = Facts(who.nested, groups.version, tuple(groups.missing), os.uname().release)

    @property
    def name(self) -> str:
        return "native"

    def total_bytes(self) -> int:
        return memory.total_bytes(self._groups.memory)

    def used_bytes(self) -> int | None:
        return self._groups.memory_used_bytes()

    def bound(self, bytes_: int) -> None:
        self._groups.bound_memory(bytes_)

    def visible(self, mount: Mount) -> str:
        return mount.target

    async def why_tmp_in_memory(self) -> str:
        """Return why /tmp is memory here, or "" where it is on disk; known once the first image has been made or not."""
        return await self._tmps.why_in_memory()

    async def prepare(self, template: Template) -> NativeSandbox:
        return await self._make(template, None, None)

    async def start(self, template: Template, assignment: Assignment) -> NativeSandbox:
        return await self._make(template, assignment, None)

    async def restart(self, vacated: Sandbox, assignment: Assignment) -> NativeSandbox:
        assert isinstance(vacated, NativeSandbox)
        return await self._make(vacated.template, assignment, vacated)

    async def assign(self, waiting: Waiting, assignment: Assignment) -> NativeSandbox:
        assert isinstance(waiting, NativeSandbox)
        if waiting.booted and assignment.fresh:
            await waiting.kill()
            return await self.start(waiting.template, assignment)
        waiting.be_assigned()
        try:
            await self._assign(waiting, assignment)
        except BaseException:
            waiting.discard()
            waiting.abandon()
            raise
        return waiting

    async def retire(self, template: Template) -> None:
        """End what the template's sandboxes share, and them; the next that is asked for has it started anew."""
        await self._generations.retire(_common(template))

    async def end(self) -> None:
        """Kill everything, concurrently."""
        self._closing = True
        sandboxes = list(self._sandboxes)
        for sandbox in sandboxes:
            sandbox.discard()
        if sandboxes:
            _ = await asyncio.wait([sandbox.gone for sandbox in sandboxes], timeout=_END_S)
        await self._generations.end()

    async def _make(
        self, template: Template, assignment: Assignment | None, vacated: NativeSandbox | None
    ) -> NativeSandbox:
        try:
            mounts = _sources(assignment)
            spawner = await self._generations.spawner(_common(template), newest=assignment is None)
            image = (
                None if assignment is None or vacated is not None else await self._tmps.take(assignment.limits.tmp_mib)
            )
            ground = self._ground(assignment, vacated, image)
        except BaseException:
            if vacated is not None:
                vacated.discard()
            raise
        sandbox = self._founded(spawner, template, ground)
        if assignment is not None:
            sandbox.be_assigned()
        booted = sandbox.booted = bool(template.boot) and not (assignment and assignment.fresh)
        limits = assignment.limits if assignment else _WAITING
        request = {
            "id": sandbox.number,
            "do": "prepare",
            "uid": ground.uid,
            "ports": LISTENER_PORTS,
            "limits": self._resources.of(limits),
            "boot": booted,
            "framed_log": template.framed_log,
            "options": template.arguments,
            "tmp_mib": limits.tmp_mib,
            "mounts": len(mounts),
        }
        try:
            await sandbox.ask_for(request)
            if assignment is not None:
                await sandbox.provide(mounts, limits.tmp_mib, self._line(assignment))
            await asyncio.shield(sandbox.made)
        except BaseException:
            sandbox.discard()
            sandbox.abandon()
            raise
        return sandbox

    def _ground(self, assignment: Assignment | None, vacated: NativeSandbox | None, image: Image | None) -> Ground:
        """Give a sandbox that is to be made its groups, its user and its /tmp, or those of the one whose place it takes."""
        try:
            ground = self._new_ground() if vacated is None else vacated.hand_over()
        except SandboxError:
            if image is not None:
                self._tmps.drop(image)
            raise
        if image is not None:
            ground.stand_on(image)
        try:
            if ground.group is not None and vacated is not None:
                ground.group.count_anew()
            if ground.group is not None and assignment is not None:
                ground.group.limit(assignment.limits, ground.tmp_used_mib())
        except OSError as error:
            ground.clear(lambda: None)
            raise SandboxError(f"the control group cannot be set: {error}") from error
        return ground

    def _new_ground(self) -> Ground:
        if self._closing:
            raise SandboxError("the backend is closing")
        uid = self._users.take()
        self._made += 1
        try:
            group = self._groups.group(str(self._made)) if self._groups.usable else None
        except OSError as error:
            self._users.give_back(uid)
            raise SandboxError(f"no control group could be made: {error}") from error
        return Ground(uid, group, self._users.give_back, self._tmps.forget)

    def _founded(self, spawner: Spawner, template: Template, ground: Ground) -> NativeSandbox:
        def gone(sandbox: NativeSandbox) -> None:
            self._sandboxes.discard(sandbox)
            self._generations.release(spawner)

        try:
            sandbox = NativeSandbox(template, spawner, ground, gone)
        except OSError as error:
            ground.clear(lambda: None)
            raise SandboxError(f"no sandbox of {template.name} could be made: {error}") from error
        self._sandboxes.add(sandbox)
        return sandbox

    async def _assign(self, waiting: NativeSandbox, assignment: Assignment) -> None:
        if not waiting.alive:
            raise SandboxError(f"the waiting sandbox of {waiting.template.name} has died")
        try:
            waiting.limit(assignment.limits, self._resources.of(assignment.limits))
        except OSError as error:
            raise SandboxError(f"the limits of the sandbox cannot be set: {error}") from error
        sources = _sources(assignment)
        if (image := await self._tmps.take(assignment.limits.tmp_mib)) is not None:
            if not waiting.alive:
                self._tmps.drop(image)
                raise SandboxError(f"the waiting sandbox of {waiting.template.name} has died")
            waiting.ground.stand_on(image)
        await waiting.provide(sources, assignment.limits.tmp_mib, self._line(assignment))

    def _line(self, assignment: Assignment) -> dict[str, Any]:
        """Return what only the guest is told."""
        return {
            "environment": assignment.environment,
            "cwd": assignment.cwd,
            "argv": assignment.argv,
            "fresh": assignment.fresh,
            "limits": self._resources.of(assignment.limits),
        }

    async def _started(self, template: Template) -> Spawner:
        """Return a new spawner of the template. Raises SandboxError."""
        if self._closing:
            raise SandboxError("the backend is closing")
        spawner = Spawner(template.name)
        try:
            await self._instruct(spawner, template)
        except BaseException:
            await spawner.kill()
            raise
        return spawner

    async def _instruct(self, spawner: Spawner, template: Template) -> None:
        fork = template.fork_server
        roots = [os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for path in self._groups.directories]
        try:
            await spawner.become(
                {
                    "nested": self._users.nested,
                    "first_uid": self._users.first,
                    "last_uid": self._users.last,
                    "groups": self._groups.name,
                    "mounts": [(str(m.source), m.target, m.only, m.instead) for m in template.mounts],
                    "base": [str(directory) for directory in template.base],
                    "boot": template.boot,
                    "fork": fork and structs.asdict(fork),
                },
                roots,
            )
        finally:
            for root in roots:
                os.close(root)


@asynccontextmanager
async def native(config: NativeConfig, clock: Callable[[], float] = time.monotonic) -> AsyncGenerator[NativeBackend]:
    """The backend; leaving the block kills every sandbox. Raises Unavailable."""
    _require_kernel()
    with instance.opened(discover()) as groups:
        if groups.missing and config.limits == "enforced":
            raise Unavailable(_explained(groups))
        who = users()
        images = tmps.opened(None if who.nested else config.images, _room(config))
        async with images as taken, asyncio.TaskGroup() as tasks:
            backend = NativeBackend(groups, who, taken, partial(Generations, config.terms, tasks, clock))
            try:
                yield backend
            finally:
                await backend.end()


def _room(config: NativeConfig) -> Callable[[], int]:
    """Return what tells the bytes that guests may take of the disk."""
    return (lambda: 0) if config.images is None else Disk(config.images, config.reserve_bytes).room_bytes


def _common(template: Template) -> Template:
    """Return what a spawner is of: options are told it with each request."""
    return structs.replace(template, options=()) if template.options else template


def _sources(assignment: Assignment | None) -> dict[int, str]:
    """Return what an assignment has mounted: for each number of a target, where it is on the host. Raises SandboxError."""
    try:
        return (
            {rootfs.TARGETS.index(mount.target): str(mount.source) for mount in assignment.mounts} if assignment else {}
        )
    except ValueError:
        raise SandboxError(f"an assignment mounts at {' and '.join(rootfs.TARGETS)} only") from None


def _require_kernel() -> None:
    if sys.platform != "linux" or not linux.supported():
        raise Unavailable(f"the native backend needs Linux on x86_64 or aarch64, and this is {sys.platform}")
    if kernel_version() < OLDEST_KERNEL:
        oldest, release = ".".join(map(str, OLDEST_KERNEL)), os.uname().release
        raise Unavailable(f"the native backend needs Linux {oldest}, and this is {release}")


def _explained(groups: instance.Instance) -> str:
    why = "; ".join(groups.why) or "no control group hierarchy that carries them is mounted"
    return (
        f"{', '.join(groups.missing)} of functions cannot be limited: {why}. Start Lambent as root, or in a group of its own "
        "(systemd-run --user --scope -p Delegate=yes lambent up), or accept that functions are limited process by process "
        "only, with --limits best-effort"
    )
