"""The whole of Lambent on one page: what there is, what it is made of, and in which order it comes and goes.

    data directory
      databases (state.db, logs.db), secrets
        services: logs, iam, sts
        sandboxes: backend, its probe beside the rest of the start, pool
          lambda: control plane, data plane (`lambda_/planes.py`)
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
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import structlog

from lambent import __version__
from lambent.config import Config, bare, endpoint_of
from lambent.core import descriptors
from lambent.core.clock import Clock
from lambent.core.descriptors import Descriptors
from lambent.core.door import Allotment, Door
from lambent.core.ids import Ids
from lambent.core.kernel import Caller, Service
from lambent.core.limits import HttpLimits
from lambent.core.ports import SessionCredentials
from lambent.core.serving import serving
from lambent.core.sweeper import sweeping
from lambent.gateway.authorise import may_get_object
from lambent.gateway.cross_site import CrossSite
from lambent.gateway.gateway import Gateway
from lambent.lambda_.environment.allowance import Allowance
from lambent.lambda_.planes import Machine, Neighbours, PlaneSettings, planes
from lambent.lambda_.rows import MIGRATIONS as LAMBDA_MIGRATIONS
from lambent.lambda_.urls.access import Permissions
from lambent.sandbox.contract import GATEWAY_PORT, Backend, Sandbox, Unavailable
from lambent.sandbox.memory import SHARE, Memory, available_bytes
from lambent.sandbox.native.backend import NativeBackend, NativeConfig, native
from lambent.sandbox.native.probe import prove
from lambent.sandbox.native.veils import why_unveiled
from lambent.sandbox.pool import pooled
from lambent.sandbox.process.backend import process
from lambent.services.iam.service import MIGRATIONS as IAM_MIGRATIONS
from lambent.services.iam.service import iam
from lambent.services.logs.service import LogSettings, logs
from lambent.services.s3.elsewhere import Endpoint, S3Elsewhere
from lambent.services.signer.process import SignatureFiles
from lambent.services.sts.access_keys import AccessKeys
from lambent.services.sts.service import sts
from lambent.storage import database
from lambent.storage.directory import DataDirectory, default_path, ephemeral, held
from lambent.storage.disk import Disk
from lambent.storage.reserve import Reserve, reserving
from lambent.wire.sigv4_signing import SigningKey

log: Final = structlog.get_logger()

STOP_S: Final = 1.0  # what invocations under way get when Lambent stops
GUEST_CONNECTIONS: Final = 64  # of one sandbox to the gateway


class CannotListen(Exception):
    """Lambent cannot have the address that it should listen on: another program has it, or it is nobody's to have."""


class OpenToNetwork(CannotListen):
    """Everybody on the network would be the account's root, and nobody said that they should be."""


