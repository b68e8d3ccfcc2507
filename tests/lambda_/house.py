"""A data plane whose sandboxes are twins and whose runtimes the test plays: placement, and what stands on it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from lambent.core.clock import FakeClock
from lambent.core.ids import SeededIds
from lambent.lambda_.code.store import Code
from lambent.lambda_.configuration import Logging
from lambent.lambda_.environment.environment import Environment, Outcome
from lambent.lambda_.environment.facts import Facts
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.environment.reports import TextLog
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.invoke.placement import Changed, Placement, placement
from lambent.lambda_.invoke.settings import Settings
from lambent.lambda_.invoke.turns import Awaited, Turns
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.states import Phase
from lambent.sandbox.contract import Exit, Sandbox, SandboxError
from lambent.sandbox.memory import Memory
from tests.lambda_.guest import Client, Guest, guest_allowance

VERSION = FunctionVersion(
    arn=FunctionArn("us-east-1", "000000000000", "f", "$LATEST"),
    revision_id="one",
    modified_at=0.0,
    phase=Phase.ACTIVE,
    code=Code("00", 1),
    runtime="python3.11",
    handler="app.handler",
    role="arn:aws:iam::000000000000:role/r",
    logging=Logging(group="/aws/lambda/f"),
)
SETTINGS = Settings(
    freeze_after_s=0.01, idle_timeout_s=60, handover_s=0.2, max_age_s=3600, concurrent_executions=3, environments=100
)

BUDGET_MIB = 4096


class NoLog:
    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str | bytes]) -> None: ...

    def append_output(self, group: str, stream: str, timestamp_ms: int, lines: bytes) -> None: ...

    def full(self) -> bool:
        return False

    def when_room(self, resume: Callable[[], None]) -> None: ...

    def count_lost(self, events: int, size_bytes: int) -> None: ...


@dataclass
class House:
    """A placement whose guests answer "hold" events only when they are let go, and others at once."""

    clock: FakeClock = field(default_factory=FakeClock)
    guests: list[Guest] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    ask_again: asyncio.Event = field(default_factory=asyncio.Event)
    init_held: asyncio.Event = field(default_factory=asyncio.Event)  # guests ask for their first event when it is set
    turns: Turns = field(default_factory=Turns)
    no_sandbox: bool = False
    no_init: bool = False  # guests exit before they ask for an event
    kinds: list[str] = field(default_factory=list)  # the initialization type of each guest
    heads: list[dict[str, str]] = field(default_factory=list)  # the headers of each event that a guest was given
    served: list[Guest] = field(default_factory=list)  # which guest that was
    placement: Placement = field(init=False)
    used_mib: int = 0  # by all guests
    available_mib: int = 8192
    memory: Memory = field(init=False)
    path: InvokePath = field(init=False)

    def __post_init__(self) -> None:
        self.memory = Memory(
            BUDGET_MIB << 20, 8192 << 20, lambda: self.used_mib << 20, lambda: self.available_mib << 20
        )

    def invoke(self, event: bytes = b"1", version: FunctionVersion = VERSION) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.path.invoke(version, request_id="r", event=event, function_arn="arn"))

    def launch(
        self, version: FunctionVersion, tasks: asyncio.TaskGroup, changed: Changed, kind: str, awaited: Awaited
    ) -> Environment:
        @asynccontextmanager
        async def start(vacated: Sandbox | None) -> AsyncIterator[Guest]:
            if vacated is not None:
                await vacated.kill()
            async with self.turns.turn(version.arn.name, None if vacated else awaited):
                pass
            if self.no_sandbox:
                raise SandboxError("no")
            guest = Guest()
            self.guests.append(guest)
            self.kinds.append(kind)
            tasks.create_task(self.serve(guest))
            try:
                yield guest
            finally:
                await guest.vacate()

        facts = Facts(version.version, "python", "arn", 128, 0.07, "g", "s", 5.0, 5.0, kind)
        return Environment(facts, start, TextLog(), NoLog(), self.clock, tasks, changed, guest_allowance())

    async def serve(self, guest: Guest) -> None:
        if self.no_init:
            guest.exit(Exit(1, None))
            return
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.init_held.wait()
            client = await guest.connect()
            while True:
                await self.one(guest, client)

    async def one(self, guest: Guest, client: Client) -> None:
        client.ask_next()
        _, headers, body = await client.answer()
        self.heads.append(headers)
        self.served.append(guest)
        if body == b'"hold"':
            await self.let_go.wait()
        await client.respond(headers["lambda-runtime-aws-request-id"], body)
        await self.ask_again.wait()

    async def settled(self) -> None:
        """Until every environment is idle."""
        while any(placed.environment.state is not State.IDLE for placed in self.placement._all):
            await asyncio.sleep(0.001)


@asynccontextmanager
async def house(settings: Settings = SETTINGS) -> AsyncIterator[House]:
    made = House()
    made.ask_again.set()
    made.init_held.set()
    async with placement(made.launch, settings, made.memory, made.clock) as made.placement:
        made.path = InvokePath(made.placement, made.clock, SeededIds())
        yield made
        made.let_go.set()
        made.ask_again.set()
        made.init_held.set()
    assert all(guest.killed for guest in made.guests)
