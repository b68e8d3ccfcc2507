"""The native backend, as the server sees it: spawners by template, sandboxes by the dozen, and an end that leaves nothing.

    start(template, assignment)
      the template's spawner (started when first needed) ─ control groups ─ request ─ its first process says it is made

Everything belongs to the `native` block: leaving it kills all sandboxes at once, ends the spawners and removes the groups.
If this process is killed instead, its spawners see their channel close and do the same; what even they cannot do, because
they were killed too, the kernel does to the processes (each dies with its spawner) and the next start to the groups.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from lambent.sandbox.contract import (
    LISTENER_PORTS,
    Assignment,
    Limits,
    Mount,
    SandboxError,
    Template,
    Unavailable,
    Waiting,
)
from lambent.sandbox.native import instance as instances
from lambent.sandbox.native import linux
from lambent.sandbox.native.hierarchies import Hierarchies, discover
from lambent.sandbox.native.sandboxes import NativeSandbox
from lambent.sandbox.native.spawners import Spawner
from lambent.sandbox.native.users import Users, users

_TMP_MIB: Final = 512  # of a sandbox that waits; an assignment may change it
_WAITING: Final = Limits(memory_mib=1)
_OLDEST_KERNEL: Final = (5, 12)
_MIB: Final = 1 << 20


class NativeConfig(Struct, frozen=True):
    limits: Literal["enforced", "best-effort"] = "enforced"  # best-effort: without cgroups, by each process's own limits


class Facts(NamedTuple):
    """What this machine gives."""

    user_namespace: bool
    cgroup_version: str
    missing_limits: tuple[str, ...]
    kernel: str


class NativeBackend:
    """Made by `native`."""

    name: Final = "native"

    def __init__(self, groups: instances.Instance, who: Users) -> None:
        self._groups: Final = groups
        self._users: Final = who
        self._spawners: Final[dict[Template, Spawner]] = {}
        self._starting: Final[dict[Template, asyncio.Lock]] = {}
        self._sandboxes: Final[set[NativeSandbox]] = set()
        self._uids: Final[dict[int, int]] = {}
        self._last = 0
        self._closing = False
        self.facts: Final = Facts(who.nested, groups.version, tuple(groups.missing), os.uname().release)

    def visible(self, mount: Mount) -> str:
        return mount.target

    async def prepare(self, template: Template) -> NativeSandbox:
        return await self._make(template, None)

    async def start(self, template: Template, assignment: Assignment) -> NativeSandbox:
        sandbox = await self._make(template, assignment)
        sandbox.assigned = True
        return sandbox

    async def assign(self, waiting: Waiting, assignment: Assignment) -> NativeSandbox:
        assert isinstance(waiting, NativeSandbox)
        if waiting.booted and assignment.fresh:
            waiting.doom()
            return await self.start(waiting.template, assignment)
        try:
            await self._assign(waiting, assignment)
        except BaseException:
            waiting.doom()
            waiting.abandon()
            raise
        waiting.assigned = True
        return waiting

    async def end(self) -> None:
        """Kill everything, concurrently."""
        self._closing = True
        for sandbox in self._sandboxes:
            sandbox.doom()
        if self._sandboxes:
            _ = await asyncio.wait([sandbox.gone for sandbox in self._sandboxes], timeout=_END_S)
        _ = await asyncio.gather(*(spawner.end() for spawner in self._spawners.values()))

    async def _make(self, template: Template, assignment: Assignment | None) -> NativeSandbox:
        spawner = await self._spawner(template)
        sandbox = self._new(template, spawner)
        sandbox.booted = bool(template.boot) and not (assignment and assignment.fresh)
        into, tasks = None, list[int]()
        try:
            if self._groups.usable:
                into, tasks = self._enter_groups(sandbox, assignment)
            request: dict[str, Any] = {
                "id": sandbox.number,
                "do": "prepare",
                "uid": self._uids[sandbox.number],
                "ports": LISTENER_PORTS,
                "open_files": assignment.limits.open_files if assignment else _WAITING.open_files,
                "boot": sandbox.booted,
                "waits": assignment is None,
                "into_cgroup": into is not None,
                **(_NO_ASSIGNMENT if assignment is None else self._assigned(assignment)),
            }
            answer = await spawner.ask(request, [*sandbox.for_them(), *tasks, *([] if into is None else [into])])
        except BaseException as error:
            sandbox.refuse(str(error))
            sandbox.abandon()
            raise
        finally:
            for descriptor in (*tasks, *([] if into is None else [into])):
                os.close(descriptor)
        sandbox.handed_over()
        answer.add_done_callback(sandbox.started)
        try:
            await asyncio.shield(sandbox.made)
        except BaseException:
            sandbox.doom()
            sandbox.abandon()
            raise
        return sandbox
