"""Sandboxes that are none: ordinary processes of the machine, for macOS and unprivileged containers.

The contract is kept as far as a user's own rights carry: listeners, the output pipe, exit, freezing, and that all of it
ends with the server. What is not kept is the isolation: a guest sees the machine's files, processes and network, has
the server's user id, and nothing limits its memory, processor time and /tmp. It is for code that one would run by hand.
"""
