"""Removes a tree of control groups, with whatever still lives in it: for a server that starts, a spawner that is left.

By directory descriptors, since the spawner has mounted over /sys. Knows both versions' ways to end what is in a group:
version 2 kills by a file; in version 1 a frozen process does not die before it is thawed. What has a small share of a
processor dies slowly in both, so each tree is released before any is removed: the share may be set in another hierarchy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Final

_PATIENCE_S: Final = 2.0
_PAUSE_S: Final = 0.005
_UNLIMITED: Final = (("pids.max", b"0"), ("cpu.max", b"max"), ("cpu.cfs_quota_us", b"-1"))
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def release(parent: int, name: str) -> None:
    """Let the group `name` of the directory `parent`, with all that is in it, have no more processes, and all the time."""
    try:
        group = os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError:
        return  # not there, or just gone
    try:
        for setting, value in _UNLIMITED:
            _ = _write(group, setting, value)
        for child in os.scandir(group):
            if child.is_dir(follow_symlinks=False):
                release(group, child.name)
    finally:
        os.close(group)


def remove(parent: int, name: str) -> bool:
    """Kill all in the group `name` of the directory `parent`, remove it; False if it still stands after two seconds."""
    deadline = time.monotonic() + _PATIENCE_S
    while not _removed(parent, name):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def _removed(parent: int, name: str) -> bool:
    try:
        group = os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        _end_processes(group)
        for child in os.scandir(group):
            if child.is_dir(follow_symlinks=False):
                _ = _removed(group, child.name)
    finally:
        os.close(group)
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # a process is still on its way out
    return True


def _end_processes(group: int) -> None:
    pids = [int(pid) for pid in _read(group, "cgroup.procs").split() if int(pid) > 0]  # 0: of another pid namespace
    if not pids or os.getpid() in pids:
        return
    if _write(group, "cgroup.kill", b"1"):
        return
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    _ = _write(group, "freezer.state", b"THAWED")


def _read(group: int, name: str) -> bytes:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=group)
    except OSError:
        return b""
    with open(descriptor, "rb") as file:
        try:
            return file.read()
        except OSError:
            return b""


def _write(group: int, name: str, value: bytes) -> bool:
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=group)
    except OSError:
        return False
    try:
        return os.write(descriptor, value) == len(value)
    except OSError:
        return False
    finally:
        os.close(descriptor)
