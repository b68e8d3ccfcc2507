"""`lambent invoke`: one synchronous invocation; what the function answers is what is printed.

Into a pipe or a file the answer goes byte by byte; on a terminal its control characters are shown, not sent.
"""

from __future__ import annotations

import argparse
import base64
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from lambent.cli import Run
from lambent.cli.connection import add_connection, connected
from lambent.cli.terminal import show, visible

LONGEST_S: Final = 900 + 60  # AWS's longest timeout of a function, and some


def invoke(parser: argparse.ArgumentParser) -> Run:
    parser.epilog = "The exit status is 1 when the function failed; its answer then tells what failed."
    parser.add_argument("name", metavar="NAME", help="a function's name or ARN; NAME:1 is its version 1")
    parser.add_argument(
        "--payload",
        type=payload,
        default=b"{}",
        metavar="JSON|@FILE|-",
        help="the event: JSON, a file that has it, or - for what comes in on stdin (default {})",
    )
    parser.add_argument("--log", action="store_true", help="print the log's last 4 KB to stderr")
    parser.add_argument(
        "--raw", action="store_true", help="send control characters of the function to the terminal as they are"
    )
    add_connection(parser)
    return run


def payload(text: str) -> bytes:
    """The event that an argument means. Raises ArgumentTypeError."""
    try:
        event = sys.stdin.buffer.read() if text == "-" else bytes_of(text)
        msgspec.json.decode(event)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text[1:]} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(f"this is not JSON: {error}; in a shell, '{{\"n\": 1}}' or @FILE") from None
    return event


def bytes_of(text: str) -> bytes:
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def run(given: argparse.Namespace) -> int:
    with connected(given) as aws:
        client = aws.client("lambda", read_timeout_s=LONGEST_S)
        tail = {"LogType": "Tail"} if given.log else {}
        answer: dict[str, Any] = client.invoke(FunctionName=given.name, Payload=given.payload, **tail)
        result: bytes = answer["Payload"].read()
    if given.log:
        log = base64.b64decode(answer["LogResult"]).decode(errors="replace")
        sys.stderr.write(log if given.raw else visible(log))
        sys.stderr.flush()
    if sys.stdout.isatty() and not given.raw:
        show(result.decode(errors="replace"))
    else:  # a program reads it
        sys.stdout.buffer.write(result + b"\n")
        sys.stdout.buffer.flush()
    return 1 if "FunctionError" in answer else 0
