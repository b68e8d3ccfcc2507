"""The ways in which a Node.js function answers: callbacks up to nodejs22.x, promises alone from nodejs24.x on."""

from typing import Any

import pytest

from tests.runtimes.conftest import Start
from tests.runtimes.nodes import CALLBACKS, NEW, OLD, PROMISES, answered
from tests.runtimes.runtime_api import Event

ANSWERS: list[tuple[str, Any]] = [
    ("(event, context, callback) => callback(null, event)", 7),
    ("(event, context, callback) => { setTimeout(callback, 5, null, event) }", 7),
    ("(event, context, callback) => callback(new RangeError('no'))", ("RangeError", "no")),
    ("(event, context, callback) => callback('no')", ("string", "no")),
    ("(event, context) => context.succeed(event)", 7),
    ("(event, context) => context.done(null, event)", 7),
    ("(event, context) => context.done(new RangeError('no'))", ("RangeError", "no")),
    ("(event, context) => context.fail(new RangeError('no'))", ("RangeError", "no")),
    ("(event, context) => context.fail()", ("string", "handled")),
    ("(event, context) => { context.succeed(1); context.succeed(2); context.fail('late') }", 1),
    ("(event) => event", None),  # what is no promise is no answer
    ("() => {}", None),
    ("() => { setTimeout(() => {}, 5) }", None),
    ("() => ({ then (resolve) { resolve(8) } })", 8),
    ("async (event, context, callback) => { callback(null, 'callback'); return 'promise' }", "callback"),
    ("() => new Promise(() => {})", None),  # nothing is left that could answer
    ("() => { throw new RangeError('no') }", ("RangeError", "no")),
    ("() => { throw null }", None),
]


@pytest.mark.parametrize(("code", "expected"), ANSWERS, ids=[answer[0] for answer in ANSWERS])
async def test_up_to_22_there_are_callbacks_and_the_first_answer_counts(start: Start, code: str, expected: Any) -> None:
    async with start(OLD, {"app.js": f"exports.handler = {code}"}, Event(7), Event(7)) as run:
        assert [await answered(run), await answered(run)] == [expected, expected]


@pytest.mark.parametrize("runtime", CALLBACKS)
async def test_a_callbacks_result_waits_until_the_event_loop_is_empty(start: Start, runtime: str) -> None:
    code = """\
    const seen = []
    exports.handler = (event, context, callback) => {
      setTimeout(() => seen.push('timer'), 20)
      callback(null, seen)
    }
    """
    async with start(runtime, {"app.js": code}, Event()) as run:
        assert await answered(run) == ["timer"]


@pytest.mark.parametrize("runtime", CALLBACKS)
async def test_unless_the_function_says_that_it_need_not_wait(start: Start, runtime: str) -> None:
    code = """\
    const seen = []
    exports.handler = (event, context, callback) => {
      const before = context.callbackWaitsForEmptyEventLoop
      context.callbackWaitsForEmptyEventLoop = false
      setInterval(() => seen.push('timer'), 3600_000)
      callback(null, [before, context.callbackWaitsForEmptyEventLoop, ...seen])
    }
    """
    async with start(runtime, {"app.js": code}, Event(), Event()) as run:
        assert await run.posts(2)
        await run.idle()


@pytest.mark.parametrize("runtime", PROMISES)
async def test_from_24_on_a_handler_with_a_callback_is_refused_at_init(start: Start, runtime: str) -> None:
    async with start(runtime, {"app.js": "exports.handler = (event, context, callback) => callback()"}) as run:
        post = await run.post()
        exited = await run.exited()
    assert post.kind == "init/error"
    assert post.json["errorType"] == "Runtime.CallbackHandlerDeprecated"
    assert post.json["errorMessage"] == (
        "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to "
        "modify this function to use a supported handler signature to use Node.js 24 or later. For more information see "
        "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html."
    )
    assert exited.code == 1


NEW_ANSWERS: list[tuple[str, Any]] = [
    ("async (event) => event", 7),
    ("(event) => event", 7),  # a value is an answer, too
    ("async () => {}", None),
    ("() => ({ then (resolve) { resolve(8) } })", 8),
    ("(event, context) => [typeof context.succeed, typeof context.done, typeof context.fail]", ["undefined"] * 3),
    ("async () => { throw new RangeError('no') }", ("RangeError", "no")),
    ("async () => Promise.reject()", ("undefined", "undefined")),
    ("() => { throw 'no' }", ("string", "no")),
]


@pytest.mark.parametrize(("code", "expected"), NEW_ANSWERS, ids=[answer[0] for answer in NEW_ANSWERS])
async def test_from_24_on_the_awaited_result_is_the_answer(start: Start, code: str, expected: Any) -> None:
    async with start(NEW, {"app.js": f"exports.handler = {code}"}, Event(7), Event(7)) as run:
        assert [await answered(run), await answered(run)] == [expected, expected]


async def test_from_24_on_a_promise_that_nothing_can_resolve_ends_the_process_without_a_reason(start: Start) -> None:
    async with start(NEW, {"app.js": "exports.handler = () => new Promise(() => {})"}, Event()) as run:
        assert (await run.exited()).code == 0
        assert run.api.posts.empty()
