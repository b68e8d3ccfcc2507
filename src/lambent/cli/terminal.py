"""What others have written, fit for a terminal: control characters are shown, not sent.

A function's log, its errors and whatever quotes them may hold anything. Sent to a terminal as it is, it could rewrite what
stands there, set the window's title, answer in the user's name, or read differently than it is. So everything that a command
prints for a person goes through `visible`, whether or not a terminal is at the other end: text that was piped to a file or a
pager is looked at in the end. Data for programs (the payload of `lambent invoke` into a pipe) is left as it is, and --raw
leaves all of it so.
"""

from __future__ import annotations

import io
import re
import sys
from typing import Final, TextIO

HIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    "\xad\u061c\u180e\u200b\u200e\u200f"  # what is not seen, and marks of direction
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # separators, overrides, isolates, annotations
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags, and selectors that carry text unseen
    "\ud800-\udfff"  # lone surrogates, which no terminal can be sent
    "]"
)


def visible(text: str) -> str:
    r"""The text with each character that would not be seen, but newline and tab, as Python writes it: \x1b, \u202e."""
    return HIDDEN.sub(lambda found: escape(found[0]), text.replace("\r\n", "\n"))


def escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def prepare(*streams: TextIO) -> None:
    """Have what a stream's encoding lacks escaped too: no text of a guest's is to end a command with a traceback."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: str, *, raw: bool = False, file: TextIO | None = None) -> None:
    """Print a text that may come from a guest; `raw` sends it as it is."""
    print(text if raw else visible(text), file=file or sys.stdout)
