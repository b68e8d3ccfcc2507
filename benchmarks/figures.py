"""What a benchmark gives: a figure, its control, and what was promised of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One row of the table. Figure and control are in `unit`."""

    name: str
    unit: str
    value: float
    control: float
    ratio: float  # of value to control; the median of the rounds where they took turns
    bound: float
    how: str  # rounds, warm-up, what was counted
    of_control: bool = False  # the bound is one of the ratio, not of the value
    at_least: bool = False  # the bound is a lower one

    @property
    def judged(self) -> float:
        return self.ratio if self.of_control else self.value

    @property
    def met(self) -> bool:
        return self.judged >= self.bound if self.at_least else self.judged <= self.bound

    @property
    def promise(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g} {'x control' if self.of_control else self.unit}"

    @property
    def verdict(self) -> str:
        return "met" if self.met else f"missed by {abs(self.judged / self.bound - 1) * 100:.0f} %"


class Skipped(NamedTuple):
    """A benchmark that this machine cannot run."""

    name: str
    reason: str


Row = Figure | Skipped


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| figure | measured | control | ratio | promise | verdict | how |",
        "| --- | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for row in rows:
        if isinstance(row, Skipped):
            lines.append(f"| {row.name} | | | | | skipped | {row.reason} |")
        else:
            figures = f"{row.value:.4g} {row.unit} | {row.control:.4g} {row.unit} | {row.ratio:.2f}"
            lines.append(f"| {row.name} | {figures} | {row.promise} | {row.verdict} | {row.how} |")
    return "\n".join(lines)
