"""The command line: a table of commands, and `main`, which loads the module of the one that is called and no other.

`lambent up` has 0.4 s to be ready, and boto3, through which other commands speak to it, takes 0.1 s to import; so a
command is named here as "module:function". The function says on a parser what the command takes, and returns what does
it. argparse for the same reason (docs/designs/command-line.md).
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from lambent import __version__
from lambent.cli.errors import Failed
from lambent.cli.terminal import prepare, show
from lambent.config import ConfigError

Run = Callable[[argparse.Namespace], int]
INTERRUPTED: Final = 130  # what shells expect of a program that Ctrl-C ended


class Command(NamedTuple):
    """A command, not loaded yet."""

    place: str  # "module:function" -> (parser) -> Run
    sentence: str

    def load(self) -> Callable[[argparse.ArgumentParser], Run]:
        module, _, function = self.place.partition(":")
        return getattr(importlib.import_module(module), function)


COMMANDS: Final[Mapping[str, Command]] = {
    "up": Command("lambent.cli.up:up", "start Lambent and run it until it is told to stop (SIGINT, SIGTERM)"),
    "env": Command("lambent.cli.env:env", 'print the exports for SDKs and the AWS CLI: eval "$(lambent env)"'),
    "deploy": Command("lambent.cli.deploy:deploy", "make a function of a folder, or bring it up to date"),
    "invoke": Command("lambent.cli.invoke:invoke", "call a function and print what it answers"),
    "logs": Command("lambent.cli.logs:logs", "print what a function has logged, and with --follow what it logs"),
    "status": Command("lambent.cli.status:status", "tell whether Lambent answers, and which functions it has"),
    "sign": Command("lambent.cli.sign:sign", "sign a package, for functions with a code signing configuration"),
    "sdk": Command("lambent.cli.sdk:sdk", "install the AWS SDK for JavaScript, which Node.js functions find then"),
    "doctor": Command("lambent.cli.doctor:doctor", "tell what this machine has and lacks, and prove that it isolates"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status is the program's: 0 done, 1 could not be done, 2 was called wrongly."""
    prepare(sys.stdout, sys.stderr)
    name, rest = chosen(arguments)
    command = COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"lambent {name}", description=f"{capitalised(command.sentence)}.")
    try:
        run = loaded(command, parser)
        return run(parser.parse_args(rest))
    except ConfigError as error:
        show(f"lambent: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        show(f"lambent: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads has had enough (`lambent logs NAME | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def loaded(command: Command, parser: argparse.ArgumentParser) -> Run:
    """What runs the command. The collector rests meanwhile: what is loaded stays, and looking at it takes 30 ms."""
    gc.disable()
    run = command.load()(parser)
    gc.freeze()
    gc.enable()
    return run


def chosen(arguments: Sequence[str] | None) -> tuple[str, list[str]]:
    """The command that is called, and its own arguments."""
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        prog="lambent",
        usage="lambent COMMAND ...",
        description="AWS Lambda that you own.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<{width}}  {command.sentence}" for name, command in COMMANDS.items())
        + "\n\n`lambent COMMAND --help` tells what a command takes. "
        "Exit status: 0 done, 1 could not be done, 2 called wrongly.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lambent {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help=argparse.SUPPRESS)
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    given = parser.parse_args(words)
    return given.command, given.arguments


def capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
