"""What an execution environment needs to know of its function, decided once when it is launched."""

from __future__ import annotations

from typing import Final

import msgspec

ON_DEMAND: Final = "on-demand"  # AWS's initialization types
PROVISIONED: Final = "provisioned-concurrency"


class Facts(msgspec.Struct, frozen=True):
    """What an environment needs to know of its function."""

    version: str  # "$LATEST" or a number
    runtime: str  # as INIT_START names it: "python:3.13.v1"
    runtime_arn: str  # of that version of it
    memory_mib: int
    cpus: float  # its share of processor time once its runtime has started
    log_group: str
    log_stream: str
    timeout_s: float
    init_timeout_s: float
    initialization_type: str = ON_DEMAND
    framed_log: bool = False  # whether the runtime writes the records of its log in frames
    extensions: tuple[str, ...] = ()  # that are at /opt/extensions, and are not started
    log_bytes: int = 64 << 20  # of its output are kept of one invocation; the rest is dropped and counted
