"""Node.js functions, on every Node.js of this machine: how they are found, and what they find."""

import json
from typing import Any

import pytest

from tests.runtimes.conftest import Start
from tests.runtimes.nodes import ECHO, NEW, OLD, PROMISES, ahead_and_fresh, answered, body, every_node, old_and_new
from tests.runtimes.runtime_api import ARN, Event


@every_node
@ahead_and_fresh
async def test_a_function_answers_with_what_its_handler_resolves_to(start: Start, runtime: str, ahead: bool) -> None:
    code = "return { sum: event.a + event.b, text: 'é€😀' }"
    async with start(runtime, body(code), Event({"a": 1, "b": 2}), ahead=ahead) as run:
        post = await run.post()
    assert post.kind == "invocation/request-1/response"
    assert post.json == {"sum": 3, "text": "é€😀"}
    assert post.headers["content-type"] == "application/json"


FORMS: list[tuple[str, dict[str, str]]] = [
    ("app.handler", {"app.js": ECHO}),
    ("app.handler", {"app.cjs": ECHO}),
    ("app.handler", {"app.mjs": "export const handler = async (event) => event"}),
    ("app.handler", {"app.mjs": "const ready = await Promise.resolve(true)\nexport const handler = async (event) => event"}),
    ("app.handler", {"app.js": "export const handler = async (event) => event", "package.json": '{"type": "module"}'}),
    ("a/b.handler", {"a/b.js": "export const handler = async (event) => event", "package.json": '{"type": "module"}'}),
    ("a/b.handler", {"a/b.js": ECHO}),
    ("a/b/c.handler", {"a/b/c.mjs": "export const handler = async (event) => event"}),
    ("app.api.v1.get", {"app.js": "exports.api = { v1: { get: async (event) => event } }"}),
    ("app.handler", {"app.js": "exports.handler = async (event) => require('./lib/it')(event)",
                     "lib/it.js": "module.exports = (e) => e"}),
    ("app.handler", {"app.mjs": "import it from 'it'\nexport const handler = async (event) => it(event)",
                     "node_modules/it/index.js": "module.exports = (e) => e"}),
]  # fmt: skip


@old_and_new
@pytest.mark.parametrize(("handler", "files"), FORMS, ids=[f"{form[0]}-{'+'.join(form[1])}" for form in FORMS])
async def test_a_handler_is_found_in_every_form_that_aws_knows(
    start: Start, runtime: str, handler: str, files: dict[str, str]
) -> None:
    async with start(runtime, files, Event({"x": 1}), handler=handler) as run:
        assert await answered(run) == {"x": 1}


@pytest.mark.parametrize(
    ("runtime", "handler", "files", "found"),
    [
        (OLD, "src/app.handler", {"src/app/index.js": ECHO}, True),  # a directory is a module of CommonJS
        (OLD, "app.handler.deep", {"app.js": "exports.handler = () => 1; exports.handler.deep = async (e) => e"}, True),
        (NEW, "app.handler.deep", {"app.js": "exports.handler = () => 1; exports.handler.deep = async (e) => e"}, False),
        (NEW, "app.handler", {"app.mjs": "export default { handler: async (event) => event }"}, True),
        (OLD, "app.handler", {"app.mjs": "export default { handler: async (event) => event }"}, False),
    ],
)  # fmt: skip
async def test_old_and_new_clients_differ_in_what_they_find(
    start: Start, runtime: str, handler: str, files: dict[str, str], found: bool
) -> None:
    async with start(runtime, files, Event("event"), handler=handler) as run:
        missing = ("Runtime.HandlerNotFound", f"{handler} is undefined or not exported")
        assert await answered(run) == ("event" if found else missing)


