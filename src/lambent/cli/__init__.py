"""The command line: `lambent up`, `env`, `status`.

A command is a module with `add(commands)`, which says what it takes, and a function that does it. argparse, because
`lambent up` has 0.4 s to be ready (docs/designs/command-line.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from lambent import __version__
from lambent.cli import env, status, up
from lambent.config import ConfigError

COMMANDS: tuple[Any, ...] = (up, env, status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status is the program's: 0 done, 1 could not be done, 2 was called wrongly."""
    parser = argparse.ArgumentParser(prog="lambent", description="AWS Lambda that you own.")
    parser.add_argument("--version", action="version", version=f"lambent {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    given = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except ConfigError as error:
        print(f"lambent: {error}", file=sys.stderr)
        return 2
