"""The ways in which a Node.js function fails, and what its caller, its log and X-Ray are told."""

import json
from typing import Any

import pytest

from tests.runtimes.conftest import Start
from tests.runtimes.nodes import NEW, OLD, ahead_and_fresh, answered, body, every_node, old_and_new
from tests.runtimes.runtime_api import Event


@every_node
async def test_an_exception_is_reported_with_its_trace_and_the_next_event_is_taken(start: Start, runtime: str) -> None:
    code = """\
    class Unlucky extends Error { constructor (m) { super(m); this.name = 'Unlucky'; this.code = 13 } }
    exports.handler = async (event) => {
      throw new Unlucky('no ' + event)
    }
    """
    async with start(runtime, {"app.js": code}, Event("good"), Event("luck")) as run:
        first, second = await run.posts(2)
        logged = [line for line in run.output().splitlines() if "request-1" in line]
    assert first.kind == "invocation/request-1/error"
    assert (first.json["errorType"], first.json["errorMessage"]) == ("Unlucky", "no good")
    assert first.json["trace"][0] == "Unlucky: no good"
    assert first.json["trace"][1].startswith("    at ")
    assert first.json["trace"][1].endswith("/task/app.js:3:9)")
    assert list(first.json) == ["errorType", "errorMessage", "trace"]
    cause = json.loads(first.headers["lambda-runtime-function-xray-error-cause"])
    assert cause["exceptions"][0]["type"] == "Unlucky"
    assert cause["exceptions"][0]["stack"][0]["line"] == 3
    assert cause["paths"][0].endswith("/task/app.js")
    assert second.json["errorMessage"] == "no luck"
    level, what, error = logged[0].split("\t")[2:]
    assert (level, what) == ("ERROR", "Invoke Error ")
    assert json.loads(error) == {
        "errorType": "Unlucky",
        "errorMessage": "no good",
        "code": 13,
        "name": "Unlucky",
        "stack": first.json["trace"],
    }


MISSING = "Error: Cannot find module 'nonesuch'\nRequire stack:\n- {task}/app.js"
INIT_ERRORS: list[tuple[str, dict[str, str], str, str]] = [
    ("app.handler", {}, "Runtime.ImportModuleError",
     "Error: Cannot find module 'app'\nRequire stack:\n- /var/runtime/index.mjs"),
    ("app.handler", {"app.js": "require('nonesuch')"}, "Runtime.ImportModuleError", MISSING),
    ("app.handler", {"app.js": ""}, "Runtime.HandlerNotFound", "app.handler is undefined or not exported"),
    ("app.handler", {"app.js": "exports.handler = 1"}, "Runtime.HandlerNotFound", "app.handler is not a function"),
    ("app", {"app.js": ""}, "Runtime.MalformedHandlerName", "Bad handler"),
    ("../app.handler", {}, "Runtime.MalformedHandlerName",
     "'../app.handler' is not a valid handler name. Use absolute paths when specifying root directories in handler names."),
    ("app.handler", {"app.js": "exports.handler = async ( => 1"}, "Runtime.UserCodeSyntaxError",
     "SyntaxError: Unexpected token '=>'"),
    ("app.handler", {"app.mjs": "export const handler = async ( => 1"}, "Runtime.UserCodeSyntaxError",
     "SyntaxError: Unexpected token '=>'"),
    ("app.handler", {"app.mjs": "import { nonesuch } from 'node:path'"}, "Runtime.UserCodeSyntaxError",
     "SyntaxError: The requested module 'node:path' does not provide an export named 'nonesuch'"),
    ("app.handler", {"app.mjs": "import 'nonesuch'"}, "Error", "Cannot find package 'nonesuch' imported from {task}/app.mjs"),
    ("app.handler", {"app.js": "throw new RangeError('é€')"}, "RangeError", "é€"),
]  # fmt: skip


@old_and_new
@pytest.mark.parametrize(
    ("handler", "files", "kind", "message"), INIT_ERRORS, ids=[f"{e[2]}-{e[0]}-{'+'.join(e[1])}" for e in INIT_ERRORS]
)
async def test_what_fails_at_init_is_reported_and_ends_the_process(
    start: Start, runtime: str, handler: str, files: dict[str, str], kind: str, message: str, tmp_path: Any
) -> None:
    async with start(runtime, files, handler=handler, ahead=False) as run:
        post = await run.post()
        exited = await run.exited()
        output = run.output()
    assert post.kind == "init/error"
    assert post.headers["lambda-runtime-function-error-type"] == kind
    assert post.json["errorType"] == kind
    assert post.json["errorMessage"].startswith(message.replace("{task}", str(tmp_path / "task")))
    assert exited.code == (129 if runtime == OLD else 1)
    what = "undefined\tERROR\tUncaught Exception \t{" if runtime == OLD else "-\tERROR\tInit Error \t{"
    assert what in output


