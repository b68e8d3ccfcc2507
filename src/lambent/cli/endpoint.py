"""Where a Lambent is spoken to, and whether one answers there. Standard library only: boto3 takes 0.1 s to import."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import msgspec

from lambent.cli.errors import Failed
from lambent.config import Config

TIMEOUT_S: Final = 5.0


class Health(msgspec.Struct):
    """What the gateway says of itself."""

    status: str
    version: str


def from_environment(given: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    """The AWS_ENDPOINT_URL, unless flags say where Lambent is."""
    return None if given.host is not None or given.port is not None else environ.get("AWS_ENDPOINT_URL") or None


def endpoint(given: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> str:
    return from_environment(given, environ) or f"http://{config.host}:{config.port}"


def health(endpoint: str) -> Health:
    """Raises Failed."""
    try:
        with build_opener(ProxyHandler({})).open(f"{endpoint}/_lambent/health", timeout=TIMEOUT_S) as answer:
            return msgspec.json.decode(answer.read(), type=Health)
    except URLError as error:
        raise Failed(f"nothing answers at {endpoint} ({error.reason}); `lambent up` starts it") from None
    except (OSError, ValueError) as error:
        raise Failed(f"what answers at {endpoint} is not Lambent ({error})") from None
