"""Sessions whose tokens were opened lately, so that a token is opened once and not for every request.

Only sessions that there are stand here: who sends tokens that are not ours costs the time to see that, and nothing stays.
What stands here is bounded in bytes, and the oldest goes first.
"""

from __future__ import annotations

from typing import Final

from lambent.core.ports import Principal
from lambent.services.sts.limits import REMEMBERED_SESSION_BYTES, REMEMBERED_SESSIONS_BYTES, REMEMBERED_TAG_BYTES


class RememberedSessions:
    """Principals by their session tokens."""

    __slots__ = ("_bytes", "_max_bytes", "_principals", "find")

    def __init__(self, max_bytes: int = REMEMBERED_SESSIONS_BYTES) -> None:
        self._principals: Final[dict[str, Principal]] = {}
        self._max_bytes: Final = max_bytes
        self._bytes = 0
        self.find: Final = self._principals.get  # on the path of every request

    def add(self, token: str, principal: Principal) -> None:
        """Remember a session that was just opened, and is not remembered."""
        self._principals[token] = principal
        self._bytes += _size_bytes(token, principal)
        while self._bytes > self._max_bytes:
            oldest = next(iter(self._principals))
            self._bytes -= _size_bytes(oldest, self._principals.pop(oldest))


def _size_bytes(token: str, principal: Principal) -> int:
    return len(token) + REMEMBERED_SESSION_BYTES + REMEMBERED_TAG_BYTES * len(principal.caller.session_tags)
