"""The sentence by which a log says what is missing from it: the same from whichever part of Lambent left it out."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
GIB: Final = 1 << 30


def loss(events: int, size_bytes: int, reason: str) -> str:
    """The message of the event that stands in a stream for those that are not there."""
    lines = "1 line" if events == 1 else f"{events} lines"
    return f"[lambent] {lines} ({magnitude(size_bytes)}) were not kept: {reason}"


def magnitude(size_bytes: int) -> str:
    """A number of bytes as people write it: 64 MB."""
    for unit_bytes, unit in ((GIB, "GB"), (MIB, "MB"), (1024, "kB")):
        if size_bytes >= unit_bytes:
            return f"{size_bytes / unit_bytes:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes} bytes"
