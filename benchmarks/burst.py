"""Many cold starts at once, and what the environments take when they are idle.

Every invocation keeps its environment for longer than the burst takes, so that none answers twice; that time is taken off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from benchmarks.client import timed
from benchmarks.control import control
from benchmarks.figures import Figure, Row
from benchmarks.functions import HOLD_S, Subject
from benchmarks.lambent import lambent
from benchmarks.memory import descendants, pss_mib

BURST = 100
ROUNDS = 3
SETTLED_S = 1.0  # environments that were ended are gone; those that are idle are frozen


def burst(subject: Subject) -> Iterator[Row]:
    rounds: list[tuple[float, float]] = []
    each_mib: list[float] = []
    with lambent() as server, control(server.target().request) as bare:
        server.deploy(subject)
        timed(server.target(), 1)
        for number in range(ROUNDS):
            server.renew(number)
            time.sleep(SETTLED_S)
            before_mib, before = pss_mib(descendants(server.process.pid)), server.environments()
            took_s = timed(server.target(), BURST, BURST).took_s - HOLD_S
            time.sleep(SETTLED_S)
            each_mib.append((pss_mib(descendants(server.process.pid)) - before_mib) / BURST)
            started = server.environments() - before
            assert started == BURST, f"{started} environments of {BURST} invocations"
            rounds.append((took_s, timed(bare.target, BURST, BURST).took_s))
        bare_mib = pss_mib([bare.pid])
    took_s, echoed_s = median(ours for ours, _ in rounds), median(theirs for _, theirs in rounds)
    how = (
        f"until the last answer, less the {HOLD_S:g} s for which each holds its environment; median of {ROUNDS} bursts"
    )
    yield Figure(f"{BURST} concurrent cold starts", "s", took_s, echoed_s, took_s / echoed_s, 1.0, how)
    how = f"PSS of all processes with {BURST} idle environments, less that without, by {BURST}; median of {ROUNDS}"
    value = median(each_mib)
    yield Figure("idle Python environment", "MB", value, bare_mib, value / bare_mib, 5, how)
