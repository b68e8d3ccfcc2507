"""Attacks on the server: by its own guests, and by callers. Attacks on the sandbox itself are in `tests/escape`.

Each test is one row of docs/THREATS.md. A guest attacks as it would in real life: it is a function of 128 MB, deployed
through the API of a running `lambent up` with the native backend, and its bystanders are other functions of that server.
"""
