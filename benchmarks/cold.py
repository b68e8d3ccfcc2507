"""Cold starts: each after a change of the function's configuration, so that its environment is new.

The waiting pool has its default size, and has the time between two starts to fill again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from benchmarks.client import Target, connected, exchange
from benchmarks.control import control
from benchmarks.figures import Figure, Row, Skipped
from benchmarks.functions import Subject
from benchmarks.lambent import Lambent, lambent

STARTS = 40
WARM_UP = 5
PAUSE_S = 0.15  # what was ended is gone, what waits is there again, logs are stored


def cold(subject: Subject | Skipped, bound_ms: float) -> Iterator[Row]:
    if isinstance(subject, Skipped):
        yield Skipped(f"cold start, {subject.name}", subject.reason)
        return
    with lambent() as server, control(server.target().request) as bare:
        server.deploy(subject)
        taken = [(started_ms(server, number), first_answer_ms(bare.target)) for number in range(WARM_UP + STARTS)]
        time.sleep(1)
        environments = server.environments()
        assert environments == len(taken), f"{environments} environments of {len(taken)} cold starts"
    ours, theirs = sorted(ours for ours, _ in taken[WARM_UP:]), [theirs for _, theirs in taken[WARM_UP:]]
    spread = f"fastest {ours[0]:.1f}, p90 {ours[STARTS * 9 // 10]:.1f}, slowest {ours[-1]:.1f} ms"
    how = f"p50 of {STARTS}, after {WARM_UP}, each after UpdateFunctionConfiguration; {spread}"
    value, echoed = median(ours), median(theirs)
    yield Figure(f"cold start, {subject.name}", "ms", value, echoed, value / echoed, bound_ms, how)


def started_ms(server: Lambent, number: int) -> float:
    server.renew(number)
    time.sleep(PAUSE_S)
    return first_answer_ms(server.target())


def first_answer_ms(target: Target) -> float:
    """From the request to its answer, on a new connection."""
    with connected(target) as connection:
        began = time.perf_counter()
        exchange(connection, target.request)
        return (time.perf_counter() - began) * 1e3
