"""Lines and records in what a guest writes: what becomes an event, and what wrong frames can do."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from lambent.lambda_.environment.output import READ_BYTES
from lambent.lambda_.environment.splitter import EVENT_BYTES, FRAME_BYTES, Event, Splitter

TEXT, JSON, UNTIMED = 0xA55A0003, 0xA55A0002, 0xA55A0001
ERROR = 0x14
AT_US = 1_764_000_000_000_000
GARBAGE = b"\xa5\x5a\x00"


class Events:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.times_us: list[int | None] = []
        self.calls = 0

    def guest_lines(self, lines: bytes) -> None:
        self.calls += 1
        self.events += [line + b"\n" for line in lines.split(b"\n")[:-1]]

    def guest_events(self, events: Sequence[Event]) -> None:
        assert events
        self.calls += 1
        self.events += [text for _, text in events]
        self.times_us += [at_us for at_us, _ in events]


def frame(message: bytes, kind: int = TEXT, size: int | None = None, at_us: int = AT_US) -> bytes:
    head = kind.to_bytes(4, "big") + (len(message) if size is None else size).to_bytes(4, "big")
    return head + (b"" if kind == UNTIMED else at_us.to_bytes(8, "big")) + message


def events(*reads: bytes, framed: bool = True) -> list[bytes]:
    log = Events()
    splitter = Splitter(log, framed=framed)
    for read in reads:
        splitter.feed(read)
    splitter.end()
    return log.events


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_line_ends_at_a_newline_only_and_an_empty_line_is_no_event():
    text = b"\n\none\n\ntwo\rthree\r\n\n\n\n \nfour\n\n"
    wanted = [b"one\n", b"two\rthree\r\n", b" \n", b"four\n"]
    for framed in (True, False):
        for size in (1, 2, 3, 7, len(text)):
            assert events(*pieces(text, size), framed=framed) == wanted


def test_a_record_is_one_event_with_its_newlines_and_its_time():
    log = Events()
    Splitter(log, framed=True).feed(frame(b"one\ntwo\n\nthree\n") + frame(b"four", kind=UNTIMED))
    assert log.events == [b"one\ntwo\n\nthree\n", b"four"]
    assert log.times_us == [AT_US, None]


def test_records_of_every_level_are_events_and_those_of_json_end_with_a_newline():
    levels = range(0, 0x1C, 4)
    said = b"".join(frame(b"%d" % level, kind | level) for kind in (TEXT, JSON) for level in levels)
    text, json = [b"%d" % level for level in levels], [b"%d\n" % level for level in levels]
    assert events(said) == text + json
    assert events(frame(b'{"a": 1}\n', JSON | ERROR)) == [b'{"a": 1}\n']


def test_lines_and_records_stand_in_the_order_in_which_they_were_written_however_they_are_read():
    said = (
        b"printed\n" + frame(b"logged\nin two lines") + b"half " + frame(b"between", JSON) + b"a line\n"
        + frame(b"") + frame(b"x" * 100 + GARBAGE) + frame(b"old\n", UNTIMED) + "ends with å".encode()
    )  # fmt: skip
    wanted = [
        b"printed\n", b"logged\nin two lines", b"between\n", b"half a line\n", b"x" * 100 + GARBAGE, b"old\n",
        "ends with å".encode(),
    ]  # fmt: skip
    for size in range(1, len(said) + 1):
        assert events(*pieces(said, size)) == wanted


def test_what_is_no_frame_is_text():
    for wrong in (
        GARBAGE + b"\x04 no type\n",
        GARBAGE + b"\xff\n",
        b"\xa5\x5a\xa5\x5a\n",
        frame(b"too long to be one\n", size=FRAME_BYTES + 1),
        frame(b"much too long\n", size=0xFFFFFFFF),
    ):
        for size in (1, 5, len(wrong)):
            assert b"".join(events(*pieces(wrong, size))) == wrong
    assert events(GARBAGE * 3 + frame(b"heard") + b"\xa5\n") == [b"heard", GARBAGE * 3 + b"\xa5\n"]
    assert events(frame(b"a frame"), framed=False) == [frame(b"a frame")]  # of a runtime that writes none


def test_half_a_frame_ends_with_the_invocation_and_what_comes_of_it_later_is_text():
    for cut in range(1, 30):
        whole = frame(b"half a message")
        log = Events()
        splitter = Splitter(log, framed=True)
        splitter.feed(whole[:cut])
        splitter.end()
        before = list(log.events)
        splitter.feed(b"\nprinted\n" + frame(b"logged"))
        assert log.events[len(before) :] == [b"printed\n", b"logged"]
        assert b"".join(before) == whole[16:cut] if cut >= 16 else b"".join(before) == whole[:cut]


def test_what_is_longer_than_an_event_is_several():
    read = b"z" * READ_BYTES
    count = EVENT_BYTES // READ_BYTES
    record = frame(read * count + b"end\n")
    assert [len(event) for event in events(*pieces(record, READ_BYTES))] == [EVENT_BYTES, 4]
    assert [len(event) for event in events(*[read] * count, b"zz\n", b"next\n")] == [EVENT_BYTES + 1, 3, 5]


@pytest.mark.parametrize("seed", range(20))
def test_no_garbage_costs_more_memory_than_two_events_or_makes_an_event_that_is_too_large(seed: int):
    random_ = random.Random(seed)
    parts = [
        GARBAGE, b"\n", frame(b"", size=FRAME_BYTES), frame(b"", size=3), frame(b"m" * 5000), b"t" * 4000, b"\xa5",
        frame(b"", UNTIMED), random_.randbytes(50),
    ]  # fmt: skip
    log = Events()
    splitter = Splitter(log, framed=True)
    for _ in range(300):
        splitter.feed(b"".join(random_.choices(parts, k=20))[:READ_BYTES])
        assert kept_bytes(splitter) <= 2 * EVENT_BYTES + 16
        if random_.random() < 0.05:
            splitter.end()
            assert kept_bytes(splitter) == 0
    assert max(map(len, log.events)) <= EVENT_BYTES + 1


def kept_bytes(splitter: Splitter) -> int:
    return sum(len(getattr(splitter, name)) for name in ("_line", "_head", "_message"))


def test_a_flood_of_newlines_is_nothing_and_what_one_read_has_is_told_in_two_pieces_at_most():
    assert events(b"\n" * READ_BYTES, b"\n" * READ_BYTES) == []
    said = frame(b"", UNTIMED) * 10_000 + (b"l\n" + frame(b"r", UNTIMED) + b"m\nn\n") * 1000
    log = Events()
    splitter = Splitter(log, framed=True)
    reads = pieces(said, READ_BYTES)
    for read in reads:
        splitter.feed(read)
    assert log.events == [b"l\n", b"r", b"m\n", b"n\n"] * 1000
    assert log.calls <= 2 * len(reads)
