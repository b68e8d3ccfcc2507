"""For whom work is done that takes long: who waits when there is too much of it, and who pays for the time it takes."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from lambent.core.slices import Slice


class Spender(msgspec.Struct, frozen=True):
    """A guest, or a caller from outside."""

    name: str  # of the caller; all sessions of a role have one
    slice: Slice | None = None  # of a guest

    @property
    def key(self) -> Hashable:
        """By what spenders are told apart: guests of one function are as many as it has environments."""
        return self.name if self.slice is None else self.slice
