"""Which extensions a function's layers bring, for the line of its log that says that they are not started."""

from __future__ import annotations

from pathlib import Path

from lambent.lambda_.layers.opt import EXTENSIONS_MAX, NAME_LETTERS, extensions
from tests.lambda_.layers.test_merging import tree


def test_every_file_at_the_top_of_extensions_is_one(tmp_path: Path) -> None:
    one = tree(tmp_path / "one", {"extensions/lens": "#!x", "extensions/agent": "x", "extensions/lib/more": "x"})
    two = tree(tmp_path / "two", {"extensions/agent": "#!y", "extensions/link": "-> lib/more", "python/app.py": ""})
    none = tree(tmp_path / "none", {"extensions": "a file"})
    assert extensions([one, two, none, tmp_path / "missing"]) == ("agent", "lens", "link")
    assert extensions([]) == ()


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", {"secret": ""})
    out = tree(tmp_path / "out", {"extensions": f"-> {outside}"})
    up = tree(tmp_path / "up", {"extensions": "-> ../outside"})
    within = tree(tmp_path / "within", {"extensions": "-> real", "real/agent": "#!x"})
    assert extensions([out, up, within]) == ()


def test_a_layer_with_many_or_strange_names_makes_one_short_line(tmp_path: Path) -> None:
    many = tree(tmp_path / "many", {f"extensions/{number:03d}{'n' * 200}": "" for number in range(300)})
    names = extensions([many])
    assert len(names) == EXTENSIONS_MAX
    assert {len(name) for name in names} == {NAME_LETTERS}
    strange = tree(tmp_path / "strange", {"extensions/a\nSTART \x1b[31m\N{GRINNING FACE}": ""})
    assert extensions([strange]) == ("a\\nSTART \\x1b[31m\\U0001f600",)