class Running(msgspec.Struct, frozen=True):
    """What a started Lambent tells of itself."""

    endpoint: str  # http://127.0.0.1:4566
    account: str
    access_key_id: str
    secret_access_key: str
    region: str
    tmp_in_memory: str  # why functions' /tmp is memory here; "": it is on disk, or not isolated at all
    unveiled: str  # why mounts tell functions where their files are; "": they do not, or nothing is isolated at all


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
        endpoint = endpoint_of(config.host, port_of(listener))
        data, disk, reserve = await on.enter_async_context(storage(config, clock))
        sweeper = await on.enter_async_context(sweeping())
        backend = await on.enter_async_context(sandboxes(config, data.path))
        memory = budget(config, backend)
        proven = await on.enter_async_context(probing(backend, config.probe_timeout_s))
        pool = await on.enter_async_context(pooled(backend, config.waiting_pool_size))

        state = await on.enter_async_context(
            database.opened(data.path / "state.db", [*LAMBDA_MIGRATIONS, *IAM_MIGRATIONS], data.durability, reserve)
        )
        log_service = await on.enter_async_context(logs(data, clock, log_settings(config), disk, reserve))
        iam_service = iam(state)
        roles = iam_service.state.roles
        keys = AccessKeys.of(data, config.account, roles, clock, ids)
        sts_service = sts(keys, roles)

        def open_door(sandbox: Sandbox, session: SessionCredentials, allowance: Allowance) -> Door | None:
            principal = keys.lookup(session.access_key_id, session.session_token)
            assert principal is not None  # just issued
            return guest_door(
                door, gateway, sandbox, principal.caller, http_limits(config, GUEST_CONNECTIONS), allowance
            )

        lambda_ = await on.enter_async_context(
            planes(
                Machine(
                    data=data,
                    database=state,
                    disk=disk,
                    pool=pool,
                    visible=backend.visible,
                    memory=memory,
                    sweeper=sweeper,
                ),
                Neighbours(
                    roles=roles,
                    credentials=keys,
                    sink_at=log_service.state.writer.at,
                    log_events_lost=lambda: log_service.state.writer.losses.events,
                    open_door=open_door,
                    objects=objects(config, clock),
                    may_get_object=partial(may_get_object, keys.root.account),
                    signatures=SignatureFiles(config.signing_profiles, clock) if config.signing_profiles else None,
                ),
                plane_settings(config, files),
                clock,
                ids,
            )
        )
        services: list[Service[Any]] = [lambda_.service, log_service, iam_service, sts_service]
        gateway = Gateway(
            {service.name: service for service in services},
            keys,
            auth=config.auth,
            clock=clock,
            ids=ids,
            account=keys.root.account,
            region=config.region,
            version=__version__,
            site=lambda_.urls,
            pages=lambda_.pages,
            cross_site=CrossSite(config.allowed_origins, config.allowed_hosts, lambda_.urls),
            port=port_of(listener),
        )
        await proven()
        door: Door = await on.enter_async_context(
            serving(
                gateway.handle,
                sweeper,
                sockets=[listener],
                limits=http_limits(config, min(config.http_connections, files.connections)),
                admit=gateway.admit,
                refusal=gateway.refuse,
                grace_s=STOP_S,
            )
        )
        await on.enter_async_context(lambda_.opened())  # not before isolation is proven and guests find the gateway
        yield Running(
            endpoint,
            keys.root.account,
            keys.root.access_key_id,
            keys.root.secret_access_key,
            config.region,
            await tmp_in_memory(backend),
            why_unveiled(data.path) if isinstance(backend, NativeBackend) else "",
        )


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
    """The port, taken before anything is made, so that a second Lambent stops at once and leaves nothing.

    A name is taken for its IPv4 address, as most programs do that are given one; `::` means both families.
    """
    host = bare(config.host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server(
            (host, config.port),
            family=family,
            backlog=1024,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        where = endpoint_of(config.host, config.port).removeprefix("http://")
        if error.errno == errno.EADDRINUSE:
            reason = f"{where} is in use by another program; choose another with --port, 0 takes any"
        else:
            why = os.strerror(error.errno or 0) if (error.errno or 0) > 0 else "there is no such host"
            reason = f"Lambent cannot listen on {where}: {why}; --host and --port choose another"
        raise CannotListen(reason) from None
    try:
        if config.auth == "open" and not config.open_to_network and not is_loopback(listener):
            raise OpenToNetwork(
                f"--auth open on {config.host} would make everybody who reaches it root: listen on a loopback address, "
                "or give --open-to-network as well"
            )
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


def port_of(listener: socket.socket) -> int:
    return listener.getsockname()[1]


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches the socket, by the address that it has in truth, whatever it was called."""
    return ip_address(listener.getsockname()[0]).is_loopback


class Storage(NamedTuple):
    """What everything that is kept stands on."""

    data: DataDirectory
    disk: Disk
    reserve: Reserve


@asynccontextmanager
async def storage(config: Config, clock: Clock) -> AsyncGenerator[Storage]:
    """The data directory, the room on its disk, and the reserve that keeps state writable when that is full."""
    with data_directory(config) as data:
        disk = Disk(data.path, config.disk_reserve_bytes)
        async with reserving(data.path, disk, clock) as reserve:
            yield Storage(data, disk, reserve)


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
async def sandboxes(config: Config, directory: Path) -> AsyncGenerator[Backend]:
    """The backend that was asked for, and never a weaker one. Its guests' /tmp is on the disk of `directory`.

    Raises sandbox.contract.Unavailable.
    """
    if config.sandbox == "process":
        async with process() as backend:
            yield backend
    else:
        async with native(NativeConfig(config.limits, directory, config.disk_reserve_bytes)) as backend:
            yield backend


async def tmp_in_memory(backend: Backend) -> str:
    return await backend.why_tmp_in_memory() if isinstance(backend, NativeBackend) else ""


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


def plane_settings(config: Config, files: Descriptors) -> PlaneSettings:
    return PlaneSettings(
        concurrent_executions=config.concurrency_limit,
        environments=files.environments,
        freeze_after_s=config.freeze_after_ms / 1000,
        idle_timeout_s=config.idle_timeout_s,
        init_timeout_s=config.init_timeout_s,
        log_invocation_bytes=config.log_invocation_bytes,
        unpacked_code_bytes=config.unpacked_code_bytes,
        adopt_code=config.adopt_code,
        update_least_s=config.update_least_s,
        url_permissions=url_permissions(config),
    )


def url_permissions(config: Config) -> Permissions:
    """The rule that is set, or that fits the mode."""
    if config.url_permissions != "auto":
        return config.url_permissions
    return "url" if config.auth == "open" else "both"


def log_settings(config: Config) -> LogSettings:
    return LogSettings(
        buffer_bytes=config.log_buffer_bytes,
        flush_s=config.log_flush_ms / 1000,
        group_bytes=config.log_group_bytes,
        total_bytes=config.log_total_bytes,
    )


def guest_door(
    door: Door, gateway: Gateway, sandbox: Sandbox, guest: Caller, limits: HttpLimits, allowance: Allowance
) -> Door | None:
    """Let the guest reach the gateway, as its function's role and by a door of its own, and nothing else of the host."""
    listener = sandbox.listeners.get(GATEWAY_PORT)
    if listener is None:
        return None
    allotment = Allotment(limits, allowance.bodies, allowance.unsent, allowance.slice)
    handle = partial(gateway.handle, guest=guest, guest_slice=allowance.slice)
    return door.beside(listener, allotment, handle, partial(gateway.admit, guest=guest))


def http_limits(config: Config, connections: int) -> HttpLimits:
    return HttpLimits(
        head_bytes=config.http_head_bytes,
        head_count=config.http_head_count,
        head_timeout_s=config.http_head_timeout_s,
        body_timeout_s=config.http_body_timeout_s,
        idle_timeout_s=config.http_idle_timeout_s,
        connections=connections,
        buffered_bytes=config.http_buffered_bytes,
    )
