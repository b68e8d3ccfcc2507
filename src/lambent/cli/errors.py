"""How a command tells that it could not be done."""


class Failed(Exception):
    """A command could not be done; the text tells a person why and what to do. Exit status 1."""
