"""What placement is given of the configuration."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The waiting times and bounds of placement; AWS publishes none of the first four."""

    freeze_after_s: float
    idle_timeout_s: float
    handover_s: float
    max_age_s: float  # an environment's; its credentials are good for a little longer
    concurrent_executions: int
    environments: int  # at work, idle, and on their way in or out: what the machine has room for
