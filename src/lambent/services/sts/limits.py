"""STS's limits in time and in size (STS API reference: AssumeRole, GetSessionToken; sizes are ours)."""

from __future__ import annotations

from typing import Final

ASSUME_ROLE_DEFAULT_S: Final = 3_600
ROLE_CHAINING_MAX_S: Final = 3_600  # a session of a role that assumes a role gets no more
SESSION_TOKEN_DEFAULT_S: Final = 43_200
SESSION_TOKEN_ROOT_MAX_S: Final = 3_600  # "for account owners restricted to a maximum of 3,600 seconds"
TOKEN_MAX_CHARACTERS: Final = 4_096  # ours have less than 1,000, and 2,800 more with tags; what is longer is not ours
SESSION_TAGS_BYTES: Final = 2_048  # in a token, of all tags of a session
SESSION_TAG_BYTES: Final = 8  # that one takes beside its key and its value
REMEMBERED_SESSIONS_BYTES: Final = 8 * 1024 * 1024  # of opened tokens, with what they say
REMEMBERED_SESSION_BYTES: Final = 1_024  # what one costs besides its token and its tags
REMEMBERED_TAG_BYTES: Final = 256  # what a tag costs besides its text, which counts with the token
