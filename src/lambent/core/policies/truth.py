"""Yes, no, and "that cannot be told": Kleene's logic, in which what is unknown stays so unless the rest decides."""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | None  # None: it cannot be told


def every(truths: Iterable[Truth]) -> Truth:
    """No as soon as one is no; yes when all are yes."""
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def some(truths: Iterable[Truth]) -> Truth:
    """Yes as soon as one is yes; no when all are no."""
    return negated(every(negated(truth) for truth in truths))


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth
