"""What is measured, one function each; every one starts a Lambent of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks import functions
from benchmarks.client import answered, connected, timed
from benchmarks.control import control
from benchmarks.figures import Figure, Skipped, median
from benchmarks.functions import Subject
from benchmarks.lambent import Lambent, descendants, lambent, pss_mib

ROUNDS = 5
WARM_REQUESTS = 2_000
THROUGHPUT_REQUESTS = 8_000
CLIENTS = 8
COLD_STARTS = 30
BURST = 100
STARTS = 7

Row = Figure | Skipped


def start() -> Iterator[Row]:
    """From exec to the ready line, and what an idle Lambent takes."""
    ready: list[float] = []
    memory: list[float] = []
    for _ in range(STARTS):
        with lambent() as server:
            ready.append(server.ready_s)
            memory.append(pss_mib(descendants(server.process.pid)))
    how = f"median of {STARTS} starts on an empty data directory"
    yield Figure("up to ready", median(ready), "s", 0.4, "0.4 s", how)
    yield Figure("idle memory", median(memory), "MB", 60, "60 MB", f"PSS of all its processes; {how}")


def _warm(subject: Subject | str) -> Iterator[Row]:
    if isinstance(subject, str):
        yield Skipped("warm", subject)
        return
    with lambent() as server:
        server.deploy(*subject)
        target = server.target(subject.name)
        with control(target.request) as echo:
            timed(target, 500, CLIENTS)
            timed(echo, 500, CLIENTS)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(timed(target, WARM_REQUESTS).p50)
                theirs.append(timed(echo, WARM_REQUESTS).p50)
            how = f"{median(ours) * 1e6:.0f} us against {median(theirs) * 1e6:.0f} us; p50, {ROUNDS} x {WARM_REQUESTS}"
            ratio = median(ours) / median(theirs)
            yield Figure(f"warm invocation, {subject.name}", ratio, "x control", 2.0, "at most 2x control", how)
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(timed(target, THROUGHPUT_REQUESTS, CLIENTS).rate)
                theirs.append(timed(echo, THROUGHPUT_REQUESTS, CLIENTS).rate)
            how = f"{median(ours):.0f}/s against {median(theirs):.0f}/s; {ROUNDS} x {THROUGHPUT_REQUESTS}"
            share = median(ours) / median(theirs) * 100
            name = f"throughput with {CLIENTS} clients, {subject.name}"
            yield Figure(name, share, "% of control", 50, "at least 50 % of control", how, at_least=True)


def _cold(subject: Subject | str, bound_ms: float) -> Iterator[Row]:
    if isinstance(subject, str):
        yield Skipped("cold start", subject)
        return
    with lambent() as server:
        server.deploy(*subject)
        taken = [_first_answer(server, subject.name, number) for number in range(COLD_STARTS + 2)][2:]
    how = f"median of {COLD_STARTS}, after a change of the function; slowest {max(taken) * 1e3:.1f} ms"
    yield Figure(f"cold start, {subject.name}", median(taken) * 1e3, "ms", bound_ms, f"{bound_ms:.0f} ms", how)


def _first_answer(server: Lambent, function: str, number: int) -> float:
    server.renew(function, number)
    time.sleep(0.1)  # what was ended has gone, what waits is there again
    target = server.target(function)
    with connected(target) as connection:
        began = time.perf_counter()
        answered(connection, target.request)
        return time.perf_counter() - began


def burst() -> Iterator[Row]:
    """As many cold starts at once as there are connections, and what an idle environment then takes."""
    subject = functions.python()
    assert isinstance(subject, Subject)
    sleepy = b"import time\ndef handler(event, context):\n    time.sleep(1.5)\n    return 1\n"
    with lambent() as server:
        server.deploy(*subject)
        server.deploy("held", subject.runtime, subject.handler, {"app.py": sleepy})
        taken: list[float] = []
        for number in range(3):
            server.renew("held", number)
            time.sleep(0.3)
            outcome = timed(server.target("held"), BURST, BURST)
            taken.append(max(outcome.seconds) - 1.5)
        how = f"the last of {BURST} answers, less the 1.5 s that each holds its environment; 3 bursts"
        yield Figure(f"{BURST} concurrent cold starts", median(taken), "s", 1.0, "1 s", how)
        time.sleep(0.5)
        with_them = pss_mib(descendants(server.process.pid))
        server.renew("held", 99)
        time.sleep(2)
        without = pss_mib(descendants(server.process.pid))
        each = (with_them - without) / BURST
        how = f"({with_them:.0f} - {without:.0f} MB of PSS) / {BURST}, all processes of each"
        yield Figure("idle Python environment", each, "MB", 5, "5 MB", how)


MEASURES: dict[str, Callable[[], Iterator[Row]]] = {
    "start": start,
    "warm-python": lambda: _warm(functions.python()),
    "warm-node": lambda: _warm(functions.node()),
    "cold-python": lambda: _cold(functions.python(), 8),
    "cold-node": lambda: _cold(functions.node(), 15),
    "cold-custom": lambda: _cold(functions.custom(), 8),
    "burst": burst,
}
