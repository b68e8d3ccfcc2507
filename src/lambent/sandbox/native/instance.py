"""The control groups of one running Lambent, from its start to its end, and the removal of those that a dead one left.

    opened() ── removes trees whose owner is dead ── makes lambent-<pid>-<random> in each hierarchy ── yields ── removes it

A living owner holds a lock on its directory, which the kernel takes back however it dies; so a tree without a lock is dead.
Between its making and its lock there is a moment: a new one whose process lives is left alone.

In version 2 a group with processes of its own cannot give controllers to groups below. Then this process moves into a leaf of
its own tree for as long as it lives; if others are in the way, root uses the top of the hierarchy; everyone else must be
started in a group of their own, and is told how.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lambent.sandbox.native import group_tree
from lambent.sandbox.native.cgroups import Group
from lambent.sandbox.native.hierarchies import CONTROLLERS, Hierarchies

PREFIX: Final = "lambent-"
_LEAF: Final = "server"
_STARTING_S: Final = 5.0  # within which an owner has locked what it has made
_PAGE_BYTES: Final = 4096  # the kernel gives no more of such a file at once
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Instance:
    """This process's trees. `missing` names the controllers that limit nothing here, `why` what stands in the way."""

    def __init__(self, hierarchies: Hierarchies, name: str) -> None:
        self.name: Final = name
        self.why: Final[list[str]] = []
        self._home: Path | None = None  # from where this process has moved into its leaf
        self._locks: Final[list[int]] = []
        self._parents: Final[dict[Path, Path]] = {}
        for parent in hierarchies.directories:
            self._enter(parent, parent == hierarchies.unified, hierarchies)
        usable = {name: path for name, path in hierarchies.controllers.items() if path in self._parents}
        self._hierarchies: Final = hierarchies._replace(
            controllers=usable,
            unified=hierarchies.unified if hierarchies.unified in self._parents else None,
            freezer=hierarchies.freezer if hierarchies.freezer in self._parents else None,
        )
        self.version: Final = hierarchies.version if self._parents else "none"
        version_1 = "memory" in usable and not self._hierarchies.is_unified("memory")
        self._used: Final = "memory.usage_in_bytes" if version_1 else "memory.current"
        self._cached: Final = tuple(f"{'total_' * version_1}{name}_file".encode() for name in ("active", "inactive"))
        if version_1 and self.memory is not None:
            with contextlib.suppress(
                OSError
            ):  # before Linux 5.11 groups do not count what is below them unless told to
                _ = (self.memory / "memory.use_hierarchy").write_text("1")
        self.missing: Final = [name for name in CONTROLLERS if name not in usable]

    @property
    def usable(self) -> bool:
        """Tell whether there is any hierarchy in which groups can be made."""
        return bool(self._parents)

    @property
    def directories(self) -> Sequence[Path]:
        """The directories in which the trees stand, for whoever must remove them if this process cannot."""
        return [tree.parent for tree in self._parents.values()]

    def group(self, name: str) -> Group:
        """Make one sandbox's groups. Raises OSError."""
        return Group(name, self._parents, self._hierarchies)

    @property
    def memory(self) -> Path | None:
        """The group above all sandboxes whose memory is theirs together, if there is one."""
        parent = self._hierarchies.controllers.get("memory")
        return None if parent is None else self._parents[parent]

    def memory_used_bytes(self) -> int | None:
        """Return what all groups use, but for files that are only cached; None if no group counts it."""
        memory = self.memory
        if memory is None:
            return None
        used = int(_read(f"{memory}/{self._used}"))
        fields = dict(line.split() for line in _read(f"{memory}/memory.stat").splitlines())
        return max(0, used - sum(int(fields.get(name, b"0")) for name in self._cached))

    def bound_memory(self, bytes_: int) -> None:
        """Keep all groups together below so many bytes: what a hostile guest may take, the server never lacks."""
        if self.memory is None:
            return
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (self.memory / name).exists():
                _ = (self.memory / name).write_text(str(bytes_))

    def remove(self) -> None:
        if self._home is not None:
            with contextlib.suppress(OSError):
                switch_controllers(self._home, CONTROLLERS, on=False)
                _ = (self._home / "cgroup.procs").write_text(str(os.getpid()))
        for lock in self._locks:
            os.close(lock)
        _remove([(directory, self.name) for directory in self.directories])

    def _enter(self, parent: Path, unified: bool, hierarchies: Hierarchies) -> None:
        """Make our tree below `parent`, if that is possible, with all controllers that are meant to be there."""
        wanted = [name for name, path in hierarchies.controllers.items() if path == parent] if unified else []
        places = [parent]
        if unified and wanted and hierarchies.top not in (None, parent):
            places.append(hierarchies.top)
        for place in places:
            tree = place / self.name
            try:
                tree.mkdir()
            except OSError as error:
                self.why.append(f"no group can be made in {place} ({error.strerror})")
                continue
            try:
                self._give(place, tree, wanted)
            except OSError as error:
                self.why.append(f"{place} gives no controllers to groups below it ({error.strerror})")
                with contextlib.suppress(OSError):
                    tree.rmdir()
                continue
            self._parents[parent] = tree
            self._locks.append(_locked(tree))
            return

    def _give(self, place: Path, tree: Path, wanted: Sequence[str]) -> None:
        if not wanted:
            return
        try:
            switch_controllers(place, wanted, on=True)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            self._move_to_leaf(place, tree, wanted)
        switch_controllers(tree, wanted, on=True)

    def _move_to_leaf(self, place: Path, tree: Path, wanted: Sequence[str]) -> None:
        leaf = tree / _LEAF
        leaf.mkdir()
        _ = (leaf / "cgroup.procs").write_text(str(os.getpid()))
        try:
            switch_controllers(place, wanted, on=True)
        except OSError:
            _ = (place / "cgroup.procs").write_text(str(os.getpid()))
            leaf.rmdir()
            raise
        self._home = place


