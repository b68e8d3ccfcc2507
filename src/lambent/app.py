"""The whole of Lambent on one page: what there is, what it is made of, and in which order it comes and goes.

    data directory
      databases (state.db, logs.db), secrets
        services: logs, iam, sts
        sandboxes: backend, its probe beside the rest of the start, pool
          lambda: control plane, data plane
        gateway: all services and the function URLs behind one door, on the port and inside every sandbox

`running` is a block: entered means that everything works, left means that nothing is left, neither process nor mount
nor control group. Nothing outside this file knows two
services at once. Two of these can run in one process.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from lambent import __version__
from lambent.config import Config
from lambent.core import descriptors
from lambent.core.clock import Clock
from lambent.core.descriptors import Descriptors
from lambent.core.door import Door, serving
from lambent.core.http import HttpLimits
from lambent.core.ids import Ids
from lambent.core.kernel import Service, operations_in
from lambent.gateway.gateway import Gateway
from lambent.lambda_.code.links import FOLDER as CODE_FOLDER
from lambent.lambda_.code.links import KEY_BYTES as LINK_KEY_BYTES
from lambent.lambda_.control import control_plane
from lambent.lambda_.invoke.capacity import FOLDER as CAPACITY_FOLDER
from lambent.lambda_.invoke.capacity import CapacityPage
from lambent.lambda_.invoke.launching import Launching
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.invoke.placement import placement
from lambent.lambda_.invoke.provisioning import provisioning
from lambent.lambda_.invoke.settings import Settings
from lambent.lambda_.invoke.warming import warming
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.operations import MODULES
from lambent.lambda_.rows import MIGRATIONS as LAMBDA_MIGRATIONS
from lambent.lambda_.runtimes.interpreters import Interpreters
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.urls.site import FunctionUrls
from lambent.sandbox.contract import GATEWAY_PORT, Backend, Sandbox, Unavailable
from lambent.sandbox.memory import SHARE, Memory, available_bytes
from lambent.sandbox.native.backend import NativeBackend, NativeConfig, native
from lambent.sandbox.native.probe import prove
from lambent.sandbox.pool import pooled
from lambent.sandbox.process.backend import process
from lambent.services.iam.service import MIGRATIONS as IAM_MIGRATIONS
from lambent.services.iam.service import iam
from lambent.services.logs.service import logs
from lambent.services.s3.elsewhere import Endpoint, S3Elsewhere
from lambent.services.signer.process import SignatureFiles
from lambent.services.sts.access_keys import AccessKeys
from lambent.services.sts.service import sts
from lambent.storage import database
from lambent.storage.directory import DataDirectory, default_path, ephemeral, held
from lambent.wire.sigv4_signing import SigningKey

log: Final = structlog.get_logger()

HANDOVER_S: Final = 0.02  # what an invocation waits for an environment that is about to be idle: less than a cold start
STOP_S: Final = 1.0  # what invocations under way get when Lambent stops
MAX_AGE_S: Final = 11 * 3600  # an hour less than its credentials are good for


class CannotListen(Exception):
    """Lambent cannot have the address that it should listen on: another program has it, or it is nobody's to have."""


class Running(msgspec.Struct, frozen=True):
    """What a started Lambent tells of itself."""

    endpoint: str  # http://127.0.0.1:4566
    account: str
    access_key_id: str
    secret_access_key: str
    region: str


