"""Session tags: what AssumeRole is given to say of a session, and what a session hands on to the next.

A tag that is transitive in a session is also in every session that is assumed from it, and cannot be given anew there.
Keys are compared without case. Tags travel in the session token, so what they may take of it is bounded; AWS has such a
bound too and does not publish how it counts (its "packed size").

Sources: recordings of AWS of April 2025 for the three refusals; IAM User Guide, "Pass session tags in AWS STS", for the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lambent.core.kernel import SessionTag
from lambent.services.sts.errors import (
    DuplicateSessionTags,
    SessionTagsTooLarge,
    TransitiveTagKept,
    TransitiveTagMissing,
)
from lambent.services.sts.limits import SESSION_TAG_BYTES, SESSION_TAGS_BYTES
from lambent.services.sts.shapes import Tag


def session_tags(
    given: Sequence[Tag], transitive_keys: Sequence[str], calling: Sequence[SessionTag]
) -> tuple[SessionTag, ...]:
    """The tags of a new session: those given, and those that the calling session hands on.

    Raises DuplicateSessionTags, TransitiveTagMissing, TransitiveTagKept, SessionTagsTooLarge.
    """
    keys = {tag.key.lower() for tag in given}
    if len(keys) < len(given):
        raise DuplicateSessionTags
    transitive = {key.lower() for key in transitive_keys}
    if not transitive <= keys:
        raise TransitiveTagMissing
    inherited = [tag for tag in calling if tag.transitive]
    if any(tag.key.lower() in keys for tag in inherited):
        raise TransitiveTagKept
    tags = (*inherited, *(SessionTag(tag.key, tag.value, tag.key.lower() in transitive) for tag in given))
    percent = packed_percent(tags)
    if percent > 100:
        raise SessionTagsTooLarge(percent=percent)
    return tags


def packed_percent(tags: Sequence[SessionTag]) -> int:
    """How much of the room for tags these take, rounded up."""
    size_bytes = sum(len(tag.key.encode()) + len(tag.value.encode()) + SESSION_TAG_BYTES for tag in tags)
    return math.ceil(100 * size_bytes / SESSION_TAGS_BYTES)
