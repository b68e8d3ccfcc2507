"""Whether mounts hide from functions where on this machine their files are, for people.

Mounts of code, layers and interpreters are overlays, which do not name their source (`linux.veiled_tree`). Where the kernel
makes none, they are bind mounts (`rootfs.tree_of`): functions run all the same, and mountinfo(5) shows them host paths.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from lambent.sandbox.native import linux

UNVEILED: Final = "mounts tell functions where on this machine their files are: {reason}"


def why_unveiled(directory: Path) -> str:
    """Return why mounts of what is in `directory` name it, or "" where they do not; for after the first sandbox.

    Only root can try without a sandbox. For another user it is what the kernel says it has: the first sandbox has had it
    load the module, if there is one.
    """
    if os.geteuid() != 0:
        known = {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
        return "" if "overlay" in known else UNVEILED.format(reason="this kernel has no overlay")
    with tempfile.TemporaryDirectory(prefix="lambent-veil-") as empty:
        try:
            os.close(linux.veiled_tree(str(directory), empty))
        except OSError as error:
            return UNVEILED.format(reason=f"no overlay can be made of {directory} ({error.strerror})")
    return ""
