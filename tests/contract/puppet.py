"""A guest that does what it is told: it connects to its Runtime API port and runs the Python that comes from there.

Runs inside, under any Python from 3.10 with only the standard library. One line of JSON in, {"source"}, a function's
body; one line out, {"value"} of what it returned or {"error", "text", "errno"} of what it raised.
"""

import json
import os
import socket
import textwrap

REHEARSED = []


def rehearse(forked):
    REHEARSED.append(forked)


def main():
    host, _, port = os.environ.get("PUPPET_API", "127.0.0.1:9001").partition(":")
    strings = socket.create_connection((host, int(port)))
    lines = strings.makefile("rb")
    memory = {}
    for line in lines:
        strings.sendall(json.dumps(obey(json.loads(line)["source"], memory)).encode() + b"\n")


def obey(source, memory):
    names = {"memory": memory}
    try:
        exec("def told():\n" + textwrap.indent(source, "    "), names)
        return {"value": names["told"]()}
    except BaseException as error:  # noqa: BLE001  whatever it was, the test wants to know
        return {"error": type(error).__name__, "text": str(error), "errno": getattr(error, "errno", None)}


def boot():
    """Wait for the assignment on descriptor 3, as the program of a template that boots does."""
    with os.fdopen(3, "rb") as channel:
        assignment = json.loads(channel.readline())
    os.environ.clear()
    os.environ.update(assignment["environment"])
    os.chdir(assignment["cwd"])
    main()


if __name__ == "__main__":
    import sys

    boot() if sys.argv[1:] == ["boot"] else main()
