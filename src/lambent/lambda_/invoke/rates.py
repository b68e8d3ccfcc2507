"""How often something may happen: a token bucket, on the caller's clock."""

from __future__ import annotations

from typing import Final


class Bucket:
    """Holds up to `burst` permits, fills at `rate` a second, and is full when it is made.

    What is not used beyond `burst` is lost, as with AWS's scaling rate ("doesn't accrue unused portions").
    """

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate: float = rate
        self._burst: float = burst
        self._level: float = burst
        self._at: float = now

    def take(self, now: float) -> float:
        """Take a permit: 0.0 when there was one, otherwise the seconds until there will be one."""
        level = self._level + (now - self._at) * self._rate
        level = min(level, self._burst)
        self._at = now
        if level >= 1.0:
            self._level = level - 1.0
            return 0.0
        self._level = level
        return (1.0 - level) / self._rate if self._rate else NEVER_S

    def resize(self, rate: float, burst: float, now: float) -> None:
        """Fill at another rate from now on, to another height; what is gained in height is there at once."""
        level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._level = min(burst, level + max(0.0, burst - self._burst))
        self._at, self._rate, self._burst = now, rate, burst


NEVER_S: Final = 3600.0  # what is told to wait for a bucket that does not fill