@asynccontextmanager
async def running(config: Config, clock: Clock | None = None, ids: Ids | None = None) -> AsyncGenerator[Running]:
    """Lambent, for as long as the block lasts.

    Raises CannotListen, TooFewDescriptors, DataDirectoryBusy, DataDirectoryForeign, sandbox.contract.Unavailable, and what
    storage raises.
    """
    clock, ids = clock or Clock(), ids or Ids()
    async with AsyncExitStack() as on:
        listener = on.enter_context(listening(config))
        files = allowed(config)
        endpoint = f"http://{config.host}:{listener.getsockname()[1]}"
        data = on.enter_context(data_directory(config))
        backend = await on.enter_async_context(sandboxes(config))
        memory = budget(config, backend)
        proven = await on.enter_async_context(probing(backend, config.probe_timeout_s))
        pool = await on.enter_async_context(pooled(backend, config.waiting_pool_size))

        state = await on.enter_async_context(
            database.opened(data.path / "state.db", [*LAMBDA_MIGRATIONS, *IAM_MIGRATIONS], data.durability)
        )
        log_service = await on.enter_async_context(logs(data, clock))
        iam_service = iam(state)
        roles = iam_service.state.roles
        keys = AccessKeys.of(data, config.account, roles, clock, ids)
        sts_service = sts(keys, roles)

        async def open_door(sandbox: Sandbox) -> asyncio.Server | None:
            """Let the guest reach the gateway, and nothing else of the host."""
            listener = sandbox.listeners.get(GATEWAY_PORT)
            return None if listener is None else await door.listen(listener)

        interpreters = Interpreters(os.environ)
        launching = Launching(
            pool,
            backend.visible,
            interpreters,
            keys,
            log_service.state.writer.at,
            open_door,
            f"http://127.0.0.1:{GATEWAY_PORT}",  # as a guest sees it
            clock,
            ids,
            init_timeout_s=config.init_timeout_s,
        )
        limits = AccountLimits(concurrent_executions=config.concurrency_limit)
        control = await on.enter_async_context(
            control_plane(
                state,
                data.path / "code",
                roles=roles,
                objects=objects(config, clock),
                signatures=SignatureFiles(config.signing_profiles, clock) if config.signing_profiles else None,
                link_key=data.random_key("links.key", LINK_KEY_BYTES, ids.random_bytes),
                find=interpreters.find,
                ids=ids,
                clock=clock,
                limits=limits,
                adopt_code=config.adopt_code,
                prepare=launching.prepare,
                durable=data.durable,
            )
        )
        placed = await on.enter_async_context(
            placement(
                partial(launching.launch, control.code),
                Settings(
                    freeze_after_s=config.freeze_after_ms / 1000,
                    idle_timeout_s=config.idle_timeout_s,
                    handover_s=HANDOVER_S,
                    max_age_s=MAX_AGE_S,
                    concurrent_executions=config.concurrency_limit,
                    environments=files.environments,
                ),
                memory,
                clock,
            )
        )

        control.functions.follow(placed.follow)
        provisions = await on.enter_async_context(provisioning(placed, clock))
        lambda_service = Service(
            LAMBDA,
            Lambda.of(control, InvokePath(placed, clock, ids), provisions),
            operations_in(*MODULES),
        )
        services: list[Service[Any]] = [lambda_service, log_service, iam_service, sts_service]
        gateway = Gateway(
            {service.name: service for service in services},
            keys,
            auth=config.auth,
            clock=clock,
            ids=ids,
            account=keys.root.account,
            region=config.region,
            version=__version__,
            site=FunctionUrls(control.functions, lambda_service.state.invocations, clock, ids),
            pages={
                CODE_FOLDER: control.links.answer,
                CAPACITY_FOLDER: CapacityPage(placed.room, config.concurrency_limit).answer,
            },
        )
        await proven()
        door: Door = await on.enter_async_context(
            serving(
                gateway.handle,
                sockets=[listener],
                limits=http_limits(config, files),
                body_limit=gateway.body_limit,
                refusal=gateway.refuse,
                grace_s=STOP_S,
            )
        )
        control.functions.follow(provisions.follow)  # not before isolation is proven and guests find the gateway
        await on.enter_async_context(warming(control.functions.everything(), launching.prepare))
        yield Running(endpoint, keys.root.account, keys.root.access_key_id, keys.root.secret_access_key, config.region)


