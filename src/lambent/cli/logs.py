"""`lambent logs`: a function's lines in CloudWatch Logs, those that are there and those that come.

Following is asking again: events that were printed are known by id, and each question begins a little before the last
event, because streams are written a moment later than their events are dated, and not in one order.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from lambent.cli import Run
from lambent.cli.connection import add_connection, code_of, connected
from lambent.cli.errors import Failed
from lambent.cli.terminal import show

POLL_S: Final = 0.5
LATE_MS: Final = 5_000  # how much earlier than one already seen an event that comes in may be dated
UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MISSING: Final = "ResourceNotFoundException"


def logs(parser: argparse.ArgumentParser) -> Run:
    parser.add_argument("name", metavar="NAME", help="a function's name or ARN")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    parser.add_argument(
        "--since", type=seconds, default=600, metavar="AGE", help="age of the oldest line: 30s, 10m, 2h or 7d (10m)"
    )
    parser.add_argument(
        "--raw", action="store_true", help="send control characters of the function to the terminal as they are"
    )
    add_connection(parser)
    return run


def seconds(text: str) -> int:
    """Raises ArgumentTypeError."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; 30s, 10m, 2h and 7d are")
    return int(found[1]) * UNIT_S[found[2]]


def run(given: argparse.Namespace) -> int:
    with connected(given) as aws:
        group = group_of(aws.client("lambda"), given.name)
        reader = Reader(aws.client("logs"), group, int((time.time() - given.since) * 1000))
        if given.follow:
            with suppress(KeyboardInterrupt):
                while True:
                    shown(reader.news(), raw=given.raw)
                    time.sleep(POLL_S)
        elif not shown(reader.news(), raw=given.raw):
            show(f"lambent: {group} has no such lines; a longer --since may find some", file=sys.stderr)
    return 0


def group_of(client: Any, name: str) -> str:
    """The log group of a function. Raises Failed."""
    try:
        return client.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
    except ClientError as error:
        if code_of(error) == MISSING:
            raise Failed(f"there is no function {name}; `lambent status` lists all") from None
        raise


class Reader:
    """Events of a group, each once."""

    def __init__(self, client: Any, group: str, since_ms: int) -> None:
        self._pages: Final = client.get_paginator("filter_log_events")
        self._group: Final = group
        self._since_ms = since_ms
        self._seen: dict[str, int] = {}  # event id -> its time, as far back as the next question goes

    def news(self) -> Iterator[dict[str, Any]]:
        """Those that were not given yet; none while the group is not there, which the first invocation makes."""
        try:
            for page in self._pages.paginate(logGroupName=self._group, startTime=self._since_ms):
                for event in page["events"]:
                    if event["eventId"] not in self._seen:
                        self._seen[event["eventId"]] = event["timestamp"]
                        yield event
        except ClientError as error:
            if code_of(error) != MISSING:
                raise
        self._since_ms = max([self._since_ms, *(when - LATE_MS for when in self._seen.values())])
        self._seen = {event: when for event, when in self._seen.items() if when >= self._since_ms}


def shown(events: Iterator[dict[str, Any]], *, raw: bool) -> int:
    """Print events; tell how many there were."""
    count = 0
    for event in events:
        when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        show(f"{when:%H:%M:%S}.{when.microsecond // 1000:03d} {event['message'].rstrip()}", raw=raw)
        count += 1
    sys.stdout.flush()
    return count
