"""How trees are removed that others have filled: unpacked packages above all.

Their directories may be closed also to us, unless we are root, and their symlinks may lead anywhere: nothing here follows
one, not even to look at what is there (a path may be an automounter's, or a file server's that is gone).
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it; what cannot be removed stays."""
    unseen = [str(path)]
    while unseen:
        directory = unseen.pop()
        with suppress(FileNotFoundError):  # another thread may be at it, too
            Path(directory).chmod(0o700)
            with os.scandir(directory) as entries:
                unseen += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    shutil.rmtree(path, ignore_errors=True)
