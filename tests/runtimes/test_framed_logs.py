"""The log's own descriptor, as AWS gives it to Python and Node.js: a record is one event, at its place, and there in time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.runtimes.conftest import Run, Start, events_in
from tests.runtimes.nodes import ahead_and_fresh, body, every_node, old_and_new
from tests.runtimes.runtime_api import Event, Post

PYTHON = "python3.11"


async def read_until_answered(run: Run) -> tuple[bytes, Post]:
    """What it wrote before its answer, which is read while it writes, since a pipe does not hold it."""
    written = b""
    while run.api.posts.empty():
        written += run.written()
        await asyncio.sleep(0.001)
    return written + run.written(), await run.post()


@ahead_and_fresh
async def test_a_record_of_pythons_logging_is_one_event_between_what_was_printed(start: Start, ahead: bool) -> None:
    code = """\
    import logging, sys
    log = logging.getLogger()
    log.setLevel("INFO")
    def handler(event, context):
        print("one")
        log.info("two\\nlines\\n\\nof a record")
        sys.stdout.write("half ")
        log.info("between")
        print("a line")
        try: 1 / 0
        except ZeroDivisionError: log.exception("failed")
        raise ValueError("no\\nway")
    """
    async with start(PYTHON, {"app.py": code}, Event(), ahead=ahead) as run:
        await run.post()
        events = run.events()
    assert events[0] == "one\n"
    assert events[1].endswith("\trequest-1\ttwo\nlines\n\nof a record\n")
    assert events[2].endswith("\tbetween\n")
    assert events[3] == "half a line\n"
    assert "\tfailed\n" in events[4]
    assert events[4].endswith("ZeroDivisionError: division by zero")
    assert events[5].startswith("[ERROR] ValueError: no\nway\nTraceback (most recent call last):\n")
    assert not events[5].endswith("\n")
    assert len(events) == 6


@old_and_new
@ahead_and_fresh
async def test_a_record_of_nodes_console_is_one_event_between_what_was_written(
    start: Start, runtime: str, ahead: bool
) -> None:
    code = """\
    process.stdout.write('one\\n')
    console.log('two\\nlines\\r\\n')
    process.stdout.write('half ')
    console.error('between')
    process.stderr.write('a line\\n')
    """
    async with start(runtime, body(code), Event(), ahead=ahead) as run:
        await run.post()
        one, record, between, line = run.events()
    assert (one, line) == ("one\n", "half a line\n")
    assert record.endswith("\trequest-1\tINFO\ttwo\nlines\r\n\n")
    assert between.endswith("\tERROR\tbetween\n")


@every_node
@pytest.mark.parametrize("write", ["console.log(line)", "process.stdout.write(line + '\\n')", "console.table([line])"])
async def test_all_that_node_has_written_is_in_the_pipe_when_it_answers(start: Start, runtime: str, write: str) -> None:
    code = f"for (let i = 0; i < 3000; i++) {{ const line = 'z'.repeat(100) + ':' + i; {write} }}"
    async with start(runtime, body(code), Event()) as run:
        written, _ = await read_until_answered(run)
    numbers = [int(word.split(b"\n")[0].split(b"'")[0]) for word in written.split(b"z:")[1:]]
    assert numbers == list(range(3000))


async def test_a_record_larger_than_the_pipe_arrives_whole(start: Start) -> None:
    python = "import logging\ndef handler(event, context): logging.warning('p' * 1_000_000)"
    async with start(PYTHON, {"app.py": python}, Event()) as run:
        written, _ = await read_until_answered(run)
    assert written.count(b"p") == 1_000_000
    async with start("nodejs20.x", body("console.log('n'.repeat(1_000_000))"), Event()) as run:
        written, _ = await read_until_answered(run)
    assert written.count(b"n") == 1_000_000


LISTING = "ls -l /proc/self/fd"


@ahead_and_fresh
@pytest.mark.parametrize(
    ("runtime", "code"),
    [
        (PYTHON, f"import os\ndef handler(event, context): return os.popen({LISTING!r}).read()"),
        ("nodejs18.x", f"require('child_process').execSync({LISTING!r}, {{ encoding: 'utf8' }})"),
        ("nodejs24.x", f"require('child_process').execSync({LISTING!r}, {{ encoding: 'utf8' }})"),
    ],
)
async def test_programs_that_a_function_starts_do_not_have_the_descriptor_of_its_log(
    start: Start, runtime: str, code: str, ahead: bool
) -> None:
    files = {"app.py": code} if runtime == PYTHON else body(f"return {code}")
    async with start(runtime, files, Event(), ahead=ahead) as run:
        listing = (await run.post()).json
    shown = [line.split()[-3:] for line in listing.splitlines() if "->" in line]
    own = {number for number, _, target in shown if target.startswith("pipe:")}
    assert own <= {"0", "1", "2"}, listing


@ahead_and_fresh
@pytest.mark.parametrize(
    ("runtime", "files"),
    [
        (PYTHON, {"app.py": "import os\ndef handler(event, context): return dict(os.environ)"}),
        ("nodejs20.x", body("return process.env")),
    ],
)
async def test_a_function_does_not_see_the_variable(
    start: Start, runtime: str, files: dict[str, str], ahead: bool
) -> None:
    async with start(runtime, files, Event(), ahead=ahead) as run:
        assert "_LAMBDA_TELEMETRY_LOG_FD" not in (await run.post()).json


@pytest.mark.parametrize("runtime", [PYTHON, "nodejs22.x"])
async def test_a_wrapper_script_that_takes_the_variable_away_has_records_as_lines(
    start: Start, runtime: str, tmp_path: Path
) -> None:
    python = "import logging\ndef handler(event, context): logging.error('two\\nlines')\ndef bad(event, context): 1 / 0"
    files = {"app.py": python, **body("console.warn('two\\nlines')")}
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nunset _LAMBDA_TELEMETRY_LOG_FD\nexec "$@"\n')
    wrapper.chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    handler = "app.bad" if runtime == PYTHON else "app.handler"
    async with start(runtime, files, Event(), variables=variables, handler=handler) as run:
        await run.post()
        (event,) = run.events()
    assert ("Traceback (most recent call last):\r" if runtime == PYTHON else "two\rlines\n") in event


@old_and_new
async def test_json_records_of_a_flood_are_whole(start: Start, runtime: str) -> None:
    code = "for (let i = 0; i < 2000; i++) console.log({ i, text: 'é\\n'.repeat(20) })"
    async with start(runtime, body(code), Event(), log_format="JSON", log_level="INFO") as run:
        written, _ = await read_until_answered(run)
        records = [json.loads(event) for event in events_in(written)]
    assert [record["message"]["i"] for record in records] == list(range(2000))
