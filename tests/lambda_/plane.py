"""A control plane on a database in a temporary directory, called by AWS's operation names and members."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from lambent.core.clock import FakeClock
from lambent.core.errors import AwsError
from lambent.core.ids import SeededIds
from lambent.core.kernel import Caller, Context, Service, operations_in
from lambent.core.ports import EventSource, EventSources, Networks, Objects, Roles, Signatures
from lambent.lambda_.activation import Prepare, nothing_to_prepare
from lambent.lambda_.code.links import KEY_BYTES
from lambent.lambda_.concurrency.provisioned import Standing
from lambent.lambda_.control import ControlPlane, control_plane
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.limits import UNPACKED_LIMIT_BYTES, AccountLimits
from lambent.lambda_.names import FunctionArn, FunctionReference
from lambent.lambda_.operations import MODULES
from lambent.lambda_.rows import MIGRATIONS
from lambent.lambda_.runtimes.catalogue import Runtime
from lambent.lambda_.runtimes.interpreters import Missing
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.sources.settling import Apply, nothing_to_poll
from lambent.storage.database import opened
from lambent.storage.disk import Disk
from tests.lambda_.zips import HELLO

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambda"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
ROOT = Caller(
    account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:root", principal_id=ACCOUNT, access_key="AKIA", is_root=True
)
NOWHERE = cast("InvokePath", None)  # there is no data plane here

Members = dict[str, Any]


class AllButNobody:
    """Every role may be assumed, but for the one called nobody."""

    def assumable_by(self, role_arn: str, service_principal: str) -> bool:
        return service_principal == "lambda.amazonaws.com" and not role_arn.endswith("/nobody")


class Sources:
    """Every source that functions can be fed from is there, but for those called nowhere; `found` says more of some."""

    def __init__(self) -> None:
        self.found: dict[str, EventSource] = {}

    def find(self, arn: str, /) -> EventSource | None:
        return None if "nowhere" in arn else self.found.get(arn, EventSource())


async def find(runtime: Runtime) -> Missing | None:
    """This machine has every interpreter but python3.12's."""
    return Missing("This machine has no Python 3.12.", "Install it.") if runtime.id == "python3.12" else None


class NothingMade:
    """No data plane is there to make provisioned environments; a test says how far they are."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}

    def standing(self, arn: FunctionArn) -> Standing:
        return self.standings.get(str(arn), Standing())


class Plane:
    """One caller's view of Lambda."""

    def __init__(self, control: ControlPlane, clock: FakeClock, ids: SeededIds) -> None:
        self.control = control
        self.clock = clock
        self.ids = ids
        self.provisions = NothingMade()
        self.service = Service(LAMBDA, Lambda.of(control, NOWHERE, self.provisions), operations_in(*MODULES))

    async def __call__(self, operation: str, **members: object) -> Members:
        """Call an operation with AWS's members."""
        return await self.called_by(ROOT, operation, **members)

    async def at_once(self, operation: str, **members: object) -> Members:
        """The same, by a caller who does not want to wait for AWS's pace."""
        return await self._called(ROOT, operation, members, at_once=True)

    async def called_by(self, caller: Caller, operation: str, **members: object) -> Members:
        """The same, by somebody else than the account's root."""
        return await self._called(caller, operation, members)

    async def _called(self, caller: Caller, operation: str, members: Members, *, at_once: bool = False) -> Members:
        ctx = Context(self.service.state, caller, REGION, "request", self.clock, self.ids, at_once=at_once)
        return await self.service.call(operation, members, ctx)

    async def create(self, name: str = "f", content: bytes = HELLO, **members: object) -> Members:
        """CreateFunction with what it needs."""
        given: Members = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE} | members
        return await self("CreateFunction", FunctionName=name, Code={"ZipFile": content}, **given)

    async def settled(self, name: str = "f", **members: object) -> Members:
        """GetFunctionConfiguration once nothing is Pending or InProgress any more; the jobs run on this loop."""
        while True:
            found = await self("GetFunctionConfiguration", FunctionName=name, **members)
            if found["State"] != "Pending" and found.get("LastUpdateStatus") != "InProgress":
                return found
            await asyncio.sleep(0)

    async def active(self, name: str = "f", content: bytes = HELLO, **members: object) -> Members:
        """A function that is ready."""
        await self.create(name, content, **members)
        return await self.settled(name)

    async def mapped(self, uuid: str) -> Members | None:
        """GetEventSourceMapping once no change of it is under way any more; None when it is gone."""
        while (mapping := self.control.event_source_mappings.get(ACCOUNT, REGION, uuid)) is not None:
            if mapping.settled:
                return await self("GetEventSourceMapping", UUID=uuid)
            await asyncio.sleep(0)
        return None

    async def gone(self, uuid: str) -> None:
        """DeleteEventSourceMapping as soon as that is possible, until there is none."""
        await self.mapped(uuid)
        await self("DeleteEventSourceMapping", UUID=uuid)
        assert await self.mapped(uuid) is None

    def invoked(self, name: str = "f", qualifier: str | None = None) -> FunctionVersion:
        """What an invocation would run."""
        reference = FunctionReference.of(name, qualifier)
        return self.control.functions.find(reference, ACCOUNT, REGION).routed(reference.qualifier, self.ids)

    def trees(self) -> set[str]:
        """The unpacked packages on the disk, by digest."""
        directory = self.control.code.tree("x").parent
        return {path.name for path in directory.iterdir() if not path.name.startswith(".")}

    def zips(self) -> set[str]:
        """The packages on the disk, by digest."""
        return {path.name for path in self.control.code.archive("0" * 64).parent.parent.glob("??/*")}

    def graves(self) -> set[str]:
        """The collected packages that can still be had, by digest."""
        return {grave.digest for grave in self.control.code.graveyard.graves()}


@asynccontextmanager
async def plane(
    directory: Path,
    *,
    prepare: Prepare = nothing_to_prepare,
    update_least_s: float = 0.0,
    networks: Networks | None = None,
    sources: EventSources | None = None,
    poll: Apply = nothing_to_poll,
    clock: FakeClock | None = None,
    seed: int = 0,
    objects: Objects | None = None,
    signatures: Signatures | None = None,
    limits: AccountLimits | None = None,
    adopt_code: bool = False,
    disk: Disk | None = None,
    unpacked_limit_bytes: int = UNPACKED_LIMIT_BYTES,
    durable: bool = False,
) -> AsyncGenerator[Plane]:
    """A control plane for as long as the block lasts; another one on the same directory is a restart."""
    ids, clock = SeededIds(seed), clock or FakeClock()
    async with (
        opened(directory / "lambda.db", MIGRATIONS, "memory") as database,
        control_plane(
            database,
            directory / "code",
            roles=cast("Roles", AllButNobody()),
            networks=networks,
            event_sources=sources or Sources(),
            objects=objects,
            signatures=signatures,
            link_key=b"k" * KEY_BYTES,
            find=find,
            limits=limits,
            ids=ids,
            clock=clock,
            adopt_code=adopt_code,
            disk=disk,
            unpacked_limit_bytes=unpacked_limit_bytes,
            prepare=prepare,
            update_least_s=update_least_s,
            poll=poll,
            durable=durable,
        ) as control,
    ):
        yield Plane(control, clock, ids)


async def refused(call: Awaitable[object]) -> tuple[str, str]:
    """The code and the sentence with which a call is refused; it must be."""
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value.code, caught.value.text


def only(found: Mapping[str, Any], *members: str) -> Members:
    """Just these members."""
    return {member: found.get(member) for member in members}
