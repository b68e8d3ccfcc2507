"""AWS's pace: what takes time here only because programs rely on AWS's taking it.

A caller who does not want to wait for it says so with a header; its value does not matter. `Context.at_once` is what an
operation sees of it.
"""

from typing import Final

AT_ONCE: Final = "x-lambent-at-once"
