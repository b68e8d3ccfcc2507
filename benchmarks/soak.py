"""Many clients at once for a long time, most of them up to no good: do the innocent notice, and does anything pile up?

    python -m benchmarks.soak --clients 200 --minutes 30

    quiet: only the innocent ──▶ warm-up ──▶ rest, holdings "before" ──▶ the mixture, holdings each minute ──▶ rest, "after"

The table has, for each kind, how its invocations ended and how long they took; for those that time out, how long after the
deadline that the function saw they were answered: a start, which is no part of a Timeout, may take long. Ends with 1 if an
innocent invocation failed but by a throttle, a deadline was missed by a second, or something has grown by more than 5 %
between the rests. Environments end after IDLE_S here, so that a rest shows what is left of none.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

from benchmarks.functions import Subject
from benchmarks.holdings import Holdings, held
from benchmarks.lambent import TRUST, Lambent, lambent_on, zipped
from benchmarks.mixture import ANSWERED, KINDS, THROTTLED, Kind, shared_out
from benchmarks.signing import invoke_request

IDLE_S: Final = 5
QUIET_S: Final = 10.0
WARM_UP_S: Final = 20.0
REST_S: Final = 20.0
RESIGN_S: Final = 240.0
LATE_S: Final = 1.0  # beyond its deadline no answer may come
PATIENCE_S: Final = 60.0


class Ledger:
    """What has become of the invocations of each kind."""

    def __init__(self) -> None:
        self.endings: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.late_s: defaultdict[str, list[float]] = defaultdict(list)  # after the deadline

    def enter(self, kind: Kind, ending: str, took_s: float) -> None:
        self.endings[kind.name][ending] += 1
        if ending in kind.right:
            self.seconds[kind.name].append(took_s)

    def wrong(self, kind: Kind) -> dict[str, int]:
        """The endings that should not have been."""
        return {how: count for how, count in self.endings[kind.name].items() if how not in (*kind.right, THROTTLED)}


class Load:
    """Clients of one Lambent."""

    def __init__(self, server: Lambent) -> None:
        self._server = server
        self._port = int(server.endpoint.rpartition(":")[2])
        self._signed: dict[str, tuple[float, bytes]] = {}

    async def run(self, clients: list[Kind], seconds: float, *, every_s: float = 60.0) -> tuple[Ledger, list[Holdings]]:
        """Have these clients for so long; what the server holds is looked at from time to time."""
        ledger, holdings = Ledger(), list[Holdings]()
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for number, kind in enumerate(clients):
                _ = tasks.create_task(self._client(kind, ledger, until, number / len(clients)))
            while (left := until - time.monotonic()) > 0:
                await asyncio.sleep(min(every_s, left))
                holdings.append(await asyncio.to_thread(held, self._server.process.pid))
                print(
                    f"  after {seconds - max(0.0, until - time.monotonic()):5.0f} s: {shown(holdings[-1])}", flush=True
                )
        return ledger, holdings

    async def _client(self, kind: Kind, ledger: Ledger, until: float, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while time.monotonic() < until:
            began = time.perf_counter()
            try:
                if connection is None:
                    connection = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 23)
                async with asyncio.timeout(kind.cancels_s or PATIENCE_S):
                    ending, deadline_s = await self._exchange(*connection, kind)
                    if deadline_s is not None:
                        ledger.late_s[kind.name].append(time.time() - deadline_s)
            except TimeoutError:
                ending = ANSWERED if kind.cancels_s else "no answer"
            except (OSError, asyncio.IncompleteReadError) as error:
                ending = type(error).__name__
            took_s = time.perf_counter() - began
            ledger.enter(kind, ending, took_s)
            if ending not in (*kind.right, THROTTLED) or kind.cancels_s:
                if connection is not None:
                    connection[1].close()
                connection = None
            await asyncio.sleep(kind.rest_s if ending != THROTTLED else 0.2)
        if connection is not None:
            connection[1].close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: Kind
    ) -> tuple[str, float | None]:
        """How an invocation ended, with a function's error or with a status, and its deadline if that is in its log."""
        writer.write(self._request(kind))
        answer = await reader.readuntil(b"\r\n\r\n")
        head = answer.lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        _ = await reader.readexactly(length)
        status = head.split(b" ", 2)[1].decode()
        ending = "Unhandled" if b"x-amz-function-error: unhandled" in head else status
        return ending, deadline_s(answer) if kind.times_out else None

    def _request(self, kind: Kind) -> bytes:
        now = time.monotonic()
        signed_at, request = self._signed.get(kind.name, (-RESIGN_S, b""))
        if now - signed_at >= RESIGN_S:
            request = invoke_request(
                self._server.endpoint, self._server.keys, function(kind), kind.event, log_tail=kind.times_out
            )
            self._signed[kind.name] = now, request
        return request


