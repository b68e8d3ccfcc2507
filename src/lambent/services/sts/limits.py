"""STS's limits in time (STS API reference: AssumeRole, GetSessionToken)."""

from __future__ import annotations

from typing import Final

ASSUME_ROLE_DEFAULT_S: Final = 3_600
ROLE_CHAINING_MAX_S: Final = 3_600  # a session of a role that assumes a role gets no more
SESSION_TOKEN_DEFAULT_S: Final = 43_200
SESSION_TOKEN_ROOT_MAX_S: Final = 3_600  # "for account owners restricted to a maximum of 3,600 seconds"
REMEMBERED_SESSIONS: Final = 8_192  # opened tokens kept in memory, about 1 KB each
