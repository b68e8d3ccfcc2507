"""Whether a function may go on calling itself by way of what it writes to.

What Lambda detects are chains of about sixteen invocations through SQS, SNS, S3 and Lambda itself; the triggers that make
such chains count them. Source: reference/lambda.md 3; Lambda developer guide, "Use Lambda recursive loop detection".
"""

from __future__ import annotations

from typing import ClassVar, Final

from lambent.lambda_.parts import Part

DEFAULT: Final = "Terminate"


class RecursionConfig(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Hangs on the function as a whole; without one it is DEFAULT."""

    KIND: ClassVar[str] = "recursion-config"

    recursive_loop: str  # Allow or Terminate
