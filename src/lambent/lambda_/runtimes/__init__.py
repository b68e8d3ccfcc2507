"""What runs a function's code: every runtime that AWS names, and for each what stands in for AWS's image of it here.

`catalogue` says what AWS has; `interpreters` finds what this machine has; `templates` makes of both what a sandbox is
started from; `variables` is what an execution environment finds in its environment. `bootstrap/` is the guest's side:
files that are shown to it, read-only, at /var/runtime, and that nothing of the server imports.

It is not the Runtime API's server (`environment.runtime_api`), and it starts nothing: that is the sandbox.
"""
