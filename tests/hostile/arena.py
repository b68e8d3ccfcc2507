"""What an attack is measured with: hostile functions, a bystander's waiting times, and what the server spends.

Waiting times are compared with those of the same server when it is quiet, in the same test and by the same client, and
with wide margins: a test must not fail because the machine is busy. Memory and counts are compared as they are.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from benchmarks.client import Target, Timing, timed
from benchmarks.signing import Keys, invoke_request
from tests.system.conftest import Server, deployed, zipped

SETTLED_S = 10.0
RUNTIME = f"python3.{sys.version_info.minor}"


class Spending(NamedTuple):
    """What the server's process holds."""

    resident_mib: float
    descriptors: int
    threads: int


class Arena:
    """A running Lambent, seen by the one who attacks it and by the one who measures."""

    def __init__(self, server: Server, data: Path) -> None:
        self.server = server
        self.data = data  # its data directory
        self.port = int(server.endpoint.rpartition(":")[2])
        self.client: Any = server.client("lambda", read_timeout=120, max_pool_connections=50)

    def deploy(self, name: str, source: str, *, memory_mib: int = 128, timeout_s: int = 30, **settings: Any) -> None:
        """Make a Python function of `source`, which defines `handler`, and wait until it is active."""
        package = zipped(app__py=source)
        settings = {"MemorySize": memory_mib, "Timeout": timeout_s} | settings
        _ = deployed(self.server, name, RUNTIME, "app.handler", package, **settings)

    def invoke(self, name: str, event: object = None) -> Any:
        """Invoke and return the answer of boto3 with `Payload` decoded; errors of the function are in `FunctionError`."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event))
        return answer | {"Payload": json.loads(answer["Payload"].read() or b"null")}

    @contextmanager
    def attack(self, name: str, event: object = None, *, times: int = 1) -> Generator[list[Future[Any]]]:
        """Have `times` invocations under way as long as the block lasts; leaving waits until they have ended."""
        with ThreadPoolExecutor(times) as pool:
            yield [pool.submit(self.invoke, name, event) for _ in range(times)]

    def bystander(self, requests: int = 200, clients: int = 1) -> Timing:
        """Invoke the bystander so many times from another process, and return how long each took. Raises Refused."""
        keys = Keys(self.server.keys["AWS_ACCESS_KEY_ID"], self.server.keys["AWS_SECRET_ACCESS_KEY"])
        target = Target(self.port, invoke_request(self.server.endpoint, keys, "bystander", b'{"n": 1}'))
        return timed(target, requests, clients)

    def bystander_at_best(self, requests: int = 200) -> Timing:
        """Return the quickest of three measurements: an attack shows in each, what else the machine does does not."""
        return min((self.bystander(requests) for _ in range(3)), key=lambda timing: timing.p99_ms)

    def at_most(self) -> Spending:
        """Return the most of each that the server holds in a second in which nobody asks it for anything."""
        looks: list[Spending] = []
        for _ in range(20):
            looks.append(self.spending())
            time.sleep(0.05)
        return Spending(*map(max, zip(*looks, strict=True)))

    def settled(self, holds: Callable[[Spending], bool]) -> Spending:
        """Return what the server holds as soon as it holds no more than that, or after SETTLED_S."""
        until = time.monotonic() + SETTLED_S
        while not holds(spending := self.spending()) and time.monotonic() < until:
            time.sleep(0.05)
        return spending

    def capacity(self) -> dict[str, Any]:
        """Return what `lambent status` shows of the room for environments."""
        with urlopen(f"{self.server.endpoint}/_lambent/capacity") as answer:
            return json.loads(answer.read())

    def spending(self) -> Spending:
        """Return what the server holds at this moment."""
        process = Path("/proc", str(self.server.process.pid))
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
        return Spending(
            resident_mib=int(status["VmRSS"].split()[0]) / 1024,
            descriptors=len(list((process / "fd").iterdir())),
            threads=int(status["Threads"]),
        )
