"""The life of an execution environment, with a runtime that the test plays over the real Runtime API."""

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from lambent.core.clock import FakeClock
from lambent.lambda_.environment.environment import Environment, Outcome, environment
from lambent.lambda_.environment.facts import Facts
from lambent.lambda_.environment.life_cycle import State
from lambent.lambda_.environment.reports import JsonLog, PlatformLog, TextLog
from lambent.lambda_.environment.runtime_api import RESPONSE_LIMIT_BYTES, Invocation
from lambent.sandbox.contract import Exit, Sandbox
from tests.lambda_.guest import Client, Guest, guest_allowance
from tests.lambda_.test_splitter import frame

Play = Callable[[Guest], Awaitable[None]]


class Lines:
    """A log sink that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.lost = (0, 0)
        self.is_full = False
        self.waiting: list[Callable[[], None]] = []

    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str | bytes]) -> None:
        assert (group, stream) == ("/aws/lambda/f", "stream")
        self.lines += [text if isinstance(text, str) else text.decode("utf-8", "replace") for text in messages]

    def append_output(self, group: str, stream: str, timestamp_ms: int, lines: bytes) -> None:
        text = lines.decode("utf-8", "replace")
        self.append(group, stream, timestamp_ms, [line + "\n" for line in text.split("\n")[:-1]])

    def full(self) -> bool:
        return self.is_full

    def when_room(self, resume: Callable[[], None]) -> None:
        self.waiting.append(resume)

    def make_room(self) -> None:
        self.is_full = False
        for resume in self.waiting:
            resume()
        self.waiting.clear()

    def count_lost(self, events: int, size_bytes: int) -> None:
        self.lost = (events, size_bytes)


class Stage:
    def __init__(self, made: Environment, lines: Lines, guests: list[Guest], left: list[Guest | None]) -> None:
        self.environment = made
        self.log = lines.lines
        self.sink = lines
        self.guests = guests
        self.left = left  # for each guest, the one whose place it took

    async def invoke(self, event: bytes = b"{}", request_id: str = "r1", *, tail: bool = True) -> Outcome:
        arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
        return await self.environment.invoke(Invocation(request_id, event, 1234, arn, "Root=1-0-0"), tail=tail)

    async def until(self, state: State) -> None:
        while self.environment.state is not state:
            await asyncio.sleep(0.001)


@asynccontextmanager
async def stage(
    *plays: Play,
    timeout_s: float = 5.0,
    init_timeout_s: float = 5.0,
    log: PlatformLog | None = None,
    log_bytes: int = 64 << 20,
    dies: asyncio.Event | None = None,
    framed_log: bool = False,
    extensions: tuple[str, ...] = (),
) -> AsyncIterator[Stage]:
    """An environment past its init phase; each guest that it starts runs the next play, the last one again.

    No guest is gone before `dies` is set, if it is given.
    """
    lines, guests, left = Lines(), list[Guest](), list[Guest | None]()

    async with asyncio.TaskGroup() as tasks:
        plays_running: list[asyncio.Task[None]] = []

        @asynccontextmanager
        async def start(vacated: Sandbox | None) -> AsyncIterator[Guest]:
            assert vacated is None or isinstance(vacated, Guest)
            if vacated is not None:
                assert vacated.vacated
                assert not vacated.killed
                vacated.killed = True
            guest = Guest()
            guest.dies = dies
            play = plays[min(len(guests), len(plays) - 1)]
            guests.append(guest)
            left.append(vacated)

            async def act() -> None:
                with suppress(
                    asyncio.IncompleteReadError, ConnectionError
                ):  # its supervisor hung up: it is being ended
                    await play(guest)

            plays_running.append(tasks.create_task(act()))
            try:
                yield guest
            finally:
                await guest.vacate()

        facts = Facts(
            "$LATEST",
            "python:3.11.v1",
            "arn:aws:lambda:us-east-1::runtime:11",
            128,
            0.07,
            "/aws/lambda/f",
            "stream",
            timeout_s,
            init_timeout_s,
            log_bytes=log_bytes,
            framed_log=framed_log,
            extensions=extensions,
        )
        made = Environment(facts, start, log or TextLog(), lines, FakeClock(), tasks, lambda: None, guest_allowance())
        try:
            async with environment(made):
                yield Stage(made, lines, guests, left)
        finally:
            for play in plays_running:
                play.cancel()
    assert all(guest.killed for guest in guests)


def serving(handle: Callable[[Guest, Client, dict[str, str], bytes], Awaitable[None]]) -> Play:
    """A runtime that asks for events one after the other and does `handle` with each."""

    async def play(guest: Guest) -> None:
        client = await guest.connect()
        while True:
            client.ask_next()
            _, headers, body = await client.answer()
            await handle(guest, client, headers, body)

    return play


async def echo(guest: Guest, client: Client, headers: dict[str, str], body: bytes) -> None:
    guest.print("working\n")
    assert await client.respond(headers["lambda-runtime-aws-request-id"], body) == 202


async def never(_guest: Guest, _client: Client, _headers: dict[str, str], _body: bytes) -> None:
    await asyncio.Event().wait()


async def failed_init(guest: Guest) -> None:
    client = await guest.connect()
    body = json.dumps({"errorMessage": "no", "errorType": "Runtime.ImportModuleError"}).encode()
    await client.call(
        "POST", "/2018-06-01/runtime/init/error", body, Lambda_Runtime_Function_Error_Type="Runtime.ImportModuleError"
    )
    guest.exit(Exit(1, None))


async def test_an_event_goes_in_and_the_answer_and_the_log_come_out():
    async with stage(serving(echo)) as on:
        assert on.environment.state is State.IDLE
        outcome = await on.invoke(b'{"a": 1}')
    assert outcome == Outcome(b'{"a": 1}', None, outcome.log_tail)
    init, start, work, end, report = on.log
    arn = "arn:aws:lambda:us-east-1::runtime:11"
    assert init == f"INIT_START Runtime Version: python:3.11.v1\tRuntime Version ARN: {arn}\n"
    assert start == "START RequestId: r1 Version: $LATEST\n"
    assert work == "working\n"
    assert end == "END RequestId: r1\n"
    assert report.startswith("REPORT RequestId: r1\tDuration: ")
    assert "Memory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: " in report
    assert outcome.log_tail.decode() == "".join(on.log[1:])


async def test_the_runtime_sees_the_headers_of_the_invocation():
    seen = dict[str, str]()

    async def look(_guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        seen.update(headers)
        await client.respond("r1", b"null")

    async with stage(serving(look)) as on:
        await on.environment.invoke(Invocation("r1", b"{}", 99, "arn", "Root=1-2-3", '{"client":{}}'))
    assert seen["lambda-runtime-deadline-ms"] == "99"
    assert seen["lambda-runtime-invoked-function-arn"] == "arn"
    assert seen["lambda-runtime-trace-id"] == "Root=1-2-3"
    assert seen["lambda-runtime-client-context"] == '{"client":{}}'


async def test_a_warm_environment_runs_the_next_event_in_the_same_sandbox_and_reports_no_init():
    async with stage(serving(echo)) as on:
        await on.invoke()
        await on.until(State.IDLE)
        await on.invoke(request_id="r2")
    assert len(on.guests) == 1
    assert "Init Duration" not in on.log[-1]


async def test_a_frozen_environment_is_thawed_for_its_event():
    async with stage(serving(echo)) as on:
        on.environment.freeze()
        assert on.guests[0].frozen
        await on.invoke()
        assert not on.guests[0].frozen


async def test_a_function_that_runs_out_of_time_is_killed_and_the_next_event_starts_it_again():
    async with stage(serving(never), serving(echo), timeout_s=0.05) as on:
        outcome = await on.invoke()
        assert json.loads(outcome.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: r1 Error: Task timed out after 0.05 seconds",
        }
        assert outcome.function_error == "Unhandled"
        assert on.guests[0].vacated
        assert on.environment.state is State.BROKEN
        assert on.log[-1].endswith("Status: timeout\n")
        assert any("r1 Task timed out after 0.05 seconds\n" in line for line in on.log)
        assert (await on.invoke(b"2", "r2")).payload == b"2"


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (Exit(0, None), "Runtime exited without providing a reason"),
        (Exit(1, None), "Runtime exited with error: exit status 1"),
        (Exit(None, 9), "Runtime exited with error: signal: killed"),
        (Exit(None, 9, out_of_memory=True), "Runtime exited with error: signal: killed"),
        (Exit(None, 11), "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_runtime_that_exits_during_an_event_is_reported_as_aws_reports_it(how: Exit, sentence: str):
    async def leave(guest: Guest, _client: Client, _headers: dict[str, str], _body: bytes) -> None:
        guest.print("last words")
        guest.exit(how)
        await asyncio.Event().wait()

    async with stage(serving(leave)) as on:
        outcome = await on.invoke()
    assert json.loads(outcome.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: r1 Error: {sentence}",
    }
    assert "last words" in on.log
    assert f"RequestId: r1 Error: {sentence}\nRuntime.ExitError\n" in on.log
    assert on.log[-1].endswith("Status: error\tError Type: Runtime.ExitError\n")


async def test_a_failed_init_is_tried_once_more_inside_the_first_invocation():
    async with stage(failed_init, serving(echo)) as on:
        assert on.environment.state is State.BROKEN
        assert (await on.invoke(b"1")).payload == b"1"
    assert len(on.guests) == 2
    assert any("INIT_REPORT" in line and "Phase: init\tStatus: error" in line for line in on.log)
    assert "Init Duration" not in on.log[-1]  # a suppressed init is part of the invocation's own duration


async def test_an_init_that_fails_again_gives_the_error_that_the_runtime_named():
    async with stage(failed_init) as on:
        outcome = await on.invoke()
    assert json.loads(outcome.payload)["errorType"] == "Runtime.ImportModuleError"
    assert outcome.function_error == "Unhandled"
    assert len(on.guests) == 2
    assert sum("INIT_REPORT" in line for line in on.log) == 2


@pytest.mark.parametrize("fails", [True, False])
async def test_what_a_reset_logs_stands_before_start(fails: bool):
    async def talk(guest: Guest) -> None:
        guest.print("starting again\n")
        await (failed_init if fails else serving(echo))(guest)

    async with stage(failed_init, talk) as on:
        outcome = await on.invoke()
    lines = outcome.log_tail.decode().splitlines()
    assert lines[0] == "starting again"
    if fails:
        assert "Phase: invoke\tStatus: error" in lines.pop(1)
    assert lines[1].startswith("START RequestId: r1")
    assert [line.split()[0] for line in lines[-2:]] == ["END", "REPORT"]


async def test_an_init_that_takes_too_long_is_given_up_and_tried_in_the_invocation():
    async def hang(_guest: Guest) -> None:
        await asyncio.Event().wait()

    async with stage(hang, serving(echo), init_timeout_s=0.05) as on:
        assert on.environment.state is State.BROKEN
        assert any("Phase: init\tStatus: timeout" in line for line in on.log)
        assert (await on.invoke(b"1")).payload == b"1"


async def test_a_function_error_is_passed_on_with_its_body():
    async def fail(_guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        path = f"/2018-06-01/runtime/invocation/{headers['lambda-runtime-aws-request-id']}/error"
        assert (await client.call("POST", path, b'{"errorMessage":"x"}'))[0] == 202

    async with stage(serving(fail)) as on:
        outcome = await on.invoke()
    assert outcome.payload == b'{"errorMessage":"x"}'
    assert outcome.function_error == "Unhandled"


async def test_an_answer_over_six_megabytes_is_the_invocations_error():
    async def boast(_guest: Guest, client: Client, _headers: dict[str, str], _body: bytes) -> None:
        path = "/2018-06-01/runtime/invocation/r1/response"
        status, _, _ = await client.call("POST", path, b"x" * (RESPONSE_LIMIT_BYTES + 1))
        assert status == 413
        await asyncio.Event().wait()

    async with stage(serving(boast)) as on:
        outcome = await on.invoke()
    assert json.loads(outcome.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


@pytest.mark.parametrize(
    ("path", "refusal"),
    [("invocation/other/response", 400), ("invocation/r1/else", 404), ("init/error", 403), ("invocation", 404)],
)
async def test_what_is_too_large_and_no_answer_of_the_invocation_is_not_its_end(path: str, refusal: int):
    async def confuse(guest: Guest, client: Client, _headers: dict[str, str], _body: bytes) -> None:
        large = await guest.connect()
        status, _, _ = await large.call("POST", f"/2018-06-01/runtime/{path}", b"x" * (RESPONSE_LIMIT_BYTES + 1))
        assert status == refusal
        assert await client.respond("r1", b"2") == 202

    async with stage(serving(confuse)) as on:
        assert (await on.invoke()).payload == b"2"
        await on.until(State.IDLE)


async def test_an_answer_in_chunks_that_outlives_its_invocation_does_not_fail_the_next_one():
    async def overlap(guest: Guest) -> None:
        client, slow = await guest.connect(), await guest.connect()
        client.ask_next()
        await client.answer()
        slow.begin_chunks("/2018-06-01/runtime/invocation/r1/response")
        await slow.send_chunk(b"x" * 100_000)
        assert await client.respond("r1", b"1") == 202
        client.ask_next()
        await client.answer()
        with suppress(ConnectionError):
            for _ in range(RESPONSE_LIMIT_BYTES // 500_000 + 1):
                await slow.send_chunk(b"x" * 500_000)
        status, _, body = await slow.answer()
        assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
        assert await client.respond("r2", b"2") == 202
        client.ask_next()
        await asyncio.Event().wait()

    async with stage(overlap) as on:
        assert (await on.invoke(request_id="r1")).payload == b"1"
        await on.until(State.IDLE)
        assert (await on.invoke(request_id="r2")).payload == b"2"
        await on.until(State.IDLE)


async def test_an_answer_to_another_request_is_refused_and_the_right_one_still_counts():
    async def confuse(_guest: Guest, client: Client, _headers: dict[str, str], _body: bytes) -> None:
        status, _, body = await client.call("POST", "/2018-06-01/runtime/invocation/other/response", b"1")
        assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")
        assert await client.respond("r1", b"2") == 202
        status, _, body = await client.call("POST", "/2018-06-01/runtime/invocation/r1/response", b"3")
        assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")

    async with stage(serving(confuse)) as on:
        assert (await on.invoke()).payload == b"2"
        await on.until(State.IDLE)


async def test_a_second_connection_that_asks_for_the_same_event_is_refused():
    async def greedy(guest: Guest) -> None:
        first, second = await guest.connect(), await guest.connect()
        first.ask_next()
        await asyncio.sleep(0.02)
        status, _, _ = await second.call("GET", "/2018-06-01/runtime/invocation/next")
        assert status == 403
        _, headers, body = await first.answer()
        await first.respond(headers["lambda-runtime-aws-request-id"], body)
        await asyncio.Event().wait()

    async with stage(greedy) as on:
        await asyncio.sleep(0.05)
        assert (await on.invoke(b"7")).payload == b"7"


async def test_a_runtime_that_hangs_up_while_it_waits_gets_the_event_when_it_asks_again():
    async def hang_up(guest: Guest) -> None:
        first = await guest.connect()
        first.ask_next()
        await asyncio.sleep(0.02)
        first.close()
        await asyncio.sleep(0.05)
        await serving(echo)(guest)

    async with stage(hang_up) as on:
        await asyncio.sleep(0.04)
        assert (await on.invoke(b"8")).payload == b"8"


async def test_an_idle_runtime_that_dies_is_started_again_by_the_next_event():
    async with stage(serving(echo)) as on:
        on.guests[0].exit(Exit(1, None))
        await on.until(State.BROKEN)
        assert (await on.invoke(b"9")).payload == b"9"
    assert len(on.guests) == 2


async def test_an_event_ends_at_a_newline_only_and_an_empty_line_is_none():
    async def talk(guest: Guest, client: Client, _headers: dict[str, str], _body: bytes) -> None:
        guest.print("\none\ntwo\rthree\n\n\nfour\n")
        await client.respond("r1", b"null")

    async with stage(serving(talk)) as on:
        outcome = await on.invoke()
    assert on.log[2:6] == ["one\n", "two\rthree\n", "four\n", "END RequestId: r1\n"]
    assert outcome.log_tail.decode() == "".join(on.log[1:])


async def test_what_does_not_end_with_a_newline_is_of_its_own_invocation_and_end_follows_at_once():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        guest.print("whole\nhalf")
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    async with stage(serving(talk)) as on:
        first = await on.invoke(request_id="r1")
        await on.until(State.IDLE)
        outcomes = [first, await on.invoke(request_id="r2")]
    for number, outcome in enumerate(outcomes, 1):
        start, whole, end, report, _ = outcome.log_tail.decode().split("\n")
        assert (start, whole) == (f"START RequestId: r{number} Version: $LATEST", "whole")
        assert end == f"halfEND RequestId: r{number}"
        assert report.startswith("REPORT")


async def test_what_the_init_phase_leaves_without_a_newline_stands_before_start():
    async def talk(guest: Guest) -> None:
        guest.print("at import")
        await serving(echo)(guest)

    async with stage(talk) as on:
        await on.invoke()
    assert [line.split(" Req")[0] for line in on.log[1:3]] == ["at import", "START"]


async def test_what_an_invocation_logs_past_its_bound_is_dropped_told_before_its_end_and_counted():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        for number in range(10):
            guest.print(f"{number}" * 99 + "\n")
            await asyncio.sleep(0.01)
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    async with stage(serving(talk), log_bytes=500) as on:
        await on.invoke(request_id="r1")
        await on.until(State.IDLE)
        await on.invoke(request_id="r2")
        assert on.sink.lost[0] > 0
    first = on.log[on.log.index("START RequestId: r1 Version: $LATEST\n") :][:8]
    assert first[1:5] == [f"{number}" * 99 + "\n" for number in range(4)]
    assert first[5] == (
        "[lambent] 6 lines (600 bytes) were not kept: one invocation may log 500 bytes (log_invocation_bytes)\n"
    )
    assert first[6] == "END RequestId: r1\n"
    second = on.log[on.log.index("START RequestId: r2 Version: $LATEST\n") :]
    assert second[1:5] == first[1:5]


async def test_in_a_json_log_what_was_dropped_is_the_event_that_the_telemetry_api_has_for_it():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        for _ in range(3):
            guest.print("x" * 99 + "\n")
            await asyncio.sleep(0.01)
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    async with stage(serving(talk), log=JsonLog("WARN"), log_bytes=100) as on:
        await on.invoke()
    dropped = json.loads(on.log[1])
    assert dropped["type"] == "platform.logsDropped"
    assert (dropped["record"]["droppedRecords"], dropped["record"]["droppedBytes"]) == (2, 200)


async def test_a_full_log_keeps_neither_the_caller_nor_the_next_invocation_and_loses_nothing():
    async with stage(serving(echo)) as on:
        on.sink.is_full = True
        for number in range(3):
            assert (await on.invoke(request_id=f"r{number}", tail=False)).function_error is None
            await on.until(State.IDLE)
        assert "working\n" not in on.log
        on.sink.make_room()
        for _ in range(100):
            await asyncio.sleep(0.001)
        assert on.log.count("working\n") == 3


async def test_end_waits_for_what_was_written_before_the_answer_and_no_caller_waits_for_end():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        for number in range(500):
            guest.print(f"line {number} {'x' * 90}\n")
        guest.print("unended")
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    async with stage(serving(talk)) as on:
        on.sink.is_full = True
        assert (await on.invoke(tail=False)).function_error is None
        await on.until(State.IDLE)
        assert on.log[-1].startswith("START")
        on.sink.make_room()
        while not on.log[-1].startswith("REPORT"):
            await asyncio.sleep(0.001)
        assert [line.split()[1] for line in on.log[2:502]] == [str(number) for number in range(500)]
        assert on.log[502:504] == ["unended", "END RequestId: r1\n"]


async def test_an_invocation_that_comes_while_a_flood_is_still_read_ends_the_one_before_it():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        guest.print("said\nhalf a ")
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    async with stage(serving(talk)) as on:
        on.sink.is_full = True
        for number in range(3):
            await on.invoke(request_id=f"r{number}", tail=False)
            await on.until(State.IDLE)
        on.sink.make_room()
        while not on.log[-1].startswith("REPORT RequestId: r2"):
            await asyncio.sleep(0.001)
    kinds = [line.split()[0] for line in on.log[1:] if line.split()[0] in ("START", "END", "REPORT")]
    assert kinds == ["START", "END", "REPORT"] * 3
    assert [line for line in on.log if "said" in line] == ["said\n", "half a said\n", "half a said\n"]


async def test_an_invocation_that_reads_the_last_of_a_flood_itself_is_answered():
    async with stage(serving(echo)) as on:
        on.sink.is_full = True
        await on.invoke(request_id="r0", tail=False)
        await on.until(State.IDLE)
        on.sink.make_room()  # what is read from here on is read by the next invocation
        assert (await on.invoke(request_id="r1", tail=False)).function_error is None
        while not on.log[-1].startswith("REPORT RequestId: r1"):
            await asyncio.sleep(0.001)
    assert [line.split()[0] for line in on.log[1:]] == ["START", "working", "END", "REPORT"] * 2


async def test_a_runtime_that_writes_frames_has_its_records_as_events_in_their_order():
    async def talk(guest: Guest, client: Client, headers: dict[str, str], _body: bytes) -> None:
        guest.print("before\n")
        guest.write(frame(b"[ERROR] no\nTraceback (most recent call last):"))
        await client.respond(headers["lambda-runtime-aws-request-id"], b"null")

    for framed, count in ((True, 4), (False, 5)):
        async with stage(serving(talk), framed_log=framed) as on:
            outcome = await on.invoke()
        assert len(on.log[2:]) == count
        assert on.log[2] == "before\n"
        assert b"Traceback (most recent call last):END RequestId: r1\nREPORT" in outcome.log_tail
    assert on.log[-2].startswith("END")


@pytest.mark.parametrize("framed", [False, True])
async def test_an_invocation_that_logs_nothing_costs_one_look_at_the_pipe(
    framed: bool, monkeypatch: pytest.MonkeyPatch
):
    async def quiet(_guest: Guest, client: Client, headers: dict[str, str], body: bytes) -> None:
        await client.respond(headers["lambda-runtime-aws-request-id"], body)

    calls: list[str] = []
    real = os.read, fcntl.ioctl

    def read(fd: int, size: int) -> bytes:
        calls.append("read")
        return real[0](fd, size)

    def ioctl(fd: int, request: int, buffer: bytes) -> bytes:
        calls.append("ioctl")
        return real[1](fd, request, buffer)

    async with stage(serving(quiet), framed_log=framed) as on:
        await on.invoke(tail=False)
        await on.until(State.IDLE)
        monkeypatch.setattr(os, "read", read)
        monkeypatch.setattr(fcntl, "ioctl", ioctl)
        for number in range(10):
            await on.invoke(request_id=f"r{number}", tail=False)
            await on.until(State.IDLE)
            await asyncio.sleep(0)
        monkeypatch.undo()
    assert calls == ["read"] * 10


async def test_extensions_that_are_not_started_are_told_at_the_beginning_of_the_log():
    async with stage(serving(echo), extensions=("agent", "lens")) as on:
        await on.invoke()
    assert on.log[1] == (
        "[lambent] /opt/extensions is not started: agent, lens. "
        "Lambent does not run extensions yet; the function runs without them\n"
    )
    async with stage(serving(echo), extensions=("agent", "lens"), log=JsonLog("WARN")) as on:
        await on.invoke()
    told = [json.loads(line) for line in on.log[:2]]
    assert [event["type"] for event in told] == ["platform.extension"] * 2
    assert [event["record"]["name"] for event in told] == ["agent", "lens"]
    assert told[0]["record"]["errorType"] == "Extension.LaunchError"


async def test_a_caller_who_wants_the_tail_waits_for_the_log_and_gets_it():
    async with stage(serving(echo)) as on:
        on.sink.is_full = True
        asyncio.get_running_loop().call_later(0.05, on.sink.make_room)
        outcome = await on.invoke(tail=True)
        assert b"working\nEND RequestId: r1" in outcome.log_tail
        await on.until(State.IDLE)
        assert (await on.invoke(request_id="r2")).function_error is None


async def test_a_killed_guest_leaves_its_last_words_though_the_log_is_full():
    async def talk(guest: Guest, _client: Client, _headers: dict[str, str], _body: bytes) -> None:
        guest.print("last words")
        await asyncio.Event().wait()

    async with stage(serving(talk), timeout_s=0.1) as on:
        on.sink.is_full = True
        outcome = await on.invoke(tail=False)
        assert outcome.function_error == "Unhandled"
        assert "last words" in on.log
        assert on.log.index("last words") < on.log.index("END RequestId: r1\n")


async def test_the_tail_is_the_last_four_kilobytes():
    async def talk(guest: Guest, client: Client, _headers: dict[str, str], _body: bytes) -> None:
        guest.print("".join(f"line {i:04d}\n" for i in range(1000)))
        await client.respond("r1", b"null")

    async with stage(serving(talk)) as on:
        outcome = await on.invoke()
    assert len(outcome.log_tail) == 4096
    assert outcome.log_tail.endswith(on.log[-1].encode())


async def test_json_logs_are_telemetry_events_of_the_level_that_was_asked_for():
    async with stage(serving(echo), log=JsonLog("INFO")) as on:
        await on.invoke()
    platform = [json.loads(line) for line in on.log if line.startswith("{")]
    assert [event["type"] for event in platform] == ["platform.initStart", "platform.start", "platform.report"]
    assert platform[0]["record"]["runtimeVersionArn"] == "arn:aws:lambda:us-east-1::runtime:11"
    assert platform[-1]["record"]["metrics"]["memorySizeMB"] == 128
    async with stage(serving(echo), log=JsonLog("WARN")) as on:
        await on.invoke()
    assert on.log == ["working\n"]


async def test_a_runtime_that_asks_together_with_its_result_is_thanked_with_the_next_event():
    async def hasty(guest: Guest) -> None:
        client = await guest.connect()
        client.ask_next()
        for _ in range(3):
            _, headers, body = await client.answer()
            client.ask(
                "POST", f"/2018-06-01/runtime/invocation/{headers['lambda-runtime-aws-request-id']}/response", body
            )
            client.ask_next()
            assert (await client.answer())[0] == 202
        await asyncio.Event().wait()

    async with stage(hasty) as on:
        for number in range(3):
            assert (await on.invoke(b"%d" % number, f"r{number}")).payload == b"%d" % number
            await on.until(State.IDLE)
    assert len(on.guests) == 1


async def test_a_runtime_that_exits_right_behind_its_result_has_answered_all_the_same():
    async def leave(guest: Guest, client: Client, _headers: dict[str, str], body: bytes) -> None:
        client.ask("POST", "/2018-06-01/runtime/invocation/r1/response", body)
        guest.exit(Exit(0, None))
        await asyncio.Event().wait()

    async with stage(serving(leave), serving(echo)) as on:
        first = await on.invoke(b"1")
        await on.until(State.BROKEN)
        assert (await on.invoke(b"2", "r2")).payload == b"2"
    assert first.payload == b"1" or b"Runtime.ExitError" in first.payload


async def test_without_tail_the_log_is_the_same_a_moment_later():
    async with stage(serving(echo)) as on:
        outcome = await on.invoke(tail=False)
        assert outcome.log_tail == b""
        await on.until(State.IDLE)
        await on.invoke(b"2", "r2", tail=False)
    assert [line.split()[0] for line in on.log] == ["INIT_START", *["START", "working", "END", "REPORT"] * 2]


async def crash(guest: Guest, _client: Client, _headers: dict[str, str], _body: bytes) -> None:
    guest.exit(Exit(1, None))
    await asyncio.Event().wait()


async def hang(_guest: Guest) -> None:
    await asyncio.Event().wait()


async def out_of_memory(guest: Guest) -> None:
    guest.exit(Exit(None, 9, out_of_memory=True))


def request_ids(log: Sequence[str]) -> list[str]:
    return [line.split()[2] for line in log if line.startswith("START")]


async def test_a_runtime_that_was_reset_is_followed_by_one_in_the_same_sandbox():
    async with stage(serving(never), serving(crash), failed_init, serving(echo), timeout_s=0.1) as on:
        for number in range(4):
            await on.invoke(b"1", f"r{number}")
    assert on.left == [None, *on.guests[:-1]]
    assert len(on.guests) == 4


async def test_a_runtime_that_was_reset_writes_to_the_same_log_stream_and_has_its_share_of_the_processor():
    async with stage(serving(crash), serving(echo)) as on:
        await on.invoke(b"1", "r1")
        assert (await on.invoke(b"2", "r2")).payload == b"2"
        assert [guest.cpus for guest in on.guests] == [0.07, 0.07]
    assert request_ids(on.log) == ["r1", "r2"]
    assert sum(line.startswith("INIT_START") for line in on.log) == 1


async def test_what_the_old_runtime_still_sends_is_not_taken_for_the_new_ones():
    async def late(guest: Guest) -> None:
        client = await guest.connect()
        client.ask_next()
        await client.answer()
        while not guest.vacated:
            await asyncio.sleep(0)
        client.ask("POST", "/2018-06-01/runtime/invocation/r1/response", b'"late"')
        client.ask_next()
        await asyncio.Event().wait()

    async with stage(late, serving(echo), timeout_s=0.05) as on:
        assert b"Sandbox.Timedout" in (await on.invoke(b"1", "r1")).payload
        assert (await on.invoke(b"2", "r1")).payload == b"2"


async def test_a_suppressed_init_that_takes_the_whole_timeout_is_a_timeout_of_the_invocation():
    async with stage(failed_init, hang, serving(echo), timeout_s=0.05) as on:
        outcome = await on.invoke(b"1", "r1")
        assert json.loads(outcome.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: r1 Error: Task timed out after 0.05 seconds",
        }
        assert any("Phase: invoke\tStatus: timeout" in line for line in on.log)
        assert on.log[-1].endswith("Status: timeout\n")
        assert (await on.invoke(b"2", "r2")).payload == b"2"


async def test_a_crash_in_a_suppressed_init_is_the_invocations_error_and_the_next_one_tries_again():
    async def exit_at_once(guest: Guest) -> None:
        guest.exit(Exit(3, None))

    async with stage(exit_at_once, exit_at_once, serving(echo)) as on:
        outcome = await on.invoke()
        assert json.loads(outcome.payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: r1 Error: Runtime exited with error: exit status 3",
        }
        assert sum("INIT_REPORT" in line for line in on.log) == 2
        assert (await on.invoke(b"2", "r2")).payload == b"2"
    assert [line.split()[0] for line in on.log if "r2" in line] == ["START", "END", "REPORT"]


async def test_a_runtime_that_crashes_every_time_is_started_every_time():
    async with stage(serving(crash)) as on:
        for number in range(20):
            outcome = await on.invoke(b"1", f"r{number}")
            assert json.loads(outcome.payload)["errorType"] == "Runtime.ExitError"
    assert len(on.guests) == 20
    assert request_ids(on.log) == [f"r{number}" for number in range(20)]


async def test_an_event_that_meets_a_runtime_just_dying_is_run_by_the_next_one():
    async with stage(serving(echo)) as on:
        on.guests[0].exit(Exit(1, None))
        await asyncio.sleep(0)  # the environment has heard of it, and cleared nothing away yet
        await asyncio.sleep(0)
        assert on.environment.state is State.BROKEN
        assert (await on.invoke(b"9")).payload == b"9"
        await on.until(State.IDLE)
        assert (await on.invoke(b"10", "r2")).payload == b"10"
    assert len(on.guests) == 2


async def test_a_frozen_environment_whose_runtime_dies_starts_the_next_one_thawed():
    async with stage(serving(echo)) as on:
        on.environment.freeze()
        on.guests[0].exit(Exit(None, 9))
        await on.until(State.BROKEN)
        assert (await on.invoke(b"9")).payload == b"9"
        assert not on.guests[1].frozen


async def test_an_environment_that_stops_while_its_runtime_is_cleared_away_leaves_nothing():
    async with stage(serving(echo)) as on:
        on.guests[0].exit(Exit(1, None))
        await on.until(State.BROKEN)
    assert on.guests[0].killed


async def test_running_out_of_memory_keeps_the_sandbox_unless_its_init_has_no_room_in_it():
    async def leak(guest: Guest, _client: Client, _headers: dict[str, str], _body: bytes) -> None:
        await out_of_memory(guest)
        await asyncio.Event().wait()

    async with stage(serving(leak), out_of_memory, serving(echo)) as on:
        assert b"signal: killed" in (await on.invoke(b"1", "r1")).payload
        assert b"signal: killed" in (await on.invoke(b"2", "r2")).payload
        assert (await on.invoke(b"3", "r3")).payload == b"3"
    assert on.left == [None, on.guests[0], None]


async def test_a_caller_does_not_wait_for_the_end_of_what_has_run_out_of_time():
    dies = asyncio.Event()
    async with stage(serving(never), serving(echo), timeout_s=0.05, dies=dies) as on:
        outcome = await on.invoke()
        assert b"Task timed out after 0.05 seconds" in outcome.payload
        assert b"REPORT RequestId: r1" in outcome.log_tail
        assert not on.guests[0].vacated
        dies.set()
        assert (await on.invoke(b"2", "r2")).payload == b"2"
    assert on.left == [None, on.guests[0]]


async def test_a_reset_that_waits_for_what_is_dying_waits_no_longer_than_the_invocation_may_take():
    dies = asyncio.Event()
    async with stage(serving(never), serving(echo), timeout_s=0.05, dies=dies) as on:
        await on.invoke()
        for number in range(2):
            outcome = await on.invoke(b"2", f"again-{number}")
            assert b"Task timed out after 0.05 seconds" in outcome.payload
        assert len(on.guests) == 1
        dies.set()
        assert (await on.invoke(b"3", "r3")).payload == b"3"
    assert on.left == [None, on.guests[0]]
