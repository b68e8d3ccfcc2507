"""`lambent status`: whether Lambent answers, which version it is, and which functions it has."""

from __future__ import annotations

import argparse
from typing import Any, Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import msgspec

from lambent.cli import Run
from lambent.cli.connection import add_connection, connected
from lambent.cli.errors import Failed

TIMEOUT_S: Final = 5.0


class Health(msgspec.Struct):
    """What the gateway says of itself."""

    status: str
    version: str


def status(parser: argparse.ArgumentParser) -> Run:
    add_connection(parser)
    return run


def run(given: argparse.Namespace) -> int:
    with connected(given) as aws:
        found = health(aws.endpoint)
        print(f"Lambent {found.version} is {found.status} at {aws.endpoint}")
        functions = listed(aws.client("lambda"))
    if not functions:
        print("It has no functions; `lambent deploy DIR` makes one.")
        return 0
    width = max(len(name) for name, _, _ in functions)
    for name, runtime, state in functions:
        print(f"  {name:<{width}}  {runtime:<15}  {state}")
    return 0


def health(endpoint: str) -> Health:
    """Raises Failed."""
    try:
        with build_opener(ProxyHandler({})).open(f"{endpoint}/_lambent/health", timeout=TIMEOUT_S) as answer:
            return msgspec.json.decode(answer.read(), type=Health)
    except URLError as error:
        raise Failed(f"nothing answers at {endpoint} ({error.reason}); `lambent up` starts it") from None
    except (OSError, msgspec.DecodeError) as error:
        raise Failed(f"what answers at {endpoint} is not Lambent ({error})") from None


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
