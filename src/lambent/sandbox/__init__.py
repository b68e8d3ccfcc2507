"""Isolation of one program from the machine and from every other; it knows nothing of Lambda.

`contract` says what a sandbox is. `native` makes one out of the kernel's own mechanisms and is the default; `process` makes
none at all and says so. `pool` keeps some waiting. `probe` finds out, by doing it, what this machine can give.
Nothing is imported here: the spawner imports `sandbox.native` with an interpreter that has only its standard library.
"""
