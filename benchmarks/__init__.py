"""The numbers of docs/SPECIFICATION.md, measured: `make bench`, or `python -m benchmarks --only warm-python`.

Every figure that is a ratio has its control measured in the same run, in turns with it, by the same client: raw sockets over
loopback, requests signed before the clock starts. The control is a bare asyncio HTTP echo server in a process of its own.
"""
