"""What one guest of 128 MB can make the server hold, and what is left of it when the guest has stopped.

Before everything that is kept for a guest counted in its allowance (`lambda_/environment/allowance.py`), headers that never
end cost 1.6 GB, and nothing was given back as long as the guest lived.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

import pytest

from benchmarks.attacks import PROGRAM
from tests.hostile.arena import Arena

ATTACKER_MIB = 128
LEFT_MIB = 30
REPETITIONS = 5

# Ways that are not in the benchmark. They hold what they have sent until their time is over.
WAYS = r'''
FOREIGN_ANSWER = b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n"
RUNNING = None  # the id of the invocation

def handler(event, context):
    global RUNNING
    RUNNING = context.aws_request_id.encode()
    return ATTACKS[event["attack"]](time.monotonic() + event["seconds"])
LONG_HEADER = b"GET / HTTP/1.1\r\nA: "
LONG_PATH = b"GET /"

def held(address, beginning, more, end, count=60):
    """Begin a request on many connections, and send more of each as long as it is taken."""
    links, sent = [], {}
    for _ in range(count):
        try:
            link = socket.create_connection(address, timeout=0.2)
            link.sendall(beginning)
            link.setblocking(False)
            links.append(link)
        except OSError:
            break
    while time.monotonic() < end and links:
        for link in list(links):
            try:
                if sent.get(link, 0) < 5_500_000:  # so that none ever becomes whole
                    sent[link] = sent.get(link, 0) + link.send(more)
            except BlockingIOError:
                pass
            except OSError:
                links.remove(link)
        time.sleep(0.001)
    time.sleep(max(0, end - time.monotonic()))
    return sum(sent.values())

def request(method, path, body=b""):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    keys = Credentials(*(os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
    asked = AWSRequest(method, "http://127.0.0.1:4566" + path, data=body)
    SigV4Auth(keys, "lambda", os.environ["AWS_REGION"]).add_auth(asked)
    lines = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body

def large_answers(end):
    """Ask for answers of 6 MB on many connections, and take none of them."""
    asked = request("POST", "/2015-03-31/functions/large/invocations", b"{}")
    links = []
    for _ in range(60):
        try:
            link = socket.create_connection(GATEWAY, timeout=0.5)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.sendall(asked)
            links.append(link)
        except OSError:
            break
    time.sleep(max(0, end - time.monotonic()))
    return len(links)

def half_uploads(end):
    head = request("POST", "/2015-03-31/functions/large/invocations", b"x" * 6000000)
    return held(GATEWAY, head[:20000], b"x" * 65536, end)

ATTACKS |= {
    "foreign_answers": lambda end: held(RUNTIME, FOREIGN_ANSWER, b"x" * 65536, end),
    "half_answers": lambda end: held(RUNTIME, FOREIGN_ANSWER.replace(b"/x/", b"/%s/" % RUNNING), b"x" * 65000, end, 20),
    "half_chunked": lambda end: held(RUNTIME, CHUNKED.replace(b"/x/", b"/%s/" % RUNNING) + b"5b8d80\r\n", b"x" * 1000, end),
    "long_header": lambda end: held(RUNTIME, LONG_HEADER, b"x" * 65536, end),
    "long_path": lambda end: held(RUNTIME, LONG_PATH, b"x" * 65536, end),
    "long_header_to_gateway": lambda end: held(GATEWAY, LONG_HEADER, b"x" * 1000, end),
    "large_answers": large_answers,
    "half_uploads": half_uploads,
}
'''
LARGE = "def handler(event, context): return 'x' * 6_000_000"
ATTACKS = [
    *("endless_headers", "unread_answers", "tiny_chunks", "long_lines"),
    *("foreign_answers", "half_answers", "half_chunked", "long_header", "long_path", "long_header_to_gateway"),
    *("large_answers", "half_uploads"),
]


@pytest.fixture(scope="module")
def hoard(arena: Arena) -> Arena:
    arena.deploy("large", LARGE, memory_mib=1769)
    arena.deploy("hoarder", PROGRAM + WAYS, timeout_s=60, memory_mib=ATTACKER_MIB)
    _ = arena.bystander(200)
    _ = arena.invoke("large")
    return arena


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_guest_makes_the_server_hold_no_more_than_twice_its_own_memory_and_nothing_for_long(
    hoard: Arena, attack: str
):
    _ = hoard.invoke("hoarder", {"attack": attack, "seconds": 0.2})  # what stays for good is there
    before = hoard.spending().resident_mib
    with hoard.attack("hoarder", {"attack": attack, "seconds": 3.0}) as attacks:
        grown = peak(hoard, attacks[0]) - before
    assert "FunctionError" not in attacks[0].result()
    assert grown <= 2 * ATTACKER_MIB
    for _ in range(REPETITIONS):
        _ = hoard.invoke("hoarder", {"attack": attack, "seconds": 0.5})
    after = hoard.settled(lambda now: now.resident_mib <= before + LEFT_MIB)
    assert after.resident_mib <= before + LEFT_MIB
    assert hoard.invoke("bystander", {"n": 1})["Payload"] == {"n": 1}


def peak(arena: Arena, attack: Future[Any]) -> float:
    """The most that the server held until the attack was over."""
    most = 0.0
    while not attack.done():
        most = max(most, arena.spending().resident_mib)
        time.sleep(0.02)
    return most
