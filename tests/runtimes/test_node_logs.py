"""What console.* of a Node.js function writes: text or JSON, from a level on."""

import json

import pytest

from tests.runtimes.conftest import Start
from tests.runtimes.nodes import OLD, PROMISES, ahead_and_fresh, body, every_node, old_and_new
from tests.runtimes.runtime_api import Event


@every_node
@ahead_and_fresh
async def test_logs_are_records_with_time_and_request_id(start: Start, runtime: str, ahead: bool) -> None:
    code = """\
    console.log('outside')
    exports.handler = async () => {
      process.stdout.write('plain é\\n')
      console.debug('two\\nlines', { a: 1 }, '%d')
      console.log('%s is %d', 'x', 7)
      console.log()
      console.fatal('end')
    }
    """
    async with start(runtime, {"app.js": code}, Event(), ahead=ahead) as run:
        await run.post()
        outside, plain, *records = [event.removesuffix("\n") for event in run.events()]
    assert outside.split("\t")[1:] == ["-" if runtime in PROMISES else "undefined", "INFO", "outside"]
    assert plain == "plain é"
    assert [record.split("\t")[1:] for record in records] == [
        ["request-1", "DEBUG", "two\nlines { a: 1 } %d"],
        ["request-1", "INFO", "x is 7"],
        ["request-1", "INFO", "undefined"],
        ["request-1", "FATAL", "end"],
    ]
    time = records[0].split("\t")[0]
    assert len(time) == len("2026-11-24T09:00:00.000Z")
    assert time.endswith("Z")


LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]


@old_and_new
@pytest.mark.parametrize("least", LEVELS)
async def test_json_logs_obey_the_level(start: Start, runtime: str, least: str) -> None:
    code = "for (const name of ['trace', 'debug', 'info', 'log', 'warn', 'error', 'fatal']) console[name](name)"
    async with start(runtime, body(code), Event(), log_format="JSON", log_level=least) as run:
        await run.post()
        records = [json.loads(line) for line in run.output().splitlines()]
    heard = LEVELS[LEVELS.index(least) :]
    names = [name for level in heard for name in (["INFO", "LOG"] if level == "INFO" else [level])]
    assert [record["message"].upper() for record in records] == names
    assert {record["requestId"] for record in records} == {"request-1"}
    assert [record["level"] for record in records] == ["INFO" if name == "LOG" else name for name in names]


@old_and_new
async def test_json_logs_carry_values_errors_and_the_tenant(start: Start, runtime: str) -> None:
    code = """\
    exports.handler = async () => {
      const error = Object.assign(new RangeError('no'), { code: 'E', errorMessage: 'theirs' })
      console.log({ a: [1], e: error })
      console.log('text', 2, error)
      console.log(error, 'text')
      const round = {}; round.round = round
      console.log(round)
    }
    """
    event = Event(headers={"Lambda-Runtime-Aws-Tenant-Id": "t"})
    async with start(runtime, {"app.js": code}, event, log_format="JSON", log_level="INFO") as run:
        await run.post()
        value, text, first, circular = [json.loads(line) for line in run.output().splitlines()]
    assert value["message"]["a"] == [1]
    assert {k: v for k, v in value["message"]["e"].items() if k != "stackTrace"} == {
        "errorType": "RangeError", "errorMessage": "theirs", "code": "E",
    }  # fmt: skip
    assert text["message"].startswith("text 2 RangeError: no\n    at ")
    assert (text["errorType"], text["errorMessage"], text["stackTrace"][0]) == ("RangeError", "no", "RangeError: no")
    assert ("errorType" in first) is (runtime == OLD)
    assert "Circular" in circular["message"]
    assert {record["tenantId"] for record in (value, text, first, circular)} == {"t"}


@old_and_new
async def test_an_exception_is_one_json_record(start: Start, runtime: str) -> None:
    async with start(runtime, body("throw new RangeError('no')"), Event(), log_format="JSON", log_level="ERROR") as run:
        await run.post()
        record = json.loads(run.output())
    assert (record["level"], record["requestId"], record["message"]["errorType"]) == (
        "ERROR",
        "request-1",
        "RangeError",
    )