def deadline_s(answer: bytes) -> float | None:
    """The deadline that a function has noted in the tail of its log; None if its handler was not begun."""
    tail = base64.b64decode(answer.partition(b"X-Amz-Log-Result:")[2].split(b"\r\n", 1)[0])
    noted = tail.partition(b"deadline_ms ")[2].split(b"\n", 1)[0]
    return float(noted) / 1000 if noted else None


def function(kind: Kind) -> str:
    return kind.name.replace(" ", "-")


def deployed(server: Lambent) -> None:
    """Make the functions of all kinds."""
    role = server.client("iam").create_role(RoleName="soak", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    client = server.client("lambda")
    subject = Subject("", f"python3.{sys.version_info.minor}", "app.handler", {})
    for kind in KINDS:
        client.create_function(
            FunctionName=function(kind),
            Runtime=subject.runtime,
            Handler=subject.handler,
            Role=role,
            Code={"ZipFile": zipped({"app.py": kind.source.encode()})},
            MemorySize=kind.memory_mib,
            Timeout=kind.timeout_s,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=function(kind))


def table(ledger: Ledger) -> None:
    columns = ("429", "p50 ms", "p99 ms", "max ms", "late p99", "max")
    print(f"  {'kind':<24}{'ended right':>12}{''.join(f'{name:>10}' for name in columns)}  otherwise")
    for kind in KINDS:
        endings, seconds = ledger.endings[kind.name], sorted(ledger.seconds[kind.name])
        if not endings:
            continue
        right = sum(endings[how] for how in kind.right)
        p50, p99, most = ((at(seconds, share) * 1e3) for share in (0.5, 0.99, 1.0))
        late_s = sorted(ledger.late_s[kind.name])
        late, latest = (f"{at(late_s, share) * 1e3:.1f}" if late_s else "" for share in (0.99, 1.0))
        wrong = ", ".join(f"{how}: {count}" for how, count in ledger.wrong(kind).items())
        figures = (endings[THROTTLED], *(f"{figure:.1f}" for figure in (p50, p99, most)), late, latest)
        print(f"  {kind.name:<24}{right:>12}{''.join(f'{figure:>10}' for figure in figures)}  {wrong}")


def at(seconds: list[float], share: float) -> float:
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))] if seconds else 0.0


def shown(holdings: Holdings) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in zip(holdings._fields, holdings, strict=True))


def failures(ledger: Ledger, before: Holdings, after: Holdings) -> list[str]:
    """What must not be, in words."""
    found = [f"{kind.name}: {ledger.wrong(kind)}" for kind in KINDS if kind.innocent and ledger.wrong(kind)]
    for kind in KINDS:
        late_s = max(ledger.late_s[kind.name], default=0.0)
        if late_s > LATE_S:
            found.append(f"{kind.name}: answered {late_s:.2f} s after its deadline")
        if kind.times_out and not ledger.late_s[kind.name]:
            found.append(f"{kind.name}: no deadline was noted")
    return found + [f"grown: {what}" for what in after.flat(before)]


async def soak(server: Lambent, clients: int, seconds: float) -> list[str]:
    load, pid = Load(server), server.process.pid
    mixture = shared_out(clients)
    innocent = [kind for kind in mixture if kind.innocent]
    _ = await load.run(innocent, 3.0)
    print(f"quiet: {len(innocent)} innocent clients alone")
    quiet, _ = await load.run(innocent, QUIET_S)
    table(quiet)
    print("warm-up and rest")
    _ = await load.run(mixture, WARM_UP_S)
    await asyncio.sleep(REST_S)
    before = held(pid)
    print(f"before: {shown(before)}")
    print(f"the mixture: {clients} clients for {seconds:.0f} s")
    ledger, _ = await load.run(mixture, seconds)
    table(ledger)
    await asyncio.sleep(REST_S)
    after = held(pid)
    print(f"after:  {shown(after)}")
    return failures(ledger, before, after)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    _ = parser.add_argument("--clients", type=int, default=200)
    _ = parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as data, lambent_on(Path(data), "--idle-timeout-s", str(IDLE_S)) as server:
        deployed(server)
        failed = asyncio.run(soak(server, given.clients, given.minutes * 60))
    print("\n".join(["FAILED", *failed]) if failed else "passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
