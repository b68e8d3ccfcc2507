"""What the process that reads a signature tells the server."""

from __future__ import annotations

import msgspec

from lambent.core.ports import PackageSignature


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found; nothing at all: no signature."""

    signature: PackageSignature | None = None
    broken: str | None = None  # why there is a signature that does not fit its package
    unreadable: str | None = None  # what is wrong with the operator's folder
