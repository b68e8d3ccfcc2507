"""IAM's quotas (IAM User Guide, "IAM and AWS STS quotas"); sizes of documents do not count white space."""

from __future__ import annotations

from typing import Final

ROLES_PER_ACCOUNT: Final = 1_000
POLICIES_PER_ACCOUNT: Final = 1_500
ATTACHED_POLICIES_PER_ROLE: Final = 10
TRUST_POLICY_CHARACTERS: Final = 2_048
INLINE_POLICIES_PER_ROLE_CHARACTERS: Final = 10_240  # all of a role's inline policies together
MANAGED_POLICY_CHARACTERS: Final = 6_144
TAGS_PER_RESOURCE: Final = 50
MAX_SESSION_DURATION_DEFAULT_S: Final = 3_600
PAGE_DEFAULT: Final = 100  # MaxItems when it is not given
