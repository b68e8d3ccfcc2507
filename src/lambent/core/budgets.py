"""Memory for the bodies that a door receives: who pays for one, and who gives way when there is no more.

    small bodies (16 KB and less, nobody asks whose)     a pot of their own, which nothing larger can use up
    all others                                           a share for each payer
    heads that come in parts, beyond 8 KB                a pot of their own

A share is a dynamic threshold (Choudhury and Hahne, 1998): a payer may hold at most SHARE times what is still free. One
alone has two thirds of it all, two have two fifths each, and whoever comes next always finds something free, without
anybody's quota having been set.

Within a share the upload that brings least gives way to the one that needs room: half an upload costs nothing to whoever
began it, and would otherwise keep others out for as long as it may take. What brings least is counted over the last two
ticks of the door's sweep, so that neither silence nor a trickle counts for what came before.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

SHARE: Final = 2  # times what is free is what a payer may hold
SMALL_PART: Final = 4  # small bodies have at most a fourth of it all
HEADS_PART: Final = 8  # heads have an eighth


class Budget:
    """Bytes that bodies may take together; `take` says whether there is room."""

    __slots__ = ("free",)

    def __init__(self, size: int) -> None:
        self.free = size

    def take(self, size: int) -> bool:
        if size > self.free:
            return False
        self.free -= size
        return True

    def give(self, size: int) -> None:
        self.free += size


class Admission(msgspec.Struct, frozen=True):
    """What a request may send whose head has arrived, and out of whose budget it is taken."""

    body_max_bytes: int
    budget: Budget


class Payer(msgspec.Struct, frozen=True):
    """Who pays for a body, and how large it may be."""

    name: str
    body_max_bytes: int


class Upload(Protocol):
    """A body that is arriving."""

    recent_bytes: int  # that came since the last tick
    earlier_bytes: int  # and between the two ticks before

    def give_way(self) -> None:
        """Refuse the request, and give back what its body holds; called at most once."""
        ...


class Budgets:
    """All of a door's memory for bodies."""

    __slots__ = ("_shares", "free_bytes", "heads", "small")

    def __init__(self, size_bytes: int, small_bytes: int) -> None:
        """`small_bytes` are what small bodies need if all come at once; they get it, or a part of `size_bytes`."""
        small_bytes = min(small_bytes, size_bytes // SMALL_PART)
        self.small: Final = Budget(small_bytes)
        self.heads: Final = Budget(size_bytes // HEADS_PART)
        self.free_bytes = size_bytes - small_bytes
        self._shares: Final[dict[str, Share]] = {}

    def of(self, payer: str) -> Share:
        """The share of a payer; it is forgotten when nothing is in it."""
        share = self._shares.get(payer)
        if share is None:
            share = self._shares[payer] = Share(self, payer)
        return share

    def forget(self, payer: str, share: Share) -> None:
        """Keep no empty share; of a payer who has come again since, the newer one stays."""
        if self._shares.get(payer) is share:
            del self._shares[payer]

    def tick(self) -> None:
        """A moment has passed: what uploads have brought is counted anew."""
        for share in self._shares.values():
            for upload in share.uploads:
                upload.earlier_bytes, upload.recent_bytes = upload.recent_bytes, 0


class Share(Budget):
    """What one payer holds."""

    __slots__ = ("_budgets", "_payer", "taken_bytes", "uploads")

    def __init__(self, budgets: Budgets, payer: str) -> None:
        super().__init__(0)
        self._budgets: Final = budgets
        self._payer: Final = payer
        self.taken_bytes = 0
        self.uploads: Final[set[Upload]] = set()

    def take(self, size: int) -> bool:
        free = self._budgets.free_bytes - size
        if free < 0 or self.taken_bytes + size > SHARE * free:
            return False
        self._budgets.free_bytes = free
        self.taken_bytes += size
        return True

    def give(self, size: int) -> None:
        self._budgets.free_bytes += size
        self.taken_bytes -= size
        self._forget_if_empty()

    def join(self, upload: Upload) -> None:
        """An upload begins, which may have to give way until it leaves."""
        upload.recent_bytes = upload.earlier_bytes = 0
        self.uploads.add(upload)

    def leave(self, upload: Upload) -> None:
        self.uploads.discard(upload)
        self._forget_if_empty()

    def take_for(self, upload: Upload, size: int) -> bool:
        """Take what has come of `upload`; others that bring less give way where that is needed."""
        upload.recent_bytes += size
        while not self.take(size):
            least = min(self.uploads, key=_brought_bytes)
            if least is upload or _brought_bytes(least) >= _brought_bytes(upload):
                return False
            self.uploads.discard(least)
            least.give_way()
        return True

    def _forget_if_empty(self) -> None:
        if not self.taken_bytes and not self.uploads:
            self._budgets.forget(self._payer, self)


def _brought_bytes(upload: Upload) -> int:
    return upload.recent_bytes + upload.earlier_bytes
