"""`lambent status`: whether Lambent answers, and which version it is."""

from __future__ import annotations

import argparse
import sys
from http.client import HTTPConnection, HTTPException
from typing import Any

from lambent.cli.settings import add_settings, configuration

TIMEOUT_S = 5.0


def add(commands: Any) -> None:
    parser = commands.add_parser("status", help="tell whether Lambent answers")
    add_settings(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    connection = HTTPConnection(config.host, config.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/_lambent/health")
        print(connection.getresponse().read().decode())
    except (OSError, HTTPException) as error:
        print(f"lambent: nothing answers at {config.host}:{config.port}: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()
    return 0
