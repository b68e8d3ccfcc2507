"""Lambda, put together: the control plane, the data plane, and what of both others see.

    launching (sandboxes, interpreters, credentials, logs, the way to the gateway)
      control plane: functions, layers, code
      placement: environments, of functions as the control plane has them
        service: what AWS's API does with both;  function URLs;  own pages

Nothing runs for a guest before `opened`, but for what gets ready: by then isolation must be proven, and the gateway must be
where guests look for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import msgspec

from lambent.core.clock import Clock
from lambent.core.ids import Ids
from lambent.core.kernel import Service, operations_in
from lambent.core.ports import Objects, OwnPage, RoleCredentials, Roles, Signatures
from lambent.core.slices import Slices
from lambent.core.sweeper import Sweeper
from lambent.lambda_.code.links import FOLDER as CODE_FOLDER
from lambent.lambda_.code.links import KEY_BYTES as LINK_KEY_BYTES
from lambent.lambda_.code.sources import MayGetObject
from lambent.lambda_.control import control_plane
from lambent.lambda_.environment.allowance import Allowances
from lambent.lambda_.invoke.capacity import FOLDER as CAPACITY_FOLDER
from lambent.lambda_.invoke.capacity import CapacityPage
from lambent.lambda_.invoke.launching import Launching, OpenDoor, SinkAt
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.invoke.placement import placement
from lambent.lambda_.invoke.provisioning import Provisioning, provisioning
from lambent.lambda_.invoke.settings import Settings
from lambent.lambda_.invoke.warming import warming
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.operations import MODULES
from lambent.lambda_.runtimes.interpreters import Interpreters
from lambent.lambda_.runtimes.javascript_sdk import javascript_sdk
from lambent.lambda_.runtimes.templates import Visible
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.store import Functions
from lambent.lambda_.urls.access import Permissions
from lambent.lambda_.urls.site import FunctionUrls
from lambent.sandbox.contract import GATEWAY_PORT
from lambent.sandbox.memory import Memory
from lambent.sandbox.pool import Pool
from lambent.storage.database import Database
from lambent.storage.directory import DataDirectory
from lambent.storage.disk import Disk

HANDOVER_S: Final = 0.02  # what an invocation waits for an environment that is about to be idle: less than a cold start
MAX_AGE_S: Final = 11 * 3600  # an hour less than its credentials are good for


class PlaneSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What Lambda is given of the configuration, and of the machine's limits."""

    concurrent_executions: int
    environments: int  # that the machine's limit of open files allows
    freeze_after_s: float
    idle_timeout_s: float
    init_timeout_s: float
    log_invocation_bytes: int
    unpacked_code_bytes: int
    adopt_code: bool
    update_least_s: float
    url_permissions: Permissions


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What Lambda has of this machine."""

    data: DataDirectory
    database: Database  # migrated by `rows.MIGRATIONS`
    disk: Disk
    pool: Pool
    visible: Visible
    memory: Memory
    sweeper: Sweeper


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """What other parts of Lambent do for Lambda."""

    roles: Roles
    credentials: RoleCredentials
    sink_at: SinkAt
    log_events_lost: Callable[[], int]
    open_door: OpenDoor
    objects: Objects | None
    may_get_object: MayGetObject
    signatures: Signatures | None


class Planes(msgspec.Struct, frozen=True, kw_only=True):
    """Made by `planes`."""

    service: Service[Lambda]
    urls: FunctionUrls
    pages: dict[str, OwnPage]  # by their folder
    functions: Functions
    provisions: Provisioning
    launching: Launching

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Start what runs before anybody asks, for as long as the block lasts: provisioned environments, runtimes."""
        self.functions.follow(self.provisions.follow)
        async with warming(self.functions.everything(), self.launching.prepare):
            yield


@asynccontextmanager
async def planes(
    machine: Machine, neighbours: Neighbours, settings: PlaneSettings, clock: Clock, ids: Ids
) -> AsyncGenerator[Planes]:
    """Lambda, for as long as the block lasts; leaving ends every environment. Raises what storage raises."""
    interpreters, loop = Interpreters(os.environ), asyncio.get_running_loop()
    launching = Launching(
        machine.pool,
        machine.visible,
        interpreters,
        javascript_sdk(),
        neighbours.credentials,
        neighbours.sink_at,
        neighbours.open_door,
        f"http://127.0.0.1:{GATEWAY_PORT}",  # as a guest sees it
        Allowances(Slices(clock.monotonic, loop.call_later), machine.sweeper, loop.time),
        clock,
        ids,
        init_timeout_s=settings.init_timeout_s,
        log_bytes=settings.log_invocation_bytes,
    )
    async with AsyncExitStack() as on:
        control = await on.enter_async_context(
            control_plane(
                machine.database,
                machine.data.path / "code",
                roles=neighbours.roles,
                objects=neighbours.objects,
                may_get_object=neighbours.may_get_object,
                signatures=neighbours.signatures,
                link_key=machine.data.random_key("links.key", LINK_KEY_BYTES, ids.random_bytes),
                find=interpreters.find,
                ids=ids,
                clock=clock,
                limits=AccountLimits(concurrent_executions=settings.concurrent_executions),
                adopt_code=settings.adopt_code,
                disk=machine.disk,
                unpacked_limit_bytes=settings.unpacked_code_bytes,
                prepare=launching.prepare,
                update_least_s=settings.update_least_s,
                durable=machine.data.durable,
            )
        )
        placed = await on.enter_async_context(
            placement(
                partial(launching.launch, control.code),
                Settings(
                    freeze_after_s=settings.freeze_after_s,
                    idle_timeout_s=settings.idle_timeout_s,
                    handover_s=HANDOVER_S,
                    max_age_s=MAX_AGE_S,
                    concurrent_executions=settings.concurrent_executions,
                    environments=settings.environments,
                ),
                machine.memory,
                clock,
            )
        )
        control.functions.follow(placed.follow)
        provisions = await on.enter_async_context(provisioning(placed, clock, settings.update_least_s))
        service = Service(
            LAMBDA, Lambda.of(control, InvokePath(placed, clock, ids), provisions), operations_in(*MODULES)
        )
        capacity = CapacityPage(placed.room, settings.concurrent_executions, neighbours.log_events_lost)
        yield Planes(
            service=service,
            urls=FunctionUrls(control.functions, service.state.invocations, clock, ids, settings.url_permissions),
            pages={CODE_FOLDER: control.links.answer, CAPACITY_FOLDER: capacity.answer},
            functions=control.functions,
            provisions=provisions,
            launching=launching,
        )
