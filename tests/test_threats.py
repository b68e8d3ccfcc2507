"""docs/THREATS.md names a test for every row, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "THREATS.md"
TRUST = "## Who is trusted"  # the one table that has no tests
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")


def sections() -> list[str]:
    return [section for section in re.split(r"(?m)^(?=## )", PAGE.read_text()) if not section.startswith(TRUST)]


def test_every_row_names_a_test() -> None:
    rows = [line for section in sections() for line in section.splitlines() if line.startswith("| ")]
    bare = [
        row for row in rows if not NAMED.search(row) and not row.startswith(("| resource |", "| secret |", "| ---"))
    ]
    assert bare == []


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 50
    for file, name in named:
        text = (PAGE.parents[1] / file).read_text()
        assert not name or re.search(rf"def {name}\(", text), f"{file} has no {name}"
