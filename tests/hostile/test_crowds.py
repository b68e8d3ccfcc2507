"""Many who crash, time out and hang up at once: those who do nothing of the kind are answered all the same."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.hostile.arena import Arena

CRASH = "import os\ndef handler(event, context): os._exit(1)"
LATE = "import time\ndef handler(event, context): time.sleep(60)"
NO_INIT = "raise RuntimeError"
CLIENTS = 6  # of each kind
SPIN = """
import time
def handler(event, context):
    end = time.monotonic() + event
    while time.monotonic() < end: pass
"""
WORK = """
import time
def handler(event, context):
    began = time.monotonic()
    used = time.process_time()
    while time.process_time() < used + 0.2: pass
    return time.monotonic() - began
"""
SPINNERS = 24
SPIN_S = 10
SIZES = 24  # of /tmp, more than are made ahead
TMP_BYTES = "import os\ndef handler(event, context):\n s = os.statvfs('/tmp')\n return s.f_bavail * s.f_frsize"
SLOWER = 25  # than alone may a bystander be in the median: the processors are everybody's, their queue is not


def ending(arena: Arena, name: str) -> str:
    try:
        answer = arena.invoke(name)
    except arena.client.exceptions.TooManyRequestsException:
        return "throttled"
    return answer["Payload"]["errorMessage"].partition("Error: ")[2] if "FunctionError" in answer else "answered"


def test_the_innocent_are_served_beside_a_crowd_that_crashes_and_times_out(arena: Arena) -> None:
    for name, source in (("crash", CRASH), ("late", LATE), ("no-init", NO_INIT)):
        arena.deploy(name, source, timeout_s=1)
    quiet = arena.bystander()
    over = threading.Event()

    def client(name: str) -> Counter[str]:
        endings = Counter[str]()
        while not over.is_set():
            endings[ending(arena, name)] += 1
        return endings

    before = arena.spending()
    with ThreadPoolExecutor(3 * CLIENTS) as pool:
        crowd = {name: [pool.submit(client, name) for _ in range(CLIENTS)] for name in ("crash", "late", "no-init")}
        try:
            attacked = [arena.bystander() for _ in range(5)]  # raises Refused at the first that is not answered
        finally:
            over.set()
    late = sum((each.result() for each in crowd["late"]), Counter[str]())
    assert set(late) <= {"Task timed out after 1.00 seconds", "throttled"}
    assert sorted(each.p50_us for each in attacked)[2] <= SLOWER * quiet.p50_us
    assert arena.spending().threads <= before.threads + 4


def test_more_sizes_of_tmp_at_once_than_are_made_ahead_are_all_had(arena: Arena) -> None:
    sizes = [600 + number for number in range(SIZES)]
    for size in sizes:
        arena.deploy(f"tmp-{size}", TMP_BYTES, EphemeralStorage={"Size": size})
    with ThreadPoolExecutor(SIZES) as pool:
        answers = list(pool.map(arena.invoke, [f"tmp-{size}" for size in sizes]))
    free = [answer["Payload"] for answer in answers]
    assert all(have >= size << 20 for have, size in zip(free, sizes, strict=True)), free


def test_a_function_that_spins_in_many_environments_has_one_part_of_the_processors(arena: Arena) -> None:
    arena.deploy("spin", SPIN, memory_mib=1769)
    arena.deploy("work", WORK, memory_mib=1769)

    def worked_s() -> float:
        return sorted(arena.invoke("work")["Payload"] for _ in range(5))[2]

    quiet_s = worked_s()
    with arena.attack("spin", SPIN_S, times=SPINNERS):
        while arena.capacity()["environments"] <= SPINNERS:
            time.sleep(0.1)
        attacked_s = worked_s()
    assert attacked_s <= 5 * quiet_s, "it has half of the processors beside them, and a processor alone"
