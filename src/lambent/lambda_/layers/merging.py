"""Several trees as one: what a function sees at /opt when it has more than one layer.

It is as if the layers had been unpacked one after the other into the same directory. Directories come together; at any
other path the later layer wins, with whatever it has there: its file takes the place of a directory and all in it, its
directory the place of a file or a symlink. So nothing is ever written through a symlink of another layer.

Files are hard links to those of the layers' own trees, which are read-only as the merged one is: a merge costs names, not
bytes. A symlink is made again as it is: it may lead anywhere, which is for the guest to see, since nothing of ours follows
it. A directory has the mode that it has in the last layer with it.
"""

# ruff: noqa: PTH101, PTH102, PTH115, PTH211
# Texts and directory entries instead of Paths: layers have ten thousand files, and Paths take two and a half times as long.

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from lambent.lambda_.code.packages import DIRECTORY_MODE, on_disk

NO_LINK: Final = frozenset(
    {errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP}
)  # too many of one file, or a file system's refusal


class Tree(dict[str, "Tree | os.DirEntry[str]"]):
    """A directory's names: directories, and what is a file or a symlink."""

    mode = DIRECTORY_MODE


def merge(trees: Sequence[Path], root: Path) -> None:
    """Fill `root`, an empty directory on the trees' file system. May take long; runs in a thread. Raises OSError."""
    merged = Tree()
    merged.mode = on_disk(DIRECTORY_MODE)
    for tree in trees:
        _lay_over(str(tree), merged)
    _make(merged, str(root))


def _lay_over(directory: str, under: Tree) -> None:
    with suppress(PermissionError), os.scandir(directory) as entries:  # what is closed to us is closed to guests, too
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                under[entry.name] = entry
                continue
            there = under.get(entry.name)
            below = there if isinstance(there, Tree) else Tree()
            below.mode = stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode)
            under[entry.name] = below
            _lay_over(entry.path, below)


def _make(tree: Tree, directory: str) -> None:
    for name, what in tree.items():
        target = f"{directory}/{name}"
        if isinstance(what, Tree):
            os.mkdir(target, 0o700)
            _make(what, target)
        elif what.is_symlink():
            os.symlink(os.readlink(what.path), target)
        else:
            _link(what.path, target)
    os.chmod(directory, tree.mode)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        shutil.copy(source, target)  # with its mode