@contextmanager
def opened(hierarchies: Hierarchies) -> Generator[Instance]:
    """This process's groups, for as long as the block lasts."""
    remove_dead(hierarchies.directories)
    instance = Instance(hierarchies, f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        yield instance
    finally:
        instance.remove()


def remove_dead(directories: Iterable[Path]) -> None:
    """Remove the trees in these directories that nobody holds a lock on, and whatever lives in them."""
    dead: list[tuple[Path, str]] = []
    for tree in [tree for directory in directories for tree in directory.glob(f"{PREFIX}*")]:
        try:
            lock = _locked(tree)
        except OSError:
            continue  # it lives, or is not ours to remove, or has just gone
        os.close(lock)
        if not _is_starting(tree):
            dead.append((tree.parent, tree.name))
    _remove(dead)


def _is_starting(tree: Path) -> bool:
    """Tell whether its owner may just have made it, and is about to lock it."""
    pid = tree.name.removeprefix(PREFIX).partition("-")[0]
    if pid == str(os.getpid()) or not Path("/proc", pid, "stat").exists():
        return False
    try:
        return time.time() - tree.stat().st_mtime < _STARTING_S
    except FileNotFoundError:
        return False


def _remove(trees: Sequence[tuple[Path, str]]) -> None:
    """Remove trees by their parents and names, all released first."""
    for work in (group_tree.release, group_tree.remove):
        for directory, name in trees:
            with _opened(directory) as parent:
                _ = work(parent, name)


def switch_controllers(group: Path, names: Sequence[str], *, on: bool) -> None:
    """Give the group's children these controllers, or take them away. Raises OSError; EBUSY if it has processes itself."""
    sign = "+" if on else "-"
    file = os.open(group / "cgroup.subtree_control", os.O_WRONLY | os.O_CLOEXEC)
    try:
        _ = os.write(file, " ".join(sign + name for name in names).encode())
    finally:
        os.close(file)


def _read(path: str) -> bytes:
    with open(path, "rb", 0) as file:
        return file.read(_PAGE_BYTES)


def _locked(tree: Path) -> int:
    """Lock a directory for as long as the returned descriptor is open. Raises OSError."""
    descriptor = os.open(tree, _DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _opened(directory: Path) -> Generator[int]:
    descriptor = os.open(directory, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