@old_and_new
async def test_modules_of_layers_are_found_the_versions_own_first(start: Start, runtime: str) -> None:
    version = runtime.removeprefix("nodejs").removesuffix(".x")
    layers = {
        f"nodejs/node{version}/node_modules/one/index.js": "module.exports = 'versions'",
        "nodejs/node_modules/one/index.js": "module.exports = 'any'",
        "nodejs/node_modules/two/index.js": "module.exports = 'any'",
    }
    async with start(runtime, body("return [require('one'), require('two')]"), Event(), layers=layers) as run:
        assert await answered(run) == ["versions", "any"]


@every_node
async def test_the_context_is_complete(start: Start, runtime: str) -> None:
    code = """\
    exports.handler = async (event, c) => [
      c.awsRequestId, c.functionName, c.functionVersion, c.memoryLimitInMB, c.logGroupName, c.logStreamName,
      c.invokedFunctionArn, c.tenantId, c.identity.cognitoIdentityId, c.clientContext.client.app_title,
      c.clientContext.custom,
      c.getRemainingTimeInMillis() > 1000, process.env._X_AMZN_TRACE_ID, c.xRayTraceId ?? 'none', process.argv[1]]
    """
    headers = {
        "Lambda-Runtime-Client-Context": json.dumps({"client": {"app_title": "t"}, "custom": {"k": "v"}}),
        "Lambda-Runtime-Cognito-Identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "Lambda-Runtime-Aws-Tenant-Id": "tenant",
    }
    async with start(runtime, {"app.js": code}, Event(headers=headers)) as run:
        told = (await run.post()).json
    assert told == [
        "request-1", "f", "$LATEST", "128", "/aws/lambda/f", "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef", ARN,
        "tenant", "id", "t", {"k": "v"}, True, "Root=1-1", "Root=1-1" if runtime in PROMISES else "none",
        "/var/runtime/index.mjs",
    ]  # fmt: skip


@old_and_new
async def test_what_the_caller_did_not_send_is_undefined(start: Start, runtime: str) -> None:
    code = "return [typeof context.clientContext, typeof context.identity, typeof context.tenantId]"
    async with start(runtime, body(code), Event()) as run:
        assert await answered(run) == ["undefined"] * 3


@old_and_new
async def test_streaming_is_refused_at_init_and_named(start: Start, runtime: str) -> None:
    code = "exports.handler = awslambda.streamifyResponse(async (event, stream) => stream.end())"
    async with start(runtime, {"app.js": code}) as run:
        post = await run.post()
    assert (post.kind, post.json["errorType"]) == ("init/error", "Runtime.StreamingNotSupported")
    assert "Lambent does not support response streaming" in post.json["errorMessage"]


