"""The buffer of log events: shares, turns, and who waits."""

from __future__ import annotations

from lambent.services.logs.buffer import Append, Buffer, Share, StreamName, append_of, guest_append
from lambent.services.logs.groups import Place

MIB = 1 << 20
PLACE = Place("000000000000", "eu-central-1")


def line(text: bytes = b"a line of a guest\n", group: str = "g") -> Append:
    return guest_append(StreamName(PLACE, group, "s"), 1, text)


def fill(buffer: Buffer, share: Share) -> int:
    """Put lines as a guest does, until the share is full; how many."""
    count = 0
    while not buffer.full(share):
        assert buffer.put(share, line(b"x" * 999 + b"\n"))
        count += 1
    return count


def test_one_noisy_function_gets_a_quarter_and_a_new_one_still_has_room():
    buffer = Buffer(16 * MIB)
    noisy = buffer.share("noisy")
    _ = fill(buffer, noisy)
    assert 3.9 * MIB < noisy.size_bytes < 4.1 * MIB
    assert not buffer.full(buffer.share("new"))


def test_however_many_are_noisy_the_bound_holds_and_the_platforms_lines_of_a_new_function_are_kept():
    buffer = Buffer(16 * MIB)
    shares = [buffer.share(name) for name in range(1000)]
    for share in shares:
        _ = fill(buffer, share)
    assert buffer.size_bytes <= 13 * MIB
    new = buffer.share("new")
    assert all(buffer.put(new, append_of(StreamName(PLACE, "g", "s"), 1, ["START\n"])) for _ in range(10))


def test_what_cannot_wait_is_dropped_past_the_bound_and_not_before():
    buffer = Buffer(4 * MIB)
    share = buffer.share("f")
    kept = 0
    while buffer.put(share, line(b"x" * 9_999 + b"\n")):
        kept += 1
    assert 2 * MIB <= buffer.size_bytes <= 2 * MIB + 20_000
    assert kept > 200
    assert buffer.put(buffer.share("another"), line())


def test_a_turn_of_each_comes_before_the_second_turn_of_any():
    buffer = Buffer(16 * MIB)
    noisy, quiet = buffer.share("noisy"), buffer.share("quiet")
    _ = fill(buffer, noisy)
    buffer.put(quiet, line(group="quiet"))
    taken = buffer.take(1)
    assert {append.stream.group for _, append in taken} == {"g"}
    taken = buffer.take(1)
    assert [append.stream.group for _, append in taken] == ["quiet"]


def test_lines_of_a_function_keep_their_order():
    buffer = Buffer(16 * MIB)
    share = buffer.share("f")
    texts = [b"%d\n" % number for number in range(5_000)]
    for text in texts:
        assert buffer.put(share, line(text))
    taken: list[object] = []
    while buffer:
        batch = buffer.take(50_000)
        taken += [append.content for _, append in batch]
        buffer.release(batch)
    assert taken == texts
    assert buffer.size_bytes == 0


def test_who_waits_is_resumed_when_what_fills_the_share_was_written():
    buffer = Buffer(16 * MIB)
    share = buffer.share("f")
    resumed: list[bool] = []
    _ = fill(buffer, share)
    buffer.wait(share, lambda: resumed.append(True))
    batch = buffer.take(MIB // 4)
    assert resumed == []  # taken, but not written
    buffer.release(batch)
    assert resumed == [True]
    buffer.release([])
    assert resumed == [True]


def test_a_read_of_newlines_counts_as_what_its_lines_cost():
    append = line(b"\n" * 8192)
    assert append.events == 8192
    assert append.size_bytes > 8192 * 64


def test_shares_of_functions_that_are_gone_are_forgotten():
    buffer = Buffer(16 * MIB)
    for number in range(1000):
        buffer.put(buffer.share(number), line())
    while buffer:
        buffer.release(buffer.take(MIB))
    assert len(buffer._shares) <= 1  # pyright: ignore[reportPrivateUsage]
