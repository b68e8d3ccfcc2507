"""Concurrency of real functions: as many run as may, and what is provisioned is there before anybody asks."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Server, deployed, started, stopped, zipped

PYTHON = f"python3.{sys.version_info.minor}"
HOLD_S = 2.0  # longer than the requests of a test take to arrive
CODE = """
import os, time
INITIALISED = time.time()
def handler(event, context):
    time.sleep(event.get("hold_s", 0))
    return {
        "kind": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "initialised": INITIALISED,
        "version": context.function_version,
        "code": 1,
    }
"""


def invoked(client: Any, name: str, **event: Any) -> Any:
    """The answer of a function; the Reason of the throttle if it was throttled."""
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event))
    except client.exceptions.TooManyRequestsException as throttled:
        return throttled.response["Reason"]
    return json.loads(answer["Payload"].read())


def together(client: Any, name: str, count: int) -> list[Any]:
    """The answers of so many invocations that run at the same time."""
    with ThreadPoolExecutor(count) as callers:
        return list(callers.map(lambda _: invoked(client, name, hold_s=HOLD_S), range(count)))


def function(server: Server, name: str, **settings: Any) -> Any:
    return deployed(server, name, PYTHON, "app.handler", zipped(app__py=CODE), **settings)


def ready(client: Any, name: str, qualifier: str) -> Any:
    """The configuration once nothing is in progress; the test's timeout ends a wait in vain."""
    while True:
        found = client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
        if found["Status"] != "IN_PROGRESS":
            return found


@pytest.mark.parametrize("reserved", [0, 1, 2])
def test_as_many_run_at_once_as_are_reserved(server: Server, reserved: int):
    name = f"reserved-{reserved}"
    client = function(server, name)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
    answers = together(client, name, 4)
    throttled = Counter(answer for answer in answers if isinstance(answer, str))
    assert throttled == {"ReservedFunctionConcurrentInvocationLimitExceeded": 4 - reserved}
    client.delete_function_concurrency(FunctionName=name)
    assert invoked(client, name)["kind"] == "on-demand"


def test_provisioned_environments_are_initialised_before_the_first_invocation_and_the_rest_spills_over(server: Server):
    client = function(server, "kept", Publish=True)
    client.put_provisioned_concurrency_config(FunctionName="kept", Qualifier="1", ProvisionedConcurrentExecutions=2)
    found = ready(client, "kept", "1")
    assert (found["Status"], found["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
    lines = log_lines(server, "/aws/lambda/kept", at_least=4)
    assert sum(line.startswith("INIT_START") for line in lines) == 2
    assert sum("Phase: init\tStatus: success" in line for line in lines) == 2
    assert not any(line.startswith("START") for line in lines)
    answers = together(client, "kept:1", 3)
    assert Counter(answer["kind"] for answer in answers) == {"provisioned-concurrency": 2, "on-demand": 1}
    assert invoked(client, "kept")["kind"] == "on-demand"  # $LATEST has none


def log_lines(server: Server, group: str, *, at_least: int) -> list[str]:
    """The function's log, once so much of it is stored."""
    logs = server.client("logs")
    while True:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        if len(events) >= at_least:
            return [event["message"] for event in events]


def test_an_alias_takes_its_environments_along(server: Server):
    client = function(server, "moved", Publish=True)
    client.create_alias(FunctionName="moved", Name="live", FunctionVersion="1")
    client.put_provisioned_concurrency_config(FunctionName="moved", Qualifier="live", ProvisionedConcurrentExecutions=1)
    assert ready(client, "moved", "live")["Status"] == "READY"
    client.update_function_code(FunctionName="moved", ZipFile=zipped(app__py=CODE.replace('"code": 1', '"code": 2')))
    client.get_waiter("function_updated_v2").wait(FunctionName="moved")
    client.publish_version(FunctionName="moved")
    client.update_alias(FunctionName="moved", Name="live", FunctionVersion="2")
    assert ready(client, "moved", "live")["Status"] == "READY"
    answer = invoked(client, "moved:live")
    assert (answer["kind"], answer["version"], answer["code"]) == ("provisioned-concurrency", "2", 2)
    assert invoked(client, "moved:1")["kind"] == "on-demand"


def test_one_that_exits_is_replaced(server: Server):
    code = (
        CODE
        + """
def end(event, context):
    return handler(event, context) if event else os._exit(1)
"""
    )
    client = deployed(server, "mortal", PYTHON, "app.end", zipped(app__py=code), Publish=True)
    client.put_provisioned_concurrency_config(FunctionName="mortal", Qualifier="1", ProvisionedConcurrentExecutions=1)
    assert ready(client, "mortal", "1")["Status"] == "READY"
    first = invoked(client, "mortal:1", hold_s=0)
    assert "Runtime exited" in invoked(client, "mortal:1")["errorMessage"]
    while True:  # until the next one is there
        found = client.get_provisioned_concurrency_config(FunctionName="mortal", Qualifier="1")
        if found["AvailableProvisionedConcurrentExecutions"] == 1:
            break
    second = invoked(client, "mortal:1", hold_s=0)
    assert second["kind"] == "provisioned-concurrency"
    assert second["initialised"] > first["initialised"]


@pytest.mark.parametrize("sandbox", ["native", "process"])
def test_what_is_reserved_and_provisioned_survives_a_kill(tmp_path: Path, sandbox: str):
    server = started(tmp_path, "--sandbox", sandbox)
    client = function(server, "f", Publish=True)
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    client.put_provisioned_concurrency_config(FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=2)
    assert stopped(server, signal.SIGKILL) != 0
    server = started(tmp_path, "--sandbox", sandbox)
    try:
        client = server.client("lambda")
        found = ready(client, "f", "1")
        assert (found["Status"], found["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 2)
        answers = together(client, "f:1", 3)
        assert sorted(a if isinstance(a, str) else a["kind"] for a in answers) == [
            "ReservedFunctionConcurrentInvocationLimitExceeded",
            "provisioned-concurrency",
            "provisioned-concurrency",
        ]
        # all that is reserved is provisioned, and $LATEST is stopped
        assert invoked(client, "f") == "ReservedFunctionConcurrentInvocationLimitExceeded"
    finally:
        assert stopped(server) == 0
