"""STS's limits in time (STS API reference: AssumeRole, GetSessionToken)."""

from __future__ import annotations

from typing import Final

ASSUME_ROLE_DEFAULT_S: Final = 3_600
ROLE_CHAINING_MAX_S: Final = 3_600  # a session of a role that assumes a role gets no more
SESSION_TOKEN_DEFAULT_S: Final = 43_200
SESSION_TOKEN_ROOT_MAX_S: Final = 3_600  # "for account owners restricted to a maximum of 3,600 seconds"
TOKEN_MAX_CHARACTERS: Final = 4_096  # ours have less than 1,000; what is longer is not ours
REMEMBERED_SESSIONS_BYTES: Final = 8 * 1024 * 1024  # of opened tokens, with what they say
REMEMBERED_SESSION_BYTES: Final = 1_024  # what one costs besides its token
