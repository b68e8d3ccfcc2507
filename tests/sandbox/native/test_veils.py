"""What people are told of mounts that name their source."""

import os
from pathlib import Path

import pytest

from lambent.app import Running
from lambent.cli.up import said
from lambent.config import Config
from lambent.sandbox.native.veils import why_unveiled

NO_OVERLAY_OF = Path("/proc/sys")  # its names are compared by a function of its own, which overlays refuse
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try without a sandbox")


@needs_root
def test_root_is_told_by_trying() -> None:
    assert f"no overlay can be made of {NO_OVERLAY_OF}" in why_unveiled(NO_OVERLAY_OF)


def test_another_user_is_told_what_the_kernel_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    known = "\toverlay\n" in Path("/proc/filesystems").read_text()
    assert bool(why_unveiled(NO_OVERLAY_OF)) is not known


def test_the_start_says_so_in_a_line_of_its_own() -> None:
    started = Running("http://127.0.0.1:4566", "1", "A", "s", "r", tmp_in_memory="", unveiled="")
    assert len(said(started, Config()).splitlines()) == 1
    unveiled = Running("http://127.0.0.1:4566", "1", "A", "s", "r", tmp_in_memory="", unveiled="mounts tell: why")
    assert said(unveiled, Config()).splitlines()[1:] == ["Functions are isolated, but mounts tell: why"]
