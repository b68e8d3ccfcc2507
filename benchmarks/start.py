"""From exec to an answer, and what an idle Lambent takes."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.control import control
from benchmarks.figures import Figure, Row
from benchmarks.lambent import lambent
from benchmarks.memory import descendants, pss_mib

ROUNDS = 9


def start() -> Iterator[Row]:
    ready_s: list[tuple[float, float]] = []
    memory_mib: list[tuple[float, float]] = []
    for _ in range(ROUNDS + 1):
        with lambent() as ours, control() as bare:
            ready_s.append((ours.ready_s, bare.ready_s))
            memory_mib.append((pss_mib(descendants(ours.process.pid)), pss_mib([bare.pid])))
    how = f"median of {ROUNDS} starts on new data directories, after one"
    yield figure("up to ready", "s", ready_s, 0.4, f"from exec to the answer of /_lambent/health; {how}")
    yield figure("idle memory", "MB", memory_mib, 60, f"PSS of all its processes, nothing deployed; {how}")


def figure(name: str, unit: str, rounds: list[tuple[float, float]], bound: float, how: str) -> Figure:
    value, bare = median(ours for ours, _ in rounds[1:]), median(theirs for _, theirs in rounds[1:])
    return Figure(name, unit, value, bare, value / bare, bound, how)
