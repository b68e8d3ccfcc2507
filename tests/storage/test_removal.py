"""Trees that others have filled are removed whole, and nothing beside them."""

from __future__ import annotations

from pathlib import Path

from lambent.storage.removal import remove_tree


def test_what_symlinks_of_a_tree_lead_to_stays_as_it_is(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep/link").symlink_to(outside)
    (tree / "loop").symlink_to("loop")
    remove_tree(tree)
    assert not tree.exists()
    assert outside.stat().st_mode & 0o777 == 0o750
    assert (outside / "file").read_text() == "x"


def test_closed_directories_are_removed_too(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "closed/inner").mkdir(parents=True)
    for directory in (tree / "closed/inner", tree / "closed", tree):
        directory.chmod(0)
    remove_tree(tree)
    assert not tree.exists()


def test_a_tree_that_is_gone_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none")
