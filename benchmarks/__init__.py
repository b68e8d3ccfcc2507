"""The numbers of docs/SPECIFICATION.md, measured: `make bench`, or `python -m benchmarks --only warm-python`.

Each benchmark is a file: start, warm, cold, burst, inventory. What they stand on: a client and its signatures, the control,
a Lambent to measure, functions to invoke. Nothing here is part of Lambent, and no test runs it: figures are measured, not
asserted.
"""
