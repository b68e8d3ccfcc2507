"""How large a request may be, known from its head: AWS's quotas for each operation that has one of its own.

A body is counted while it arrives and is refused at the first byte too many, so these numbers are also what one
request can cost in memory. Source of the Lambda numbers: recorded answers (reference/lambda.md 1.6 and 2.4); of the
default: ours.
"""

from __future__ import annotations

from typing import Final

import msgspec

DEFAULT_BODY_BYTES: Final = 1024 * 1024
UNKNOWN_BODY_BYTES: Final = 1024 * 1024  # for requests that name no operation of ours: they are read to be refused


class BodyLimit(msgspec.Struct, frozen=True):
    """How many bytes are read, and what is said beyond them."""

    received_bytes: int
    told_bytes: int  # the number in AWS's sentence, which is not always the one that is enforced
    operation: str  # the operation's name in AWS's sentence

    @property
    def sentence(self) -> str:
        return f"Request must be smaller than {self.told_bytes} bytes for the {self.operation} operation"


CODE_UPLOAD_BYTES: Final = 70_167_211  # 50 MB of .zip, in base64, in JSON
SYNCHRONOUS_BYTES: Final = 6_291_456
SYNCHRONOUS_SLACK: Final = 100  # the supervisor takes 6,291,556

BODY_LIMITS: Final[dict[tuple[str, str], BodyLimit]] = {
    ("lambda", "Invoke"): BodyLimit(SYNCHRONOUS_BYTES + SYNCHRONOUS_SLACK, SYNCHRONOUS_BYTES, "InvokeFunction"),
    ("lambda", "InvokeWithResponseStream"): BodyLimit(
        SYNCHRONOUS_BYTES + SYNCHRONOUS_SLACK, SYNCHRONOUS_BYTES, "InvokeWithResponseStream"
    ),
    ("lambda", "CreateFunction"): BodyLimit(CODE_UPLOAD_BYTES, CODE_UPLOAD_BYTES, "CreateFunction"),
    ("lambda", "UpdateFunctionCode"): BodyLimit(CODE_UPLOAD_BYTES, CODE_UPLOAD_BYTES, "UpdateFunctionCode"),
    ("lambda", "PublishLayerVersion"): BodyLimit(CODE_UPLOAD_BYTES, CODE_UPLOAD_BYTES, "PublishLayerVersion"),
    # 1,048,576 bytes of messages (API reference, PutLogEvents), each of which JSON may write in six characters a byte
    ("logs", "PutLogEvents"): BodyLimit(6 * 1024 * 1024, 1024 * 1024, "PutLogEvents"),
}


def body_limit(service: str, operation: str) -> BodyLimit:
    """The limit for an operation of a service that is bound."""
    return BODY_LIMITS.get((service, operation)) or BodyLimit(DEFAULT_BODY_BYTES, DEFAULT_BODY_BYTES, operation)