def budget(config: Config, backend: Backend) -> Memory:
    """The memory that environments may take together; the kernel lets them have an eighth more, and then ends one."""
    memory = Memory(
        (config.memory_budget_mib << 20) or int(backend.total_bytes() * SHARE),
        backend.total_bytes(),
        backend.used_bytes,
        available_bytes,
    )
    backend.bound(memory.budget_bytes * 9 // 8)
    if not memory.by_groups:
        log.info("memory.not_counted", instead="what the machine has less available than at the start")
    return memory


@contextmanager
def listening(config: Config) -> Generator[socket.socket]:
    """The port, taken before anything is made, so that a second Lambent stops at once and leaves nothing."""
    try:
        listener = socket.create_server((config.host, config.port), backlog=1024)
    except OSError as error:
        where = f"{config.host}:{config.port}"
        if error.errno == errno.EADDRINUSE:
            reason = f"{where} is in use by another program; choose another with --port, 0 takes any"
        else:
            why = os.strerror(error.errno or 0) if (error.errno or 0) > 0 else "there is no such host"
            reason = f"Lambent cannot listen on {where}: {why}; --host and --port choose another"
        raise CannotListen(reason) from None
    try:
        yield listener
    finally:
        listener.close()


def allowed(config: Config) -> Descriptors:
    """What the limit of open files allows; said where it is less than what is configured. Raises TooFewDescriptors."""
    files = descriptors.current()
    if files.environments < config.concurrency_limit or files.connections < config.http_connections:
        log.warning(
            "descriptors.limit",
            open_files=files.limit,
            environments=min(files.environments, config.concurrency_limit),
            connections=min(files.connections, config.http_connections),
        )
    return files


@contextmanager
def data_directory(config: Config) -> Generator[DataDirectory]:
    if config.ephemeral:
        with ephemeral() as data:
            yield data
    else:
        with held(config.data or default_path(os.environ), config.durability) as data:
            yield data


def objects(config: Config, clock: Clock) -> S3Elsewhere | None:
    """The S3 that the configuration names, if it names one."""
    if not config.s3_endpoint:
        return None
    key = (
        SigningKey(config.s3_access_key_id, config.s3_secret_access_key, config.s3_region, "s3")
        if config.s3_access_key_id
        else None
    )
    return S3Elsewhere(Endpoint(config.s3_endpoint, config.s3_timeout_s, key), clock)


@asynccontextmanager
async def sandboxes(config: Config) -> AsyncGenerator[Backend]:
    """The backend that was asked for, and never a weaker one. Raises sandbox.contract.Unavailable."""
    if config.sandbox == "process":
        async with process() as backend:
            yield backend
    else:
        async with native(NativeConfig(limits=config.limits)) as backend:
            yield backend


@asynccontextmanager
async def probing(backend: Backend, timeout_s: float) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Begin to prove that the backend isolates; what is yielded waits for the proof, and raises Unavailable without one.

    A backend that promises no isolation has nothing to prove.
    """
    async with asyncio.TaskGroup() as tasks:
        probe = tasks.create_task(proven(backend, timeout_s, tasks)) if isinstance(backend, NativeBackend) else None

        async def wait() -> None:
            if probe is not None and (refusal := await probe) is not None:
                raise refusal

        try:
            yield wait
        finally:
            if probe is not None:
                probe.cancel()


async def proven(backend: NativeBackend, timeout_s: float, tasks: asyncio.TaskGroup) -> Unavailable | None:
    """Why functions cannot be isolated, if so: an answer, not an error, so that it reaches whoever waits for it once."""
    try:
        proof = await prove(backend, timeout_s, tasks)
    except Unavailable as unavailable:
        return unavailable
    log.debug("isolation.proved", took_ms=round(proof.took_s * 1e3))
    return None


def http_limits(config: Config, files: Descriptors) -> HttpLimits:
    return HttpLimits(
        head_bytes=config.http_head_bytes,
        head_count=config.http_head_count,
        head_timeout_s=config.http_head_timeout_s,
        body_timeout_s=config.http_body_timeout_s,
        idle_timeout_s=config.http_idle_timeout_s,
        connections=min(config.http_connections, files.connections),
        buffered_bytes=config.http_buffered_bytes,
    )
