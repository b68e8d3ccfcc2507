"""Runs the benchmarks and prints their table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import functions
from benchmarks.burst import burst
from benchmarks.cold import cold
from benchmarks.figures import Figure, Row, table
from benchmarks.hostile import hostile
from benchmarks.inventory import inventory
from benchmarks.start import start
from benchmarks.warm import warm

BENCHMARKS: dict[str, Callable[[], Iterator[Row]]] = {
    "start": start,
    "warm-python": lambda: warm(functions.python()),
    "warm-node": lambda: warm(functions.node()),
    "cold-python": lambda: cold(functions.python(), bound_ms=8),
    "cold-node": lambda: cold(functions.node(), bound_ms=15),
    "cold-custom": lambda: cold(functions.custom(), bound_ms=8),
    "burst": lambda: burst(functions.python_that_holds()),
    "inventory": inventory,
    "hostile": hostile,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="run this one; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there, too")
    given = parser.parse_args()
    rows: list[Row] = []
    for name in given.only or BENCHMARKS:
        print(f"measuring {name}", file=sys.stderr)
        rows += BENCHMARKS[name]()
    print(f"{machine()}\n\n{table(rows)}")
    if given.json is not None:
        given.json.write_text(json.dumps({"machine": machine(), "rows": [as_json(row) for row in rows]}, indent=1))


def machine() -> str:
    """What the figures are figures of: the machine, how busy it is, and what Lambent was told by the environment."""
    settings = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("LAMBENT_")]
    load = f"load average {os.getloadavg()[0]:.1f}"
    facts = [f"{os.cpu_count()} cores", f"Linux {platform.release()}", f"Python {platform.python_version()}", load]
    return ", ".join(facts + settings)


def as_json(row: Row) -> dict[str, object]:
    judged: dict[str, object] = {"met": row.met} if isinstance(row, Figure) else {}
    return {**row._asdict(), **judged}


if __name__ == "__main__":
    main()
