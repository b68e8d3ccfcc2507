"""What others notice while one function of 128 MB does its worst, and what the server is left with afterwards.

For each way of `attacks.py`: the waiting times of a bystander's warm invocations, compared with those of the same server a
moment before; how much the server's memory grows meanwhile; and, after ten repetitions, what is left of memory and
descriptors ten seconds later.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import NamedTuple

from botocore.config import Config

from benchmarks import functions
from benchmarks.attacks import ATTACKS, PROGRAM
from benchmarks.client import Timing, timed
from benchmarks.figures import Figure, Row
from benchmarks.functions import Subject
from benchmarks.lambent import Lambent, lambent

ATTACKER = "attacker"
ATTACKER_MIB = 128
ATTACK_S = 8.0
SETTLE_S = 2.0  # from the beginning of an attack to the first measured invocation
ROUNDS = 5
REQUESTS = 300
REPETITIONS = 10
REPETITION_S = 2.0
REST_S = 10.0


class Held(NamedTuple):
    """What the server's process holds."""

    resident_mib: float
    descriptors: int


def hostile() -> Iterator[Row]:
    for attack in ATTACKS:
        with lambent() as server:
            server.deploy(functions.python())
            server.deploy(attacker(), ATTACKER, ATTACKER_MIB)
            yield from measured(server, attack)


def attacker() -> Subject:
    return functions.python()._replace(name="attacker", files={"app.py": PROGRAM.encode()})


def measured(server: Lambent, attack: str) -> Iterator[Row]:
    target = server.target()
    _ = timed(target, 1000)
    attacked(server, attack, 0.1)  # once, so that what stays for good is there
    quiet = [timed(target, REQUESTS) for _ in range(ROUNDS)]
    before = held(server)
    with ThreadPoolExecutor(1) as pool:
        attacking = pool.submit(attacked, server, attack, ATTACK_S)
        time.sleep(SETTLE_S)
        disturbed, peak = list[Timing](), before
        while not attacking.done() and len(disturbed) < ROUNDS:
            disturbed.append(timed(target, REQUESTS))
            peak = max(peak, held(server))
        while not attacking.done():
            time.sleep(0.1)
            peak = max(peak, held(server))
    name = attack.replace("_", " ")
    for label, of, bound in (("p50", Timing.p50_us, 2.0), ("p99", Timing.p99_ms, 5.0)):
        value = median(of.fget(each) for each in disturbed)  # pyright: ignore[reportOptionalCall]
        control = median(of.fget(each) for each in quiet)  # pyright: ignore[reportOptionalCall]
        how = f"median of {len(disturbed)} rounds of {REQUESTS}; control: the same server, quiet"
        unit = "us" if label == "p50" else "ms"
        yield Figure(f"{name}: others' {label}", unit, value, control, value / control, bound, how, of_control=True)
    grown = peak.resident_mib - before.resident_mib
    yield Figure(
        f"{name}: memory grows by", "MiB", grown, before.resident_mib, 0, 2 * ATTACKER_MIB, "peak of one attack"
    )
    left = list[Held]()
    for _ in range(REPETITIONS):
        attacked(server, attack, REPETITION_S)
        left.append(held(server))
    time.sleep(REST_S)
    rest = held(server)
    how = f"{REPETITIONS} attacks of {REPETITION_S:g} s, {REST_S:g} s later; after the first: {left[0].resident_mib:.0f} MiB"
    yield Figure(
        f"{name}: memory left", "MiB", rest.resident_mib - before.resident_mib, before.resident_mib, 0, 30, how
    )
    yield Figure(f"{name}: descriptors left", "", rest.descriptors - before.descriptors, before.descriptors, 0, 0, how)


def attacked(server: Lambent, attack: str, seconds: float) -> None:
    """Have the attacker do its worst for so long; how that ends is its own affair."""
    client = server.client("lambda", config=Config(read_timeout=60, retries={"max_attempts": 0}))
    answer = client.invoke(FunctionName=ATTACKER, Payload=json.dumps({"attack": attack, "seconds": seconds}))
    print(f"  {attack}: {answer['Payload'].read()[:100]!r}", file=sys.stderr)
    client.close()


def held(server: Lambent) -> Held:
    process = Path("/proc", str(server.process.pid))
    pages = int((process / "statm").read_text().split()[1])
    return Held(pages / 256, len(list((process / "fd").iterdir())))
