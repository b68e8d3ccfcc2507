"""The program of every Python execution environment that is started anew: AWS's /var/runtime/bootstrap.py.

It has AWS's name and AWS's globals, because others know them: wrapper scripts import it and call its `main`, and Sentry
looks for the runtime at `__main__.awslambdaricmain.bootstrap`. What it imports, and before whom, decides which files of a
function are hidden by the standard library (`lambent_bootstrap`).
"""

# pyright: basic
# ruff: noqa: F401, I001
# AWS's own imports, in AWS's order; ours is the last.

import json
import logging
import os
import site
import sys
import time
import traceback
import warnings
import awslambdaric.__main__ as awslambdaricmain
import lambent_bootstrap  # pyright: ignore[reportMissingImports]  # beside this file, in /var/runtime


def main() -> None:
    lambent_bootstrap.main()


if __name__ == "__main__":
    main()
