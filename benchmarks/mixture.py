"""The clients of the soak: what each kind invokes, which answers are right, and which kinds are innocent.

Each client is a kept-alive raw connection in a closed loop, with a rest between an answer and the next request.
"""

from __future__ import annotations

from typing import Final, NamedTuple

THROTTLED: Final = "429"
ANSWERED: Final = "200"

ECHO = "def handler(event, context):\n    return event\n"
SLEEP = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return event\n"
RAISE = "def handler(event, context):\n    raise ValueError(event)\n"
EXIT = "import os\ndef handler(event, context):\n    os._exit(3)\n"
NO_INIT = "raise RuntimeError('no')\n"
HUNGRY = "def handler(event, context):\n    return len(b'x' * (1 << 32))\n"
DEADLINE = """
import os, time
def note(context):
    print("deadline_ms", time.time() * 1000 + context.get_remaining_time_in_millis(), flush=True)
"""
LATE = DEADLINE + "def handler(event, context):\n    note(context)\n    time.sleep(60)\n"
FORKS = (
    DEADLINE
    + """
def handler(event, context):
    note(context)
    for _ in range(20):
        if os.fork() == 0:
            break
    time.sleep(60)
"""
)
FLOOD = "def handler(event, context):\n    for _ in range(2000):\n        print('x' * 100)\n    return 1\n"


class Kind(NamedTuple):
    """One kind of client."""

    name: str
    source: str
    share: int  # of a hundred clients
    event: bytes = b"1"
    memory_mib: int = 128
    timeout_s: int = 10
    right: tuple[str, ...] = (ANSWERED,)  # how its invocations should end: a status, or a function's error
    innocent: bool = False  # it must never fail, but by a throttle
    times_out: bool = False  # its invocations note their deadline in the log, and never answer
    rest_s: float = 0.02
    cancels_s: float | None = None  # the client goes after so long


KINDS: Final = (
    Kind("echo", ECHO, 30, innocent=True, memory_mib=256),
    Kind("large echo", ECHO, 4, event=b'"' + b"x" * 200_000 + b'"', innocent=True, memory_mib=512),
    Kind("sleep", SLEEP, 16, event=b"0.5", innocent=True),
    Kind("raise", RAISE, 8, right=("Unhandled",)),
    Kind("exit", EXIT, 8, right=("Unhandled",), memory_mib=256),
    Kind("time out", LATE, 10, timeout_s=1, right=("Unhandled",), times_out=True),
    Kind("time out with children", FORKS, 4, timeout_s=1, right=("Unhandled",), times_out=True, memory_mib=512),
    Kind("init fails", NO_INIT, 4, right=("Unhandled",), memory_mib=256),
    Kind("out of memory", HUNGRY, 4, right=("Unhandled",)),
    Kind("log flood", FLOOD, 4, rest_s=0.2),
    Kind("cancelled", SLEEP, 8, event=b"5", cancels_s=0.3),
)


def shared_out(clients: int) -> list[Kind]:
    """So many clients, each kind in its share; what is left over echoes."""
    found = [kind for kind in KINDS for _ in range(clients * kind.share // 100)]
    return found + [KINDS[0]] * (clients - len(found))