@old_and_new
async def test_a_syntax_error_names_the_file_and_the_line(start: Start, runtime: str) -> None:
    """Of a CommonJS module; of an ES module, Node's own error does not tell them."""
    async with start(runtime, {"app.cjs": "// one\nconst = 1"}, ahead=False) as run:
        error = (await run.post()).json
    header = [f"Runtime.UserCodeSyntaxError: {error['errorMessage']}"] if runtime == OLD else []
    assert error["errorMessage"] == "SyntaxError: Unexpected token '='"
    assert error["trace"][len(header)].endswith("/task/app.cjs:2")
    assert error["trace"][: len(header)] == header


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("return { n: 1n }", "Error", "Unable to stringify response body"),
        ("const x = {}; x.x = x; return x", "Error", "Unable to stringify response body"),
    ],
)
@old_and_new
async def test_a_result_that_is_not_json_is_an_error_of_the_function(
    start: Start, runtime: str, code: str, kind: str, message: str
) -> None:
    async with start(runtime, body(code), Event()) as run:
        assert await answered(run) == (kind if runtime == OLD else "Runtime.JSONStringifyError", message)


@every_node
@pytest.mark.parametrize("value", ["() => 1", "Symbol('s')", "class {}", "{ toJSON () {} }"])
async def test_a_result_that_has_no_json_is_a_type_error(start: Start, runtime: str, value: str) -> None:
    async with start(runtime, body(f"return event ? ({value}) : 'after'"), Event(1), Event(0)) as run:
        assert [await answered(run), await answered(run)] == [("TypeError", "Wrong arguments"), "after"]


@pytest.mark.parametrize("answer", ["callback(null, it)", "context.succeed(it)", "context.done(null, it)"])
async def test_so_is_one_of_a_callback(start: Start, answer: str) -> None:
    code = f"exports.handler = (event, context, callback) => {{ const it = () => 1; {answer} }}"
    async with start(OLD, {"app.js": code}, Event()) as run:
        assert await answered(run) == ("TypeError", "Wrong arguments")


@pytest.mark.parametrize(
    ("code", "what", "kind", "message", "status"),
    [
        ("setTimeout(() => { throw new RangeError('no') })", "Uncaught Exception", "RangeError", "no", 129),
        ("Promise.reject(new RangeError('no'))", "Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection",
         "RangeError: no", 128),
        ("Promise.reject()", "Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", "", 128),
        ("Promise.reject('text')", "Unhandled Promise Rejection", "Runtime.UnhandledPromiseRejection", "text", 128),
    ],
)  # fmt: skip
@pytest.mark.parametrize("phase", ["init", "invocation"])
async def test_up_to_22_what_nobody_catches_is_reported_and_ends_the_process(
    start: Start, phase: str, code: str, what: str, kind: str, message: str, status: int
) -> None:
    hold = "new Promise((resolve) => setTimeout(resolve, 3600_000))"
    files = {"app.mjs": f"{code}\nawait {hold}"} if phase == "init" else body(f"{code}\nawait {hold}")
    async with start(OLD, files, Event()) as run:
        post = await run.post()
        exited = await run.exited()
        output = run.output()
    assert post.kind == ("init/error" if phase == "init" else "invocation/request-1/error")
    assert (post.json["errorType"], post.json["errorMessage"]) == (kind, message)
    assert exited.code == status
    assert f"\tERROR\t{what} \t{{" in output


@pytest.mark.parametrize(
    "code", ["setTimeout(() => { throw new RangeError('no') })", "Promise.reject(new RangeError('no'))"]
)
async def test_from_24_on_what_nobody_catches_ends_the_process_as_node_does(start: Start, code: str) -> None:
    async with start(
        NEW, body(f"{code}; await new Promise((resolve) => setTimeout(resolve, 3600_000))"), Event()
    ) as run:
        exited = await run.exited()
        output = run.output()
        assert run.api.posts.empty()
    assert exited.code == 1
    assert "RangeError: no\n    at " in output


@old_and_new
@ahead_and_fresh
@pytest.mark.parametrize(("code", "status"), [("process.exit(3)", 3), ("process.exit()", 0), ("process.abort()", None)])
async def test_a_function_that_exits_ends_its_process_with_its_status(
    start: Start, runtime: str, code: str, status: int | None, ahead: bool
) -> None:
    async with start(runtime, body(f"console.log('last words'); {code}"), Event(), ahead=ahead) as run:
        exited = await run.exited()
        assert "last words" in run.output()
    assert exited.code == status
    assert exited.signal == (6 if status is None else None)


async def test_a_module_whose_top_level_never_ends_exits_with_nodes_status_for_it(start: Start) -> None:
    async with start(OLD, {"app.mjs": "await new Promise(() => {})"}) as run:
        assert (await run.exited()).code == 13
