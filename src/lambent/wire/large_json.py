"""JSON bodies of many megabytes, decoded in small steps: what a package is uploaded in.

Decoding 70 MB at once holds the interpreter for a tenth of a second, in a thread as well. Nearly all of such a body is one
string in base64. So long strings are found where they stand, by their lack of quotes, and are left there; the rest, which is
small, is decoded as ever with a mark in the place of each. A `LargeText` then gives its text or its bytes piece by piece. All
of this runs in a thread, and between pieces the interpreter goes to whoever waits for it.

A body whose rest is larger than REST_MAX_BYTES is refused, and so is one in which a long string has escapes other than those
that base64 is written with (`\\/`, and line breaks): no request of AWS's has either.
"""

from __future__ import annotations

import binascii
import io
import select
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from lambent.wire.faults import SerializationException

LARGE_BODY_BYTES: Final = 1024 * 1024  # from here on a body is read in steps
WINDOW_BYTES: Final = 32 * 1024  # a string that fills one of these without a quote is a long one
PIECE_BYTES: Final = 256 * 1024  # of base64: a third of a millisecond
REST_MAX_BYTES: Final = 1024 * 1024
MARK: Final = "lambent: long string {number}"
ESCAPES: Final = ((b"\\/", b"/"), (b"\\r", b""), (b"\\n", b""))
QUOTE: Final = b'"'


class LargeText:
    """A long string of a body, still as it is written there."""

    __slots__ = ("_body", "_end", "_start")

    def __init__(self, body: bytes, start: int, end: int) -> None:
        self._body = body
        self._start = start
        self._end = end

    def text(self) -> str:
        """The whole of it. Raises SerializationException."""
        try:
            return msgspec.json.decode(b'"' + self._body[self._start : self._end] + b'"', type=str)
        except msgspec.DecodeError as error:
            raise SerializationException(reason=f"Could not parse request body into json: {error}") from None

    def beginning(self) -> str:
        """Its first characters, for a sentence about it."""
        return self._body[self._start : self._start + 64].decode("utf-8", "replace")

    def blob(self) -> bytes:
        """What it says in base64, line breaks forgiven. Raises ValueError."""
        content = io.BytesIO()
        rest, ended = b"", False
        for piece in self._pieces():
            if ended:
                raise ValueError("there is something behind the padding")
            whole = rest + piece
            size = len(whole) // 4 * 4
            content.write(binascii.a2b_base64(whole[:size], strict_mode=True))
            rest, ended = whole[size:], whole[:size].endswith(b"=")
            let_others_run()
        if rest:
            raise ValueError("it ends in the middle of a group")
        return content.getvalue()  # which copies nothing: the bytes are the buffer's own

    def _pieces(self) -> Iterator[bytes]:
        """Its characters without escapes."""
        start = self._start
        while start < self._end:
            end = min(start + PIECE_BYTES, self._end)
            if end < self._end and self._body[end - 1 : end] == b"\\":
                end += 1
            piece = self._body[start:end]
            start = end
            if b"\\" in piece:
                for written, meant in ESCAPES:
                    piece = piece.replace(written, meant)
            if piece:
                yield piece


def decode_large(body: bytes) -> Any:
    """Decode a body of any size, with each long string as a `LargeText`; runs in a thread. Raises SerializationException."""
    texts: list[LargeText] = []
    rest, last = io.BytesIO(), 0
    for start, end in _long_strings(body):
        rest.write(body[last:start])
        rest.write(MARK.format(number=len(texts)).encode())
        texts.append(LargeText(body, start, end))
        last = end
        _check_size(rest)
    rest.write(memoryview(body)[last : last + REST_MAX_BYTES + 1])
    _check_size(rest)
    try:
        decoded = msgspec.json.decode(rest.getvalue())
    except (msgspec.DecodeError, ValueError) as error:
        raise SerializationException(reason=f"Could not parse request body into json: {error}") from None
    marks = {MARK.format(number=number): text for number, text in enumerate(texts)}
    decoded = _with(marks, decoded)
    if marks:
        raise SerializationException(reason="Could not parse request body into json: a long string is malformed")
    return decoded


def read_large_blob(text: LargeText) -> bytes:
    """Base64 to bytes. Raises SerializationException."""
    try:
        return text.blob()
    except ValueError:
        raise SerializationException(reason=f"{text.beginning()!r} can not be converted to Blob") from None


def let_others_run() -> None:
    """Give the interpreter to whoever waits for it, now rather than after the five milliseconds that a thread may keep it."""
    select.select((), (), (), 0)


def _long_strings(body: bytes) -> Iterator[tuple[int, int]]:
    """Where more than a window of bytes stands between two quotes: the first of them, and the quote behind them.

    Such a gap crosses the end of a window, so only the first and the last quote of each window are looked for.
    """
    last = -1
    for at in range(0, len(body), WINDOW_BYTES):
        first = body.find(QUOTE, at, at + WINDOW_BYTES)
        if first < 0:
            continue
        if last >= 0 and first - last > WINDOW_BYTES:
            yield last + 1, first
        last = body.rfind(QUOTE, first, at + WINDOW_BYTES)


def _check_size(rest: io.BytesIO) -> None:
    if rest.tell() > REST_MAX_BYTES:
        raise SerializationException(reason=f"There are more than {REST_MAX_BYTES} bytes beside the package")


def _with(marks: dict[str, LargeText], value: Any) -> Any:
    """The value with the long strings in their places; each that is placed is taken out of `marks`."""
    if isinstance(value, str):
        return marks.pop(value, value)
    if isinstance(value, dict):
        return {key: _with(marks, item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_with(marks, item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
