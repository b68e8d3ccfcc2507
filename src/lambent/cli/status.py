"""`lambent status`: whether Lambent answers, what its environments take, what its logs lack, and which functions it has."""

from __future__ import annotations

import argparse
from typing import Any

from lambent.cli import Run
from lambent.cli.connection import add_connection, connected
from lambent.cli.endpoint import Capacity, capacity, health
from lambent.cli.terminal import show


def status(parser: argparse.ArgumentParser) -> Run:
    add_connection(parser)
    return run


def run(given: argparse.Namespace) -> int:
    with connected(given) as aws:
        found = health(aws.endpoint)
        show(f"Lambent {found.version} is {found.status} at {aws.endpoint}")
        now = capacity(aws.endpoint)
        show(room_of(now))
        if now.log_events_lost:
            show(lost_of(now))
        functions = listed(aws.client("lambda"))
    if not functions:
        print("It has no functions; `lambent deploy DIR` makes one.")
        return 0
    width = max(len(name) for name, _, _ in functions)
    for name, runtime, state in functions:
        show(f"  {name:<{width}}  {runtime:<15}  {state}")
    return 0


def room_of(now: Capacity) -> str:
    """The line that tells how much of the machine environments have."""
    source = "" if now.memory_by_groups else ", as what the machine has less than at the start"
    return (
        f"Execution environments: {now.environments} of {now.environments_max}, "
        f"{now.memory_used_mib} MiB of {now.memory_budget_mib} MiB in use{source}"
    )


def lost_of(now: Capacity) -> str:
    """The line that tells that logs are not whole; in which streams, notices in them tell."""
    lines = "1 line is" if now.log_events_lost == 1 else f"{now.log_events_lost} lines are"
    return f"Logs: {lines} missing since the start; their streams say where and why"


def listed(client: Any) -> list[tuple[str, str, str]]:
    """Name, runtime and state of every function."""
    return [
        (row["FunctionName"], row.get("Runtime", "-"), state_of(client, row["FunctionName"]))
        for page in client.get_paginator("list_functions").paginate()
        for row in page["Functions"]
    ]


def state_of(client: Any, name: str) -> str:
    """The state, which AWS's list does not tell, and why it is so."""
    row = client.get_function_configuration(FunctionName=name)
    state, reason = row["State"], row.get("StateReason")
    if row.get("LastUpdateStatus") == "Failed":
        state, reason = f"{state}, its last update failed", row.get("LastUpdateStatusReason")
    return f"{state}: {reason}" if reason else state
