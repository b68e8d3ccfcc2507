"""Runs the benchmarks and prints their table."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path

from benchmarks.figures import Figure, Skipped, table
from benchmarks.lambent import cores
from benchmarks.measures import MEASURES


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="run this one; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    rows: list[Figure | Skipped] = []
    for name in given.only or MEASURES:
        print(f"measuring {name}", file=sys.stderr)
        rows += MEASURES[name]()
    print(f"{cores()} cores, Linux {platform.release()}, Python {platform.python_version()}\n")
    print(table(rows))
    if given.json is not None:
        given.json.write_text(json.dumps([row._asdict() for row in rows], indent=1))


if __name__ == "__main__":
    main()
