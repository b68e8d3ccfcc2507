"""How a command tells that it could not be done."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class Failed(Exception):
    """A command could not be done; the text tells a person why and what to do. Exit status 1."""


@contextmanager
def failure_of(*kinds: type[Exception]) -> Generator[None]:
    """Make one `Failed` of errors of these kinds, however many, and however deep in groups. Raises Failed.

    Whatever else is raised passes as it is, with its trace. Not `except*`: before Python 3.11.4, what is raised in such a
    block comes out in a group of its own (gh-103590), and Debian 12 has 3.11.2.
    """
    try:
        yield
    except kinds as error:
        raise Failed(str(error)) from None
    except BaseExceptionGroup as group:
        if group.split(kinds)[1] is not None:
            raise
        raise Failed(sentences(group)) from None


def require_proc() -> None:
    """Raises Failed where Linux has no /proc, of which nearly all that starts here reads something."""
    if sys.platform == "linux" and not Path("/proc/self/stat").exists():
        raise Failed(
            "there is no /proc here, which Lambent needs; in a chroot, `mount -t proc proc /proc` gives it one"
        )


def sentences(error: BaseException) -> str:
    """What an error says; of a group, what all in it say."""
    members: tuple[BaseException, ...] | None = getattr(error, "exceptions", None)
    return str(error) if members is None else "; ".join(map(sentences, members))
