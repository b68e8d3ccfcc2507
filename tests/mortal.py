"""Servers that tests start end with the test run, however that ends: a run that is killed ends nothing by itself."""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def mortal() -> None:
    """Have the kernel kill this process when its parent dies; a `preexec_fn`. Only Linux can."""
    if sys.platform == "linux":
        _ = ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
