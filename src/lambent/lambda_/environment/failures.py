"""What the caller of a function sees when the function's runtime, not its code, has failed.

The bodies and sentences are AWS's, as recorded or as its supervisor makes them (reference/lambda.md 2.5).
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from lambent.sandbox.contract import Exit

SIGNALS: Final = {  # as Go names them, in which AWS's supervisor is written
    1: "hangup",
    2: "interrupt",
    3: "quit",
    4: "illegal instruction",
    5: "trace/breakpoint trap",
    6: "aborted",
    7: "bus error",
    8: "floating point exception",
    9: "killed",
    11: "segmentation fault",
    13: "broken pipe",
    14: "alarm clock",
    15: "terminated",
    24: "CPU time limit exceeded",
    31: "bad system call",
}


class Failure(msgspec.Struct, frozen=True):
    """A runtime's failure: its type, and AWS's sentence without the request id."""

    error_type: str
    message: str
    status: str = "error"  # as REPORT has it: error | timeout

    def sentence(self, request_id: str) -> str:
        return f"RequestId: {request_id} Error: {self.message}"

    def body(self, request_id: str) -> bytes:
        """The response payload of the invocation that failed so."""
        return json.dumps({"errorType": self.error_type, "errorMessage": self.sentence(request_id)}).encode()


def timed_out(timeout_s: float) -> Failure:
    return Failure("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds", "timeout")


def exited(exit_: Exit) -> Failure:
    """The runtime's process has ended, by itself or by the kernel's hand (as when memory ran out)."""
    if exit_.out_of_memory:
        return Failure("Runtime.ExitError", "Runtime exited with error: signal: killed")
    if exit_.signal is not None:
        name = SIGNALS.get(exit_.signal, f"signal {exit_.signal}")
        return Failure("Runtime.ExitError", f"Runtime exited with error: signal: {name}")
    if exit_.code:
        return Failure("Runtime.ExitError", f"Runtime exited with error: exit status {exit_.code}")
    return Failure("Runtime.ExitError", "Runtime exited without providing a reason")
