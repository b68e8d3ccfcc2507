"""What stands in the way of isolation is said with what would change it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lambent.sandbox.native import machine
from lambent.sandbox.native.users import Users

MOUNT = "22 1 0:21 / {point} rw,relatime - proc proc rw\n"


@pytest.mark.parametrize(("points", "told"), [(("/proc", "/sys"), True), (("/", "/proc"), False)])
def test_who_is_not_root_is_told_that_a_chroot_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: tuple[str, ...], told: bool
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("".join(MOUNT.format(point=point) for point in points))
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    monkeypatch.setattr(machine, "users", lambda: Users(None))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert any("in a chroot only root" in sentence for sentence in machine.obstacles()) == told
