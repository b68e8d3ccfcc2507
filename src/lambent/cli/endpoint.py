"""Where a Lambent is spoken to, and whether one answers there. Standard library only: boto3 takes 0.1 s to import."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import msgspec

from lambent.cli.errors import Failed
from lambent.config import Config, endpoint_of

TIMEOUT_S: Final = 5.0
T = TypeVar("T")


class Health(msgspec.Struct):
    """What the gateway says of itself."""

    status: str
    version: str


class Capacity(msgspec.Struct):
    """What it says of the room for environments (`lambda_/invoke/capacity.py`)."""

    environments: int
    environments_max: int
    memory_used_mib: int
    memory_budget_mib: int
    memory_by_groups: bool
    log_events_lost: int


def from_environment(given: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """The AWS_ENDPOINT_URL, unless flags say where Lambent is."""
    return None if given.host is not None or given.port is not None else environ.get("AWS_ENDPOINT_URL") or None


def endpoint(given: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> str:
    return from_environment(given, environ) or endpoint_of(config.host, config.port)


def health(endpoint: str) -> Health:
    """Raises Failed."""
    return _page(endpoint, "health", Health)


def capacity(endpoint: str) -> Capacity:
    """Raises Failed."""
    return _page(endpoint, "capacity", Capacity)


def _page(endpoint: str, name: str, kind: type[T]) -> T:
    """One of Lambent's own pages. Raises Failed."""
    try:
        with build_opener(ProxyHandler({})).open(f"{endpoint}/_lambent/{name}", timeout=TIMEOUT_S) as answer:
            return msgspec.json.decode(answer.read(), type=kind)
    except URLError as error:
        raise Failed(f"nothing answers at {endpoint} ({error.reason}); `lambent up` starts it") from None
    except (OSError, ValueError) as error:
        raise Failed(f"what answers at {endpoint} is not Lambent ({error})") from None
