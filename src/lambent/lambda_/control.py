"""The control plane, put together: what its operations need, made in one block."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from lambent.core.clock import Clock
from lambent.core.ids import Ids
from lambent.core.ports import EventSources, Networks, Objects, Roles, Signatures
from lambent.lambda_.activation import Activation, FindInterpreter, Prepare, activating, nothing_to_prepare
from lambent.lambda_.code import collection
from lambent.lambda_.code.links import Links
from lambent.lambda_.code.marker import marking
from lambent.lambda_.code.quota import CodeQuota
from lambent.lambda_.code.sources import MayGetObject, NoObjects, Sources, root_alone
from lambent.lambda_.code.store import CodeStore, code_store
from lambent.lambda_.functions import Function
from lambent.lambda_.layers.layer import Layer
from lambent.lambda_.layers.opt import restore_opts
from lambent.lambda_.layers.store import Layers
from lambent.lambda_.limits import UNPACKED_LIMIT_BYTES, AccountLimits
from lambent.lambda_.networks import OneVpc
from lambent.lambda_.resources import Resources
from lambent.lambda_.signing.configs import CodeSigningConfigs
from lambent.lambda_.signing.deployments import Deployments, NoSignatures
from lambent.lambda_.sources.mapping import RESOURCE_KIND, EventSourceMapping
from lambent.lambda_.sources.origins import AnySource
from lambent.lambda_.sources.settling import Apply, nothing_to_poll, settling
from lambent.lambda_.store import Functions
from lambent.storage.commits import committing
from lambent.storage.database import Database
from lambent.storage.disk import Disk


class ControlPlane(msgspec.Struct, frozen=True, kw_only=True):
    """The functions, their layers and code, and who gets them ready."""

    functions: Functions
    code: CodeStore
    packages: Sources
    links: Links
    code_signing_configs: CodeSigningConfigs
    deployments: Deployments
    activation: Activation
    roles: Roles
    networks: Networks
    limits: AccountLimits
    event_source_mappings: Resources[EventSourceMapping]
    event_sources: EventSources
    layers: Layers


@asynccontextmanager
async def control_plane(
    database: Database,
    code_directory: Path,
    *,
    roles: Roles,
    networks: Networks | None = None,
    event_sources: EventSources | None = None,
    objects: Objects | None = None,
    may_get_object: MayGetObject = root_alone,
    signatures: Signatures | None = None,
    link_key: bytes,
    find: FindInterpreter,
    ids: Ids,
    clock: Clock,
    limits: AccountLimits | None = None,
    adopt_code: bool = False,
    disk: Disk | None = None,
    unpacked_limit_bytes: int = UNPACKED_LIMIT_BYTES,
    prepare: Prepare = nothing_to_prepare,
    update_least_s: float = 0.0,
    poll: Apply = nothing_to_poll,
    durable: bool = True,
) -> AsyncGenerator[ControlPlane]:
    """Everything of the control plane, on a database migrated by `rows.MIGRATIONS`.

    It begins by collecting code that no version has any more, unless the database may be the wrong one (`adopt_code`: it is
    not), and by taking up what a crash left Pending or Creating.
    """
    limits = limits or AccountLimits()
    async with AsyncExitStack() as on:
        commits = await on.enter_async_context(committing(database))
        quota = CodeQuota(limits.total_code_size_bytes)
        functions = await Functions.loaded(commits, quota)
        layers = await Layers.loaded(commits, quota)
        code_signing_configs = await CodeSigningConfigs.loaded(commits)

        def wanted(digest: str) -> bool:
            return functions.names_content(digest) or layers.names_content(digest)

        code = await on.enter_async_context(
            code_store(
                code_directory, wanted, clock, durable=durable, disk=disk, unpacked_limit_bytes=unpacked_limit_bytes
            )
        )
        marker = await on.enter_async_context(marking(code_directory, database, durable=durable))

        def collect(before: Function | Layer | None, after: Function | Layer | None) -> None:
            dropped, named = set(before.digests() if before else ()), set(after.digests() if after else ())
            if dropped != named:
                marker.move()
            for digest in dropped - named:
                code.collect(digest)

        functions.watch(collect)
        layers.watch(collect)
        versions = [version for function in functions.everything() for version in function.kept()]
        owners = layers.owners()
        for version in versions:
            for digest in version.uploads():
                owners.setdefault(digest, []).append(str(version.arn))
        code.count({version.code.digest: version.code.unzipped_bytes for version in versions if version.image is None})
        await collection.begin(code, marker, owners, adopt=adopt_code)
        await restore_opts(code, {version.layers for version in versions})
        activation = await on.enter_async_context(
            activating(functions, code, find, ids, clock, prepare, update_least_s)
        )
        mappings = await Resources[EventSourceMapping].loaded(commits, RESOURCE_KIND, EventSourceMapping)
        await on.enter_async_context(settling(mappings, clock, poll))
        yield ControlPlane(
            functions=functions,
            code=code,
            packages=Sources(objects or NoObjects(), code, may_get_object),
            links=Links(code, link_key, clock),
            code_signing_configs=code_signing_configs,
            deployments=Deployments(signatures or NoSignatures(), code, clock),
            activation=activation,
            roles=roles,
            networks=networks or OneVpc(),
            limits=limits,
            event_source_mappings=mappings,
            event_sources=event_sources or AnySource(),
            layers=layers,
        )
