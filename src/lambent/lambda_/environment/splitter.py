"""What a guest writes, taken apart into events: lines, and records in frames.

Whatever prints writes lines. A line ends at `\\n` and nowhere else, and an empty line is no event. The client of a managed
runtime (awslambdaric, our bootstrap of Node.js) writes records, each one event with all its newlines, in frames:

    type, 4 bytes │ length, 4 bytes │ time, 8 bytes: microseconds since 1970 │ message      big-endian

The type is 0xa55a0003 for text and 0xa55a0002 for JSON, with the level in bits 2 to 4; the oldest, 0xa55a0001, has no time.
A record of JSON gets the newline that some clients leave out, since it is read line by line. Text is left as it is: END
follows the last line of an error at once, as in AWS.

In AWS frames come by a pipe of their own. Here their descriptor is a second way into the pipe of stdout and stderr
(docs/designs/framed-log.md). Lines and records stand in the order in which they were written, and a guest that writes
neither costs no look at a second pipe. A line into which a frame comes goes on behind it.

A program that can write to stdout can write frames, wrong ones and halves included; it spoils the log of its own function.
What is no frame is text. A frame that is not whole when its runtime has answered ends there, and what comes of it later is
text. At most EVENT_BYTES of a line, EVENT_BYTES of a message and the head of a frame are kept; what is longer is cut into
several events. A time is a claim, which the journal bounds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from struct import Struct
from typing import Final, Protocol

EVENT_BYTES: Final = 256 * 1024  # the largest event that CloudWatch Logs keeps
FRAME_BYTES: Final = 64 << 20  # of a message at most; what claims to be longer is no frame

_MARK: Final = b"\xa5\x5a\x00"  # with which every type begins
_TYPE: Final = re.compile(_MARK + rb"[\x01\x02\x03\x06\x07\x0a\x0b\x0e\x0f\x12\x13\x16\x17\x1a\x1b]")
_UNTIMED: Final = 0x01  # the last byte of the type without a time
_TEXT: Final = 0x01  # in the last byte of a type; without it, JSON
_UNTIMED_HEAD: Final = Struct(">4xI")
_TIMED_HEAD: Final = Struct(">4xIQ")

# The time that the guest claims for it, in microseconds of the Unix epoch, and its text.
Event = tuple[int | None, bytes]


class EventLog(Protocol):
    """Takes the events; a journal."""

    def guest_lines(self, lines: bytes, /) -> None:
        """Take whole lines, each with its newline, none of them empty."""
        ...

    def guest_events(self, events: Sequence[Event], /) -> None:
        """Take events as they are, EVENT_BYTES each at most. The caller does not change them afterwards."""
        ...


class Splitter:
    """Fed with what is read of one guest; `framed`: its runtime writes frames, and others' are text."""

    __slots__ = ("_at_us", "_end", "_events", "_framed", "_head", "_line", "_log", "_message", "_missing")

    def __init__(self, log: EventLog, *, framed: bool) -> None:
        self._log: Final = log
        self._framed: Final = framed
        self._line = bytearray()  # that is not ended yet
        self._head = b""  # of a frame, or of what may be one, as far as it has come
        self._message = bytearray()  # of a frame, as far as it has come and is not told
        self._missing = 0  # bytes of that message
        self._at_us: int | None = None  # of that frame
        self._end = b""  # which its event must have
        self._events: list[Event] = []  # of what is fed, since its first frame

    def feed(self, data: bytes) -> None:
        """Take what was read: READ_BYTES at most, so that what follows is bounded."""
        if not self._framed:
            self._take_text(data)
            return
        if self._head:
            data, self._head = self._head + data, b""
        at = self._take_rest_of_frame(data) if self._missing else 0
        while at < len(data):
            found = _TYPE.search(data, at)
            begin = len(data) - _begun_bytes(data, at) if found is None else found.start()
            if begin > at:
                self._take_text(data[at:begin])
            if found is None:
                self._head = data[begin:]
                break
            at = self._take_frame(data, begin)
        self._tell_events()

    def end(self) -> None:
        """End what is not ended: the runtime has answered, or is gone."""
        if self._head:
            head, self._head = self._head, b""
            self._take_text(head)
        if self._line:
            self._events.append((None, bytes(self._line)))
            self._line.clear()
        self._missing = 0
        self._end_message()
        self._tell_events()

    def _take_frame(self, data: bytes, begin: int) -> int:
        """Take a frame, or what has come of it; where that ends."""
        kind = data[begin + len(_MARK)]
        head = _UNTIMED_HEAD if kind == _UNTIMED else _TIMED_HEAD
        message = begin + head.size
        if message > len(data):
            self._head = data[begin:]
            return len(data)
        fields: tuple[int, ...] = head.unpack_from(data, begin)
        size, at_us = fields[0], fields[1] if len(fields) > 1 else None
        if size > FRAME_BYTES:
            self._take_text(data[begin:message])
            return message
        end = message + size
        if end <= len(data) and kind & _TEXT:  # the usual one
            if size:
                self._events.append((at_us, data[message:end]))
            return end
        self._message += data[message:end]
        self._missing, self._at_us, self._end = max(0, end - len(data)), at_us, b"" if kind & _TEXT else b"\n"
        if not self._missing:
            self._end_message()
        return min(end, len(data))

    def _take_rest_of_frame(self, data: bytes) -> int:
        """Take what has come of a frame's message; where that ends."""
        size = min(self._missing, len(data))
        self._message += data[:size]
        self._missing -= size
        if len(self._message) > EVENT_BYTES:
            self._events.append((self._at_us, bytes(self._message[:EVENT_BYTES])))
            del self._message[:EVENT_BYTES]
        if not self._missing:
            self._end_message()
        return size

    def _end_message(self) -> None:
        if self._message:
            if not self._message.endswith(self._end):
                self._message += self._end
            self._events.append((self._at_us, bytes(self._message)))
            self._message.clear()

    def _take_text(self, data: bytes) -> None:
        """Hand whole lines on, cut at EVENT_BYTES, and keep the rest."""
        line = self._line
        if line:
            first = data.find(b"\n") + 1
            line += data[:first] if first else data
            if len(line) > EVENT_BYTES:
                self._tell_lines(bytes(line[:EVENT_BYTES]) + b"\n")
                del line[:EVENT_BYTES]
            if not first:
                return
            data = bytes(line) + data[first:]
            line.clear()
        end = data.rfind(b"\n") + 1
        if end:
            self._tell_lines(data[:end])
        if end < len(data):
            line += data[end:]

    def _tell_lines(self, lines: bytes) -> None:
        """Hand whole lines on: as one piece, if no record stands before them."""
        while b"\n\n" in lines:  # each time half of them at most
            lines = lines.replace(b"\n\n", b"\n")
        lines = lines.removeprefix(b"\n")
        if self._events:
            self._events += [(None, line + b"\n") for line in lines.split(b"\n")[:-1]]
        elif lines:
            self._log.guest_lines(lines)

    def _tell_events(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self._log.guest_events(events)


def _begun_bytes(data: bytes, at: int) -> int:
    """How many bytes at the end, from `at` on, a frame can begin with whose type is not whole."""
    for size in range(min(len(_MARK), len(data) - at), 0, -1):
        if data.endswith(_MARK[:size]):
            return size
    return 0
