"""Where that lies which belongs to an installation of Lambent and comes in no package: it is fetched or compiled once.

The AWS SDK for JavaScript (`javascript_sdk`), compiled JSON (`speedups`), a locale (`systems`). It is part of the Python
environment that Lambent is installed in, so each environment has its own.
"""

from __future__ import annotations

import sys
from pathlib import Path


def share(prefix: str = sys.prefix) -> Path:
    """The directory in the Python environment of that prefix. It may be missing."""
    return Path(prefix) / "share" / "lambent"
