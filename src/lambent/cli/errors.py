"""How a command tells that it could not be done."""

from __future__ import annotations


class Failed(Exception):
    """A command could not be done; the text tells a person why and what to do. Exit status 1."""


def sentences(error: BaseException) -> str:
    """What an error says; of a group, what all in it say."""
    members: tuple[BaseException, ...] | None = getattr(error, "exceptions", None)
    return str(error) if members is None else "; ".join(map(sentences, members))
