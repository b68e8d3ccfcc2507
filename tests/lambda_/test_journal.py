"""The log of one environment: times, and the tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lambent.core.clock import FakeClock
from lambent.lambda_.environment.journal import TAIL_BYTES, Journal

NOW_S = 1_764_000_000.0
NOW_MS = int(NOW_S * 1000)


class Sink:
    """A log sink that remembers times and messages."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, str | bytes]] = []
        self.lost = (0, 0)

    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str | bytes]) -> None:
        del group, stream
        self.kept += [(timestamp_ms, message) for message in messages]

    def append_output(self, group: str, stream: str, timestamp_ms: int, lines: bytes) -> None:
        self.append(group, stream, timestamp_ms, [lines])

    def full(self) -> bool:
        return False

    def when_room(self, resume: Callable[[], None]) -> None:
        resume()

    def count_lost(self, events: int, size_bytes: int) -> None:
        self.lost = (events, size_bytes)


def journal(limit_bytes: int = 1 << 20) -> tuple[Journal, Sink, FakeClock]:
    sink, clock = Sink(), FakeClock(NOW_S)
    return Journal(sink, "g", "s", limit_bytes, clock), sink, clock


def test_the_time_that_a_guest_claims_counts_between_that_of_the_event_before_and_now():
    kept, sink, clock = journal()
    kept.write(kept.now_ms(), ["START\n"])
    clock.advance(5)
    claims_us = [0, (NOW_MS + 2000) * 1000, (NOW_MS + 1000) * 1000, 2**64 - 1, (NOW_MS + 3000) * 1000, None]
    for claim in claims_us:
        kept.guest_events([(claim, b"r")])
    kept.guest_lines(b"printed\n")
    kept.guest_events([((NOW_MS + 4000) * 1000, b"r")])
    wanted_ms = [0, 0, 2000, 2000, 5000, 5000, 5000, 5000, 5000]
    assert [when_ms - NOW_MS for when_ms, _ in sink.kept] == wanted_ms


def test_a_record_is_of_the_tail_and_of_what_an_invocation_may_log_like_any_line():
    kept, sink, _ = journal(limit_bytes=100)
    kept.begin(tail=True)
    kept.guest_lines(b"one\n")
    kept.guest_events([(None, b"two\r\nthree")])
    kept.write(kept.now_ms(), ["END\n"])
    assert kept.tail() == b"one\ntwo\r\nthreeEND\n"
    kept.guest_events([(None, b"x" * 100)])
    kept.guest_events([(None, b"y" * 50)])
    kept.guest_lines(b"z\nz\n")
    assert kept.take_lost() == (3, 54)
    assert sink.lost == (3, 54)
    assert [message for _, message in sink.kept][-1] == b"x" * 100


def test_the_tail_of_a_large_record_is_its_end():
    kept, _, _ = journal()
    kept.begin(tail=True)
    kept.guest_events([(None, b"a" * 10_000 + b"b" * TAIL_BYTES)])
    assert kept.tail() == b"b" * TAIL_BYTES
