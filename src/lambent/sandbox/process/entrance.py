"""Stands in for a fork server: imports what the template names, waits for the assignment, and calls the entry.

Nothing is forked here: without isolation there is nothing to gain by it but milliseconds. Run by the function's
interpreter. The argument is a JSON object {"path", "preload", "entry", "rehearse"}; the assignment comes from descriptor 3.

It imports nothing that the first module of the preload does not import as well: that one counts what it finds.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

TYPE_CHECKING = False  # as typing's, which is not imported
if TYPE_CHECKING:
    from typing import Any

ASSIGNMENT_DESCRIPTOR = 3


def main() -> None:
    template: dict[str, Any] = json.loads(sys.argv[1])
    del sys.argv[1:]
    sys.path[:1] = template["path"]  # in place of this file's directory
    for module in template["preload"]:
        importlib.import_module(module)
    module, _, function = template["entry"].partition(":")
    entry = getattr(importlib.import_module(module), function)
    if template["rehearse"]:
        module, _, function = template["rehearse"].partition(":")
        getattr(importlib.import_module(module), function)(False)
    with os.fdopen(ASSIGNMENT_DESCRIPTOR, "rb") as channel:
        line = channel.readline()
    if not line:  # the server has gone, or does not need this one
        sys.exit(0)
    assignment: dict[str, Any] = json.loads(line)
    os.environ.clear()
    os.environ.update(assignment["environment"])
    os.chdir(assignment["cwd"])
    entry()


if __name__ == "__main__":
    main()
