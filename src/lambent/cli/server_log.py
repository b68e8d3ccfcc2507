"""The server's own log, on stderr: lines for a person, whose fields may quote a guest (`terminal.py`)."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from lambent.cli.terminal import visible


def configure(level: str) -> None:
    """Write lines from this level on."""
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            *structlog.get_config()["processors"][:-1],  # the last one renders
            show_control_characters,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=write_trace),
        ],
    )


def show_control_characters(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Names and errors may be a guest's."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = visible(value)
    return event


def write_trace(target: TextIO, info: structlog.typing.ExcInfo) -> None:
    """Write a traceback, whose message may quote a guest."""
    target.write("\n" + visible("".join(traceback.format_exception(*info)).rstrip()))
