"""One guest of 128 MB has its log read as often and as dearly as it can: others' invocations and log reads hardly notice.

Before long reads had turns and a price (`services/logs/reads.py`) the bystander waited up to twenty times as long as when it
is quiet, and who wanted to read a log waited for a quarter of a minute.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from tests.hostile.arena import Arena

ATTACK_S = 6.0
SETTLE_S = 1.0
REQUESTS = 200
P50_TIMES = 2
P50_FLOOR_US = 1000.0  # a quiet machine's is less, and says little when multiplied
P99_TIMES = 5
P99_FLOOR_MS = 5.0
OWN_TIMES = 20
OWN_FLOOR_S = 0.02

SCANNER = r"""
import collections, json, os, socket, threading, time
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEYS = Credentials(*(os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
GROUP = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]

def signed(operation, members):
    headers = {"X-Amz-Target": "Logs_20140328." + operation, "Content-Type": "application/x-amz-json-1.1"}
    body = json.dumps(members).encode()
    request = AWSRequest("POST", "http://127.0.0.1:4566/", data=body, headers=headers)
    SigV4Auth(KEYS, "logs", os.environ["AWS_REGION"]).add_auth(request)
    lines = [*(f"{name}: {value}" for name, value in request.headers.items()), "Host: 127.0.0.1:4566", "Connection: close"]
    return ("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body

def handler(event, context):
    if "lines" in event:
        for _ in range(event["lines"] // 1000):
            os.write(1, event["line"].encode() * 1000)
        return None
    members = {"logGroupName": GROUP} | event["members"]
    if event["operation"] == "GetLogEvents":
        members["logStreamName"] = context.log_stream_name
    request, answers = signed(event["operation"], members), collections.Counter()
    end = time.monotonic() + event["seconds"]
    def ask():
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", 4566), timeout=60) as link:
                    link.sendall(request)
                    answer = link.recv(4096)
                    while event["reads"] and (more := link.recv(65536)):
                        answer = (answer + more)[:4096]
                head, _, body = answer.partition(b"\r\n\r\n")
                answers[body.decode() if b" 400 " in head[:20] else head[9:12].decode()] += 1
            except OSError as error:
                answers[type(error).__name__] += 1
                time.sleep(0.001)
    threads = [threading.Thread(target=ask) for _ in range(event["connections"])]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return answers
"""

FILTER = "FilterLogEvents"
ATTACKS: dict[str, dict[str, Any]] = {
    "nothing matches": {"operation": FILTER, "members": {"filterPattern": "absent"}},
    "json": {"operation": FILTER, "members": {"filterPattern": "{ ($.a = 1) || ($.b = 2) }"}},
    "many terms": {
        "operation": FILTER,
        "members": {"filterPattern": " ".join(f"?w{number}" for number in range(180))},
    },
    "all match": {"operation": FILTER, "members": {}, "reads": True},
    "foreign streams": {"operation": FILTER, "members": {"logStreamNamePrefix": "nobody's"}},
    "a stream": {"operation": "GetLogEvents", "members": {"startFromHead": True}},
    "streams": {"operation": "DescribeLogStreams", "members": {"logStreamNamePrefix": "nobody's"}},
    "a crowd": {
        "operation": FILTER,
        "members": {"filterPattern": "{ ($.a = 1) || ($.b = 2) }"},
        "connections": 60,
    },
    "dear events": {
        "operation": FILTER,
        "members": {
            "logGroupName": "/aws/lambda/dear",
            "filterPattern": "{ " + " || ".join(f"($.a[*] = {number})" for number in range(40)) + " }",
        },
    },
    "one event of a megabyte": {
        "operation": FILTER,
        "members": {
            "logGroupName": "/aws/lambda/large",
            "filterPattern": "{ " + " || ".join(f'($.a[*] = "x{number}")' for number in range(45)) + " }",
        },
    },
    "long integers": {
        "operation": FILTER,
        "members": {
            "logGroupName": "/aws/lambda/digits",
            "filterPattern": "{" + "||".join(["$.a[*]=x"] * 80) + "}",
        },
    },
    "many guests": {"operation": FILTER, "members": {"filterPattern": "absent"}, "guests": 6},
}


@pytest.fixture(scope="module")
def scans(arena: Arena) -> Arena:
    arena.deploy("scanner", SCANNER, timeout_s=60)
    for line in ("abc def ghi 123 error\n", '{"a": 3, "b": {"c": [1, 2, 3]}}\n'):
        _ = arena.invoke("scanner", {"lines": 300_000, "line": line})
    arena.deploy("dear", SCANNER, timeout_s=60)
    _ = arena.invoke("dear", {"lines": 1000, "line": '{"a": [' + "77," * 300 + "77]}\n"})
    put(arena, "/aws/lambda/large", '{"a": [' + "7," * 500_000 + "7]}")
    put(arena, "/aws/lambda/digits", '{"a": [' + ("7" * 4300 + ",") * 230 + "7]}")
    _ = arena.bystander(REQUESTS)
    _ = own_read_s(arena)
    return arena


def put(arena: Arena, group: str, message: str) -> None:
    """Make a group of one event."""
    logs = arena.server.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": message}
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=[event])


def own_read_s(arena: Arena) -> float:
    """How long the operator waits for the last lines of a function."""
    logs = arena.server.client("logs")
    group = "/aws/lambda/bystander"
    began_s = time.monotonic()
    (stream, *_) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=10)
    assert page["events"]
    return time.monotonic() - began_s


@pytest.mark.parametrize("attack", ATTACKS)
def test_others_hardly_notice_a_guest_that_has_logs_read(scans: Arena, attack: str) -> None:
    quiet, quiet_own_s = scans.bystander_at_best(REQUESTS), min(own_read_s(scans) for _ in range(3))
    event = {"connections": 8, "reads": False, "guests": 1, "seconds": ATTACK_S} | ATTACKS[attack]
    with scans.attack("scanner", event, times=event["guests"]) as attacks:
        time.sleep(SETTLE_S)
        own_s = own_read_s(scans)
        disturbed = scans.bystander_at_best(REQUESTS)
        under_attack = not any(attack.done() for attack in attacks)
    answers = sum((Counter(attack.result()["Payload"]) for attack in attacks), Counter[str]())
    assert under_attack, answers
    assert disturbed.p50_us <= P50_TIMES * max(P50_FLOOR_US, quiet.p50_us)
    assert disturbed.p99_ms <= P99_TIMES * max(P99_FLOOR_MS, quiet.p99_ms)
    assert own_s <= OWN_TIMES * max(OWN_FLOOR_S, quiet_own_s)
    throttled = '{"__type":"ThrottlingException","message":"Rate exceeded"}'
    assert answers["200"] > 0, answers
    slowed_down = {"200"} | ({throttled} if attack == "a crowd" else set())  # most of a crowd waits unread
    assert set(answers) <= slowed_down, answers