@old_and_new
async def test_the_global_awslambda_can_be_turned_off(start: Start, runtime: str) -> None:
    variables = {"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "1"}
    async with start(runtime, body("return typeof awslambda"), Event(), variables=variables) as run:
        assert await answered(run) == "undefined"


async def test_from_24_on_libraries_find_the_invocation_in_the_invoke_store(start: Start) -> None:
    code = """\
    const store = awslambda.InvokeStore
    const before = [store.hasContext(), store.getRequestId(), store.getXRayTraceId() ?? null]
    exports.handler = async () => {
      const left = store.get('mine') ?? null
      store.set('mine', 1)
      await new Promise((resolve) => setTimeout(resolve, 1))
      let refusal = null
      try { store.set(Symbol.for('_AWS_LAMBDA_REQUEST_ID'), 'x') } catch (error) { refusal = error.message }
      return [before, left, store.get('mine'), store.getRequestId(), store.getXRayTraceId(), refusal]
    }
    """
    async with start(NEW, {"app.js": code}, Event(), Event()) as run:
        answers = [await answered(run), await answered(run)]
    refusal = "Cannot modify protected Lambda context field: Symbol(_AWS_LAMBDA_REQUEST_ID)"
    assert answers == [
        [[False, "-", None], None, 1, "request-1", "Root=1-1", refusal],
        [[False, "-", None], None, 1, "request-2", "Root=1-2", refusal],
    ]


async def test_up_to_22_there_is_no_invoke_store(start: Start) -> None:
    async with start(OLD, body("return typeof awslambda.InvokeStore"), Event()) as run:
        assert await answered(run) == "undefined"


@old_and_new
@pytest.mark.parametrize("size", [0, 65_535, 1_048_576, 6_291_000])
async def test_payloads_of_every_size_pass_both_ways(start: Start, runtime: str, size: int) -> None:
    text = ("é€😀x" * (size // 10 + 1)).encode()[:size].decode(errors="ignore")
    async with start(runtime, {"app.js": ECHO}, Event(text), Event("after")) as run:
        assert [await answered(run), await answered(run)] == [text, "after"]


@old_and_new
async def test_a_result_that_is_refused_is_logged_and_the_next_event_is_taken(start: Start, runtime: str) -> None:
    async with start(runtime, body("return 'x'.repeat(event)"), Event(2_000_000), Event(1), statuses=[413, 202]) as run:
        assert [len(await answered(run)) for _ in range(2)] == [2_000_000, 1]
        assert "Failed to post handler success response. Http response code: 413." in run.output()


@old_and_new
async def test_all_messages_go_over_one_connection(start: Start, runtime: str) -> None:
    async with start(runtime, {"app.js": ECHO}, *[Event(n) for n in range(5)]) as run:
        assert [await answered(run) for _ in range(5)] == list(range(5))
        assert run.api.connections == 1


@pytest.mark.parametrize(
    ("variables", "expression", "value"),
    [
        ({"TZ": "Asia/Tokyo"}, "new Date(0).getHours()", 9),
        ({}, "new Date(0).getHours()", 0),
        ({"NODE_OPTIONS": "--no-deprecation"}, "process.noDeprecation", True),
        ({"_MINE": "1", "MINE": "2"}, "[process.env._MINE ?? null, process.env.MINE]", [None, "2"]),
        ({"NODE_PATH": "/mine"}, "process.env.NODE_PATH", "/mine"),
        ({}, "process.env._HANDLER", "app.handler"),
    ],
)
@old_and_new
async def test_the_functions_variables_have_their_effect(
    start: Start, runtime: str, variables: dict[str, str], expression: str, value: object
) -> None:
    async with start(runtime, body(f"return {expression}"), Event(), variables=variables) as run:
        assert await answered(run) == value


@every_node
@ahead_and_fresh
@pytest.mark.parametrize("memory_mib", [128, 512, 3008])
async def test_the_heap_has_the_limit_that_the_functions_memory_gives_it(
    start: Start, runtime: str, ahead: bool, memory_mib: int
) -> None:
    code = "return require('v8').getHeapStatistics().heap_size_limit / 1048576"
    async with start(runtime, body(code), Event(), ahead=ahead, memory_mib=memory_mib) as run:
        assert 0.9 * memory_mib <= await answered(run) <= 1.17 * memory_mib  # V8 adds what is young, in powers of two


async def test_a_wrapper_script_starts_the_interpreter(start: Start, tmp_path: Any) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nWRAPPED="$#" exec "$@"\n')
    wrapper.chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    async with start(OLD, body("return process.env.WRAPPED"), Event(), variables=variables) as run:
        assert await answered(run) == "8"


@old_and_new
async def test_what_a_rehearsal_has_loaded_is_not_the_functions(start: Start, runtime: str) -> None:
    code = "return [Object.keys(require.cache).filter((name) => name.includes('rehearsed')), Object.keys(event)]"
    async with start(runtime, body(code), Event({})) as run:
        assert await answered(run) == [[], []]


@old_and_new
async def test_a_child_process_of_the_function_is_no_runtime(start: Start, runtime: str) -> None:
    code = "return require('child_process').execFileSync(process.execPath, ['-p', '6 * 7']).toString()"
    async with start(runtime, body(code), Event()) as run:
        assert await answered(run) == "42\n"
