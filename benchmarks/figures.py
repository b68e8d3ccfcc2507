"""What a benchmark gives: a figure beside what was promised."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One row of the table. `bound` is the largest value that keeps the promise, or the smallest where `at_least`."""

    name: str
    value: float
    unit: str
    bound: float
    promise: str
    how: str  # rounds, what was counted, what the control did
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def verdict(self) -> str:
        if self.met:
            return "met"
        factor = self.bound / self.value if self.at_least else self.value / self.bound
        return f"missed by {(factor - 1) * 100:.0f} %"


class Skipped(NamedTuple):
    """A benchmark that this machine cannot run."""

    name: str
    reason: str


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def table(rows: Sequence[Figure | Skipped]) -> str:
    """The rows as Markdown."""
    lines = ["| figure | measured | promise | | how |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        if isinstance(row, Skipped):
            lines.append(f"| {row.name} | - | | skipped | {row.reason} |")
        else:
            lines.append(f"| {row.name} | {row.value:.2f} {row.unit} | {row.promise} | {row.verdict} | {row.how} |")
    return "\n".join(lines)
