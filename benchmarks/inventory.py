"""An account with ten thousand functions: what they take of memory, how soon they are there after a start and in lists.

Ten thousand uploads would measure uploads. One function is made through the API; the others are written through the store,
as CreateFunction writes them, of the same zip: names, roles, variables, tags as in a large account, a published version
with an alias for every third, settings of its own for every tenth. Then Lambent is started on them.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import functions
from benchmarks.client import Target, connected, received, timed, whole
from benchmarks.control import control
from benchmarks.figures import Figure, Row
from benchmarks.lambent import FUNCTION, Lambent, lambent_on
from benchmarks.memory import own_kib
from lambent.core.clock import Clock
from lambent.lambda_.aliases import Alias
from lambent.lambda_.code.quota import CodeQuota
from lambent.lambda_.code.store import Code
from lambent.lambda_.configuration import Configuration, Logging
from lambent.lambda_.event_invoke_configs import EventInvokeConfig
from lambent.lambda_.functions import Function, created
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.rows import MIGRATIONS
from lambent.lambda_.store import Functions
from lambent.services.iam.service import MIGRATIONS as IAM_MIGRATIONS
from lambent.storage.commits import committing
from lambent.storage.database import opened

FUNCTIONS = 10_000
SERVICES = 40  # each with a role of its own
STARTS = 5
ROUNDS = 9
REQUESTS = 100
WARM_UP = 200
RUNTIMES = ("python3.11", "python3.12", "nodejs20.x", "nodejs22.x", "provided.al2023")
LIST = "/2015-03-31/functions"
PAGE = 50


class Reading(NamedTuple):
    """What is measured of reading."""

    name: str
    bound_ms: float
    path: str
    query: dict[str, str]


def inventory() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        for data in (Path(one), Path(many)):
            with lambent_on(data) as server:
                server.deploy(functions.python())
        asyncio.run(populate(Path(many), FUNCTIONS - 1))
        yield from starts(Path(one), Path(many))
        with lambent_on(Path(many)) as server:
            for reading in (
                Reading("first page of ListFunctions", 20, LIST, {}),
                Reading("a middle page of ListFunctions", 20, LIST, {"Marker": middle(server)}),
                Reading("GetFunction", 20, f"{LIST}/{name_of(FUNCTIONS // 2)}", {}),
            ):
                yield latency(server, reading)


def starts(one: Path, many: Path) -> Iterator[Row]:
    """Starts with one function, the control, and with all, in turns."""
    ready_s: list[tuple[float, float]] = []
    memory_kib: list[tuple[int, int]] = []
    for _ in range(STARTS):
        with lambent_on(many) as ours, lambent_on(one) as bare:
            for server in (ours, bare):
                timed(server.reading(LIST), WARM_UP)
            ready_s.append((ours.ready_s, bare.ready_s))
            memory_kib.append((own_kib(ours.process.pid), own_kib(bare.process.pid)))
    each_kb = [(ours - bare) * 1.024 / FUNCTIONS for ours, bare in memory_kib]
    total, empty = median(ours for ours, _ in memory_kib), median(bare for _, bare in memory_kib)
    how = (
        f"private memory of the server after {WARM_UP} ListFunctions, {total / 1024:.1f} MiB, less that of a server with one "
        f"function, the control, by the number of functions; median of {STARTS} starts"
    )
    yield Figure(
        "memory of one of 10,000 functions", "kB", median(each_kb), empty * 1.024 / FUNCTIONS, total / empty, 4, how
    )
    value, bare_s = median(ours for ours, _ in ready_s), median(bare for _, bare in ready_s)
    how = f"from exec to the answer of /_lambent/health; the control has one function; median of {STARTS} starts"
    yield Figure("up to ready, 10,000 functions", "s", value, bare_s, value / bare_s, 2, how, of_control=True)


def latency(server: Lambent, reading: Reading) -> Figure:
    """p50, beside that of an echo of as many bytes; p99 is told, and is on a busy machine the machine's."""
    target = server.reading(reading.path, reading.query)
    size = len(answer(target))
    echo = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    with control(echo) as bare:
        for each in (target, bare.target):
            timed(each, WARM_UP)
        rounds = [(timed(target, REQUESTS), timed(bare.target, REQUESTS)) for _ in range(ROUNDS)]
    value, echoed = (median(timing.p50_us for timing in side) / 1e3 for side in zip(*rounds, strict=True))
    ours_ms, echoed_ms = (median(timing.p99_ms for timing in side) for side in zip(*rounds, strict=True))
    how = (
        f"p50 (p99: {ours_ms:.1f} ms, the echo's {echoed_ms:.1f} ms), median of {ROUNDS} rounds of {REQUESTS} in turns with "
        f"the control, an echo of as many bytes ({size}), after {WARM_UP}; {FUNCTIONS} functions"
    )
    return Figure(reading.name, "ms", value, echoed, value / echoed, reading.bound_ms, how)


def answer(target: Target) -> bytes:
    with connected(target) as connection:
        connection.sendall(target.request)
        found = b""
        while not whole(found):
            found += received(connection)
    return found.partition(b"\r\n\r\n")[2]


def middle(server: Lambent) -> str:
    """The marker of the page in the middle."""
    pages = server.client("lambda").get_paginator("list_functions").paginate()
    markers = [page["NextMarker"] for page in pages if "NextMarker" in page]
    assert len(markers) == FUNCTIONS // PAGE - 1
    return markers[len(markers) // 2]


# --- what there is ---------------------------------------------------------------------------------------------------


async def populate(data: Path, count: int) -> None:
    """Write so many functions beside the one that is there, into the database of a Lambent that does not run."""
    async with (
        opened(data / "state.db", [*MIGRATIONS, *IAM_MIGRATIONS], "memory") as database,
        committing(database) as commits,
    ):
        store = await Functions.loaded(commits, CodeQuota(AccountLimits().total_code_size_bytes))
        (template,) = [function for function in store.everything() if function.arn.name == FUNCTION]
        now = Clock().now()
        for start in range(0, count, 500):
            made = [
                function(number, template.arn, template.latest.code, now)
                for number in range(start, min(start + 500, count))
            ]
            await asyncio.gather(*(store.create(each.arn, lambda _, each=each: each) for each in made))


def name_of(number: int) -> str:
    return f"service-{number % SERVICES:02d}-handle-order-event-{number:05d}"


def function(number: int, template: FunctionArn, code: Code, now: float) -> Function:
    service = number % SERVICES
    arn = FunctionArn(template.region, template.account, name_of(number))
    settings = Configuration(
        code=code,
        role=f"arn:aws:iam::{template.account}:role/service-role/service-{service:02d}-execution-role",
        logging=Logging(group=f"/aws/lambda/{arn.name}"),
        runtime=RUNTIMES[number % len(RUNTIMES)],
        handler="app.handler",
        description=f"Handles order event {number} of service {service}",
        timeout_s=30,
        memory_mib=(128, 256, 512, 1024)[number % 4],
        environment={
            "LOG_LEVEL": "INFO",
            "STAGE": "production",
            "TABLE_NAME": f"service-{service:02d}-orders",
            "QUEUE_URL": f"https://sqs.{template.region}.amazonaws.com/{template.account}/order-events-{number:05d}",
            "POWERTOOLS_SERVICE_NAME": f"service-{service:02d}",
        },
        tracing="Active" if number % 2 else "PassThrough",
    )
    tags = {
        "Project": f"service-{service:02d}",
        "Stage": "production",
        "CostCenter": str(4000 + service),
        "aws:cloudformation:stack-name": f"service-{service:02d}-production",
    }
    made = created(arn, settings, tags=tags, last_number=0, revision_id=str(uuid.uuid4()), now=now + number)
    made = made.settled(made.latest, None, str(uuid.uuid4()))
    if number % 3 == 0:
        made = made.publish(revision_id=str(uuid.uuid4()), latest_revision_id=str(uuid.uuid4()))
        made = made.aliased(
            "live", Alias(function_version="1", revision_id=str(uuid.uuid4()), description="Production")
        )
    if number % 10 == 0:
        made = made.with_part(EventInvokeConfig(modified_at=now, maximum_retry_attempts=1, maximum_event_age_s=3600))
    return made
