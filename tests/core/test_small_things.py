"""Clock, ids, ARNs and pages."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.arn import Arn, InvalidArn
from lambent.core.clock import Clock, FakeClock
from lambent.core.ids import Ids, SeededIds
from lambent.core.paging import InvalidMarker, key_of, marker, page

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def test_sleepers_wake_when_their_time_has_come_and_not_before() -> None:
    clock, woken = FakeClock(), list[str]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 3600), ("early", 60), ("at once", 0)):
            group.create_task(sleeper(name, seconds))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert woken == ["at once"]
        clock.advance(59.9)
        await asyncio.sleep(0)
        assert woken == ["at once"]
        clock.advance(3600)
    assert woken == ["at once", "early", "late"]


async def test_a_sleeper_that_was_cancelled_is_passed_over() -> None:
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(clock.sleep(5))
        await asyncio.sleep(0)
        task.cancel()
    clock.advance(10)


def test_both_times_of_a_fake_clock_move_together_and_never_back() -> None:
    clock = FakeClock(now=100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, 2.5)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_the_machines_clock_knows_the_century() -> None:
    assert Clock().now() > 1_700_000_000
    assert Clock().monotonic() <= Clock().monotonic()


@pytest.mark.parametrize("ids", [Ids(), SeededIds(7)])
def test_identifiers_have_their_form(ids: Ids) -> None:
    assert UUID4.fullmatch(ids.uuid())
    assert re.fullmatch("[0-9a-f]{7}", ids.hex(7))
    assert re.fullmatch("[A-Z2-7]{17}", ids.letters(17))


def test_seeded_identifiers_repeat_themselves_and_others_do_not() -> None:
    assert SeededIds(1).uuid() == SeededIds(1).uuid() != SeededIds(2).uuid()
    assert Ids().uuid() != Ids().uuid()


def test_letters_of_an_alphabet_that_would_be_unfair_are_refused() -> None:
    with pytest.raises(ValueError, match="divide"):
        Ids().letters(3, "abc")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("arn:aws:lambda:eu-north-1:123456789012:function:f:1", "function", "f:1"),
        ("arn:aws:iam::123456789012:role/path/r", "role", "path/r"),
        ("arn:aws:s3:::bucket", "", "bucket"),
        ("arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/lambda/f:*", "log-group", "/aws/lambda/f:*"),
    ],
)
def test_an_arn_is_read_and_written_the_same(text: str, kind: str, name: str) -> None:
    arn = Arn.parse(text)
    assert str(arn) == text
    assert (arn.resource_type, arn.resource_id) == (kind, name)


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:lambda:eu-north-1:1", "urn:aws:a:b:c:d", "arn::a:b:c:d", "arn:aws:a:b:c:"]
)
def test_what_is_no_arn_is_refused(text: str) -> None:
    with pytest.raises(InvalidArn):
        Arn.parse(text)


def test_pages_walk_the_whole_list_once() -> None:
    rows, seen, after = [f"f{number:02}" for number in range(11)], list[str](), ""
    for _ in range(4):
        shown = page((row for row in rows if row > after), size=3, scope="ListFunctions", key=str)
        seen += shown.items
        if shown.marker is None:
            break
        after = key_of("ListFunctions", shown.marker)
    assert seen == rows


def test_the_last_page_has_no_marker_even_when_it_is_full() -> None:
    assert page(["a", "b"], size=2, scope="s", key=str).marker is None


@given(st.text(), st.text())
def test_a_marker_is_read_back_by_its_own_list_only(key: str, scope: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        return
    assert key_of("one", marker("one", key)) == key
    with pytest.raises(InvalidMarker):
        key_of("another", marker("one", key))


@given(st.text(max_size=40))
def test_a_marker_that_we_did_not_make_is_refused(text: str) -> None:
    with pytest.raises(InvalidMarker):
        key_of("ListFunctions", text)
