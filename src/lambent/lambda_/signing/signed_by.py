"""Who signed a package: what is kept of a good signature, and shown with the function or the layer version."""

from __future__ import annotations

import msgspec


class SignedBy(msgspec.Struct, frozen=True):
    """A version of a signing profile, and the job that signed as it."""

    profile_version_arn: str
    job_arn: str
