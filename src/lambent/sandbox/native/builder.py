"""The program that the server starts for each template: it builds what guests see, moves in, and becomes the spawner there.

    server ── template ──> builder ── fork ──> mounter, which stays outside
                              └─ root built, entered ── exec ──> spawner, of a template that forks its guests
                                                    └─ call ───> spawner, of one that executes them

What guests are forked from is executed inside, by the interpreter at the place where guests see it. So its memory, its
paths, its tracebacks and the names of what it has mapped tell of the inside only. What executes its guests needs no such
care: nothing of it is left in them.

Run as `python -S -I -c "..." DIRECTORY DESCRIPTOR`, by the server's own Python; see `spawners`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from _socket import sethostname, socket
from typing import Any, Final

from lambent.sandbox.native import channel, linux, lockdown, mounter, rootfs, seccomp, spawner

_USERS_INSIDE: Final = (lockdown.GUEST_UID,)
_SOURCE: Final = os.path.abspath(f"{__file__}/../../..")  # the directory `lambent`
_OURS: Final = "/run"  # where the executed spawner finds its own modules, until it has imported them
# What fails in the first line is imported once more by the spawner, which can say so.
_PROGRAM: Final = """
try: import sys; sys.path[:1] = {path!r}; import {first}
except Exception: pass
import types; l = sys.modules['lambent'] = types.ModuleType('lambent'); l.__path__ = [{ours!r}]
from lambent.sandbox.native.spawner import main; main()
"""
_ENVIRONMENT: Final = {  # nothing of the server's
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",  # awslambdaric reads it when it is imported
    "HOME": "/home/sbx_user1051",  # where `site` looks for a user's packages, and remembers that it did
    "LC_CTYPE": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",  # a fork does not copy threads
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


def main() -> None:
    control = socket(fileno=int(sys.argv[2]))
    try:
        message = channel.receive(control)
        if message is None:
            return
        message.require_all()
        filter_ = seccomp.program(linux.MACHINE, gated=True)  # from a file that is not there inside
        _build(message.content, message.descriptors[0])
        facts = {name: message.content[name] for name in ("nested", "groups", "boot", "fork")}
        descriptors = [control.fileno(), *message.descriptors[1:]]
        if facts["fork"] is not None:
            _execute(facts, descriptors)
    except Exception as error:
        with contextlib.suppress(OSError):
            channel.send(control, {"failed": f"{type(error).__name__}: {error}"})
        return
    _ = control.detach()
    spawner.run(facts, descriptors, filter_)


def _build(template: dict[str, Any], mounters_end: int) -> None:
    if template["nested"]:
        itself = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        lockdown.enter_user_namespace(itself, 0, 0)
        os.close(itself)
    linux.own_tree()
    linux.unshare(linux.CLONE_NEWUTS)
    sethostname(rootfs.HOSTNAME)  # what guests are forked from never learns the machine's
    users = _USERS_INSIDE if template["nested"] else range(template["first_uid"], template["last_uid"] + 1)
    mounts = [rootfs.Mount(*mount) for mount in template["mounts"]]
    if template["fork"] is not None:
        mounts.append(rootfs.Mount(_SOURCE, _OURS))
    rootfs.build(mounts, template["base"], users)
    mounter.fork(mounters_end)
    rootfs.enter()


def _execute(facts: dict[str, Any], descriptors: list[int]) -> None:
    """Become the spawner. Raises OSError."""
    interpreter: str = facts["fork"]["interpreter"]
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    library = os.path.normpath(f"{interpreter}/../../lib")  # where it was built to be is not where it is
    program = _PROGRAM.format(path=facts["fork"]["path"], first=facts["fork"]["preload"][0], ours=_OURS)
    arguments = [json.dumps(facts), *map(str, descriptors)]
    try:
        os.execve(
            interpreter,
            [interpreter, "-c", program, *arguments],
            {**_ENVIRONMENT, "LD_LIBRARY_PATH": library},
        )
    except OSError as error:
        raise OSError(error.errno, f"{interpreter} does not start: {error.strerror}") from error
