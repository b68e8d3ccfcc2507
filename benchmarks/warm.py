"""Warm invocations: of one client, one after the other, and of several at once."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.client import Target, Timing, timed
from benchmarks.control import control
from benchmarks.figures import Figure, Row, Skipped
from benchmarks.functions import Subject
from benchmarks.lambent import lambent

ROUNDS = 9
CLIENTS = 8
WARM_UP = 2_000
ONE_BY_ONE = 1_000
TOGETHER = 4_000


def warm(subject: Subject | Skipped) -> Iterator[Row]:
    if isinstance(subject, Skipped):
        yield subject
        return
    with lambent() as server:
        server.deploy(subject)
        target = server.target()
        with control(target.request) as bare:
            yield latency(f"warm p50, {subject.name}", target, bare.target)
            yield throughput(f"throughput of {CLIENTS} clients, {subject.name}", target, bare.target)


def latency(name: str, target: Target, bare: Target) -> Figure:
    rounds = in_turns(target, bare, ONE_BY_ONE, clients=1)
    value, control_us = median(ours.p50_us for ours, _ in rounds), median(theirs.p50_us for _, theirs in rounds)
    ratio = median(ours.p50_us / theirs.p50_us for ours, theirs in rounds)
    return Figure(name, "us", value, control_us, ratio, 2, how(ONE_BY_ONE), of_control=True)


def throughput(name: str, target: Target, bare: Target) -> Figure:
    rounds = in_turns(target, bare, TOGETHER, CLIENTS)
    value, control_rate = median(ours.rate for ours, _ in rounds), median(theirs.rate for _, theirs in rounds)
    ratio = median(ours.rate / theirs.rate for ours, theirs in rounds)
    return Figure(name, "/s", value, control_rate, ratio, 0.5, how(TOGETHER), of_control=True, at_least=True)


def in_turns(target: Target, bare: Target, requests: int, clients: int) -> list[tuple[Timing, Timing]]:
    for each in (target, bare):
        timed(each, WARM_UP, clients)
    return [(timed(target, requests, clients), timed(bare, requests, clients)) for _ in range(ROUNDS)]


def how(requests: int) -> str:
    return f"median of {ROUNDS} rounds of {requests} in turns with the control, after {WARM_UP}"
