"""Why a text is no JSON, in the words of the parser that AWS uses: Jackson, whose sentences users see and search for.

    Unrecognized token 'test': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')
     at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 5]

Our own parser has refused the text; this one reads it again to say why, token by token as Jackson does, and so only
where a request has failed already. It looks at EXAMINED_BYTES and EXAMINED_TOKENS at most; a fault behind them, or one that
Jackson would not see (it takes UTF-16, and half a surrogate pair), keeps the other parser's reason.

Locations count bytes from 1. For one character that is wrong they name it, otherwise what follows the last one read. Sources:
two sentences and their columns recorded from AWS; all others as users of Jackson 2.16 and later paste them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple, NoReturn

EXAMINED_BYTES: Final = 65_536
EXAMINED_TOKENS: Final = 2_000  # about two milliseconds of a processor
DEPTH_MAX: Final = 1_000  # of arrays and objects; Jackson's own limit
TOKEN_MAX_CHARACTERS: Final = 256  # that a sentence quotes

SOURCE: Final = (
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
)
VALUES: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
NON_NUMERIC: Final = "Non-standard token '{word}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
TRAILING: Final = (
    "Trailing token (of type {type}) found after value (bound as `com.fasterxml.jackson.databind.JsonNode`): "
    "not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`"
)
TOO_DEEP: Final = (
    f"Document nesting depth ({DEPTH_MAX + 1}) exceeds the maximum allowed ({DEPTH_MAX}, from "
    "`StreamReadConstraints.getMaxNestingDepth()`)"
)

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_GOOD: Final = re.compile(  # of a string: letters and escapes
    rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'
)
_DIGITS: Final = re.compile(rb"[0-9]*")
_KEYWORDS: Final = {0x74: b"true", 0x66: b"false", 0x6E: b"null"}
_SPACES: Final = b" \t\r\n"
_START: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Sc", "Pc"})  # Character.isJavaIdentifierStart
_PART: Final = _START | {"Nd", "Mn", "Mc", "Cf"}


class _Fault(Exception):
    """Jackson's sentence, and where it is so. `at_end_of_row`: the byte before is a newline that does not count."""

    def __init__(self, sentence: str, at: int, *, at_end_of_row: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.at = at
        self.rows = at - at_end_of_row


class _BeyondLimits(Exception):
    """The fault is not within what is looked at."""


class _Scope(NamedTuple):
    """An array or an object that is open, or what is around all of them."""

    kind: str  # "Array", "Object", "root"
    start: int


def reason(text: bytes, otherwise: str) -> str:
    """The sentence with its location; `otherwise` where none is found."""
    try:
        _Reader(text).read()
    except _Fault as fault:
        return f"{fault.sentence}\n at {_location(text, fault.at, fault.rows)}"
    except _BeyondLimits:
        pass
    return otherwise


def nested_too_deeply(text: bytes) -> str:
    """The sentence for a text on which the other parser gave up; at its end, as nobody knows where."""
    return reason(text, f"{TOO_DEEP}\n at {_location(text[:EXAMINED_BYTES], min(len(text), EXAMINED_BYTES))}")


def _location(text: bytes, at: int, rows: int | None = None) -> str:
    """The location behind `at` bytes, the first `rows` of which have the newlines that count; None: all."""
    until = at if rows is None else rows
    line = 1 + text.count(b"\n", 0, until) + text.count(b"\r", 0, until) - text.count(b"\r\n", 0, until)
    row_start = 1 + max(text.rfind(b"\n", 0, until), text.rfind(b"\r", 0, until))
    return SOURCE.format(line=line, column=at - row_start + 1)


class _Reader:
    """Reads tokens until one is wrong; `_at` is the first byte that has not been read."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._end = min(len(text), EXAMINED_BYTES)
        self._cut = len(text) > EXAMINED_BYTES
        self._at = 0
        self._scopes = [_Scope("root", -1)]
        self._counts = [0]  # of values in each scope

    def read(self) -> None:
        """Read the whole text. Raises _Fault, _BeyondLimits."""
        tokens = 0
        while True:
            tokens += 1
            if tokens > EXAMINED_TOKENS:
                raise _BeyondLimits
            scope = self._scopes[-1]
            char = self._skip_space()
            if char is None:
                if scope.kind == "root":
                    return
                start = _location(self._text, scope.start)
                self._fail(f"Unexpected end-of-input: expected close marker for {scope.kind} (start marker at {start})")
            if char in b"]}":
                self._close(char)
            else:
                self._entry(scope, char)

    def _entry(self, scope: _Scope, char: int) -> None:
        """Read a value, with its name in an object, and the comma before it."""
        count = self._counts[-1]
        self._counts[-1] += 1
        if count and scope.kind != "root":
            if char != 0x2C:
                self._unexpected(char, f"was expecting comma to separate {scope.kind} entries")
            char = self._next(scope)
        if scope.kind == "Object":
            self._name(char)
            char = self._next(scope)
            if char != 0x3A:
                self._unexpected(char, "was expecting a colon to separate field name and value")
            char = self._next(scope)
        kind = self._value(char, scope)
        if count and scope.kind == "root":
            raise _Fault(TRAILING.format(type=kind), self._at - 1)

    def _close(self, char: int) -> None:
        scope = self._scopes[-1]
        if scope.kind != ("Array" if char == 0x5D else "Object"):
            start = _location(self._text, scope.start) if scope.start >= 0 else SOURCE.format(line=1, column=0)
            expected = "}" if char == 0x5D else "]"
            sentence = (
                f"Unexpected close marker '{chr(char)}': expected '{expected}' (for {scope.kind} starting at {start})"
            )
            raise _Fault(sentence, self._at - 1)
        self._scopes.pop()
        self._counts.pop()

    def _open(self, kind: str) -> None:
        self._scopes.append(_Scope(kind, self._at - 1))
        self._counts.append(0)
        if len(self._scopes) > DEPTH_MAX + 1:
            self._fail(TOO_DEEP)

    def _value(self, char: int, scope: _Scope) -> str:
        """Read a value, or the beginning of one; return Jackson's name of the token."""
        match char:
            case 0x22:
                self._string("string value", " in VALUE_STRING")
                return "VALUE_STRING"
            case 0x5B:
                self._open("Array")
                return "START_ARRAY"
            case 0x7B:
                self._open("Object")
                return "START_OBJECT"
            case 0x74 | 0x66 | 0x6E:
                self._match(_KEYWORDS[char])
                return f"VALUE_{_KEYWORDS[char].decode().upper()}"
            case 0x2D:
                return self._negative(scope)
            case _ if 0x30 <= char <= 0x39:
                return self._number(char, scope)
            case _:
                return self._no_value(char, scope)

    def _no_value(self, char: int, scope: _Scope) -> NoReturn:
        if char in b",}" or (char == 0x5D and scope.kind == "Array"):
            self._unexpected(char, "expected a value")
        for first, word in ((0x4E, b"NaN"), (0x49, b"Infinity")):
            if char == first:
                self._match(word)
                self._fail(NON_NUMERIC.format(word=word.decode()))
        if unicodedata.category(chr(char)) in _START:
            self._unrecognized(chr(char))
        self._unexpected(char, f"expected a valid value {VALUES}")

    def _match(self, word: bytes) -> None:
        """Read the rest of a word whose first letter was read."""
        for index in range(1, len(word)):
            if self._peek() != word[index]:
                self._unrecognized(word[:index].decode())
            self._at += 1
        following = self._peek()
        if following is not None and following >= 0x30 and following not in b"]}":
            before = self._at
            self._at += 1
            is_part = _is_part(self._decoded(following))
            self._at = before
            if is_part:
                self._unrecognized(word.decode())

    def _unrecognized(self, token: str) -> NoReturn:
        letter = ""
        while (char := self._peek()) is not None:
            self._at += 1
            letter = self._decoded(char)
            if not _is_part(letter):
                break
            token += letter
            if len(token) >= TOKEN_MAX_CHARACTERS:
                token += "..."
                break
        sentence = f"Unrecognized token '{token}': was expecting {VALUES}"
        raise _Fault(sentence, self._at, at_end_of_row=letter in ("\n", "\r"))

    def _negative(self, scope: _Scope) -> str:
        char = self._peek()
        if char is None:
            self._fail("Unexpected end-of-input in a Number value")
        self._at += 1
        if char == 0x49:
            self._match(b"Infinity")
            self._fail(NON_NUMERIC.format(word="-Infinity"))
        if not 0x30 <= char <= 0x39:
            self._unexpected_in_number(char, "expected digit (0-9) to follow minus sign, for valid numeric value")
        return self._number(char, scope)

    def _number(self, first: int, scope: _Scope) -> str:
        digits = self._skip(_DIGITS)
        if first == 0x30 and digits:
            raise _Fault("Invalid numeric value: Leading zeroes not allowed", self._at - digits)
        kind = "VALUE_NUMBER_INT"
        if self._peek() == 0x2E:
            self._at += 1
            kind = "VALUE_NUMBER_FLOAT"
            if not self._skip(_DIGITS):
                self._no_digit(0x2E, "Decimal point not followed by a digit")
        if (mark := self._peek()) in (0x65, 0x45):
            self._at += 1
            kind = "VALUE_NUMBER_FLOAT"
            if self._peek() in (0x2B, 0x2D):
                self._at += 1
            if not self._skip(_DIGITS):
                self._no_digit(mark, "Exponent indicator not followed by a digit")
        following = self._peek()
        if scope.kind == "root" and following is not None and following not in _SPACES:
            self._at += 1
            self._unexpected(following, "Expected space separating root-level values")
        return kind

    def _no_digit(self, mark: int, comment: str) -> NoReturn:
        char = self._peek()
        if char is not None:
            self._at += 1
        self._unexpected_in_number(mark if char is None else char, comment)

    def _name(self, char: int) -> None:
        if char != 0x22:
            letter = self._decoded(char)
            raise _Fault(
                f"Unexpected character ({_described(ord(letter))}): was expecting double-quote to start field name",
                self._at - 1,
            )
        self._string("name", ": was expecting closing '\"' for name")

    def _string(self, what: str, ended: str) -> None:
        """Read a string whose quote was read."""
        start = self._at
        self._skip(_GOOD)
        self._check_utf8(start)
        char = self._peek()
        if char is None:
            self._fail(f"Unexpected end-of-input{ended}")
        self._at += 1
        if char == 0x5C:
            self._bad_escape()
        if char != 0x22:
            sentence = f"Illegal unquoted character ({_described(char)}): has to be escaped using backslash"
            raise _Fault(f"{sentence} to be included in {what}", self._at - 1)

    def _bad_escape(self) -> NoReturn:
        char = self._read_escape()
        if char != 0x75:
            letter = self._decoded(char)
            raise _Fault(f"Unrecognized character escape {_described(ord(letter))}", self._at - 1)
        while (digit := self._read_escape()) in b"0123456789abcdefABCDEF":
            pass
        self._unexpected(digit, "expected a hex-digit for character escape sequence")

    def _read_escape(self) -> int:
        char = self._peek()
        if char is None:
            self._fail("Unexpected end-of-input in character escape sequence")
        self._at += 1
        return char

    def _check_utf8(self, start: int) -> None:
        """Check what was read since `start`; a character that the end of what is looked at cuts is none of ours."""
        try:
            self._text[start : self._at].decode()
        except UnicodeDecodeError as error:
            self._at = start + error.start + 1
            _ = self._decoded(self._text[self._at - 1])
            raise _BeyondLimits from None  # Jackson would take it

    def _decoded(self, first: int) -> str:
        """The character that begins with a byte that was read."""
        if first < 0x80:
            return chr(first)
        if first & 0xE0 == 0xC0:
            code, needed = first & 0x1F, 1
        elif first & 0xF0 == 0xE0:
            code, needed = first & 0x0F, 2
        elif first & 0xF8 == 0xF0:
            code, needed = first & 0x07, 3
        else:
            self._fail(f"Invalid UTF-8 start byte 0x{first:x}")
        for _ in range(needed):
            char = self._peek()
            if char is None:
                self._fail("Unexpected end-of-input in a value")
            self._at += 1
            if char & 0xC0 != 0x80:
                self._fail(f"Invalid UTF-8 middle byte 0x{char:x}")
            code = code << 6 | char & 0x3F
        return chr(code & 0xFFFF)  # a char of Java's has 16 bits

    def _peek(self) -> int | None:
        """The next byte; None: the text ends here. Raises _BeyondLimits where only what is looked at ends."""
        if self._at < self._end:
            return self._text[self._at]
        if self._cut:
            raise _BeyondLimits
        return None

    def _skip(self, letters: re.Pattern[bytes]) -> int:
        """Read as many bytes as the pattern takes, also none; return their number."""
        found = letters.match(self._text, self._at, self._end)
        count = len(found[0]) if found else 0
        self._at += count
        return count

    def _skip_space(self) -> int | None:
        """Read up to the first byte of the next token, and that; None: there is none."""
        self._skip(_SPACE)
        char = self._peek()
        if char is None:
            return None
        self._at += 1
        if char < 0x20:
            sentence = f"Illegal character ({_described(char)}): only regular white space (\\r, \\n, \\t) is allowed"
            raise _Fault(f"{sentence} between tokens", self._at - 1)
        if char == 0x2F:
            feature = "Feature 'ALLOW_COMMENTS' not enabled for parser"
            self._unexpected(char, f"maybe a (non-standard) comment? (not recognized as one since {feature})")
        return char

    def _next(self, scope: _Scope) -> int:
        """The first byte of a token that must come."""
        char = self._skip_space()
        if char is None:
            self._fail(f"Unexpected end-of-input within/between {scope.kind} entries")
        return char

    def _fail(self, sentence: str) -> NoReturn:
        raise _Fault(sentence, self._at)

    def _unexpected(self, char: int, comment: str) -> NoReturn:
        raise _Fault(f"Unexpected character ({_described(char)}): {comment}", self._at - 1)

    def _unexpected_in_number(self, char: int, comment: str) -> NoReturn:
        raise _Fault(f"Unexpected character ({_described(char)}) in numeric value: {comment}", self._at - 1)


def _described(code: int) -> str:
    """A character as Jackson shows it."""
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return f"(CTRL-CHAR, code {code})"
    shown = chr(code) if not 0xD800 <= code <= 0xDFFF else "?"
    return f"'{shown}' (code {code} / 0x{code:x})" if code > 0xFF else f"'{shown}' (code {code})"


def _is_part(letter: str) -> bool:
    """Character.isJavaIdentifierPart, with the control characters that it ignores."""
    code = ord(letter)
    return unicodedata.category(letter) in _PART or code <= 8 or 0x0E <= code <= 0x1B or 0x7F <= code <= 0x9F
