"""Python functions, on every Python of this machine: what they find, what they answer, what their errors look like."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.lambda_.runtimes.interpreters import Interpreter
from tests.runtimes.conftest import Start
from tests.runtimes.runtime_api import ARN, Event
from tests.runtimes.shadows import hidden, own_modules

RUNTIMES = ["python3.10", "python3.11", "python3.12", "python3.13", "python3.14"]
ONE = "python3.11"

every_python = pytest.mark.parametrize("runtime", RUNTIMES)
ahead_and_fresh = pytest.mark.parametrize("ahead", [True, False], ids=["forked", "fresh"])


@every_python
@ahead_and_fresh
async def test_a_function_answers_with_what_its_handler_returns(start: Start, runtime: str, ahead: bool) -> None:
    code = "def handler(event, context): return {'sum': event['a'] + event['b'], 'text': 'é€'}"
    async with start(runtime, {"app.py": code}, Event({"a": 1, "b": 2}), ahead=ahead) as run:
        post = await run.post()
    assert post.kind == "invocation/request-1/response"
    assert post.json == {"sum": 3, "text": "é€"}
    assert post.headers["content-type"] == "application/json"


@every_python
async def test_from_3_12_on_results_are_utf_8_and_before_they_are_escaped(start: Start, runtime: str) -> None:
    async with start(runtime, {"app.py": "def handler(event, context): return 'é'"}, Event()) as run:
        body = (await run.post()).body
    assert body == ('"é"'.encode() if runtime >= "python3.12" else b'"\\u00e9"')


@every_python
async def test_an_exception_is_reported_with_its_trace_and_the_next_event_is_taken(start: Start, runtime: str) -> None:
    code = """\
    def handler(event, context):
        raise ValueError("no " + event)
    """
    async with start(runtime, {"app.py": code}, Event("good"), Event("luck")) as run:
        first, second = await run.posts(2)
    assert first.kind == "invocation/request-1/error"
    task = first.json["stackTrace"][0].split('"')[1]
    assert task.endswith("/task/app.py")
    line = f'  File "{task}", line 2, in handler\n    raise ValueError("no " + event)\n'
    assert first.json == {
        "errorMessage": "no good",
        "errorType": "ValueError",
        "requestId": "request-1",
        "stackTrace": [line],
    }
    assert (
        json.loads(first.headers["lambda-runtime-function-xray-error-cause"])["exceptions"][0]["type"] == "ValueError"
    )
    assert second.json["errorMessage"] == "no luck"


INIT_ERRORS: list[tuple[str, dict[str, str], str, str]] = [
    (
        "missing.handler",
        {},
        "Runtime.ImportModuleError",
        "Unable to import module 'missing': No module named 'missing'",
    ),
    (
        "app.handler",
        {"app.py": "import nonesuch"},
        "Runtime.ImportModuleError",
        "Unable to import module 'app': No module named 'nonesuch'",
    ),
    ("app.handler", {"app.py": ""}, "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    (
        "app",
        {},
        "Runtime.MalformedHandlerName",
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
    ),
    ("sys.exit", {}, "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
    ("app.handler", {"app.py": "raise KeyError('é€')"}, "KeyError", "'é€'"),
]


@pytest.mark.parametrize(
    ("handler", "files", "kind", "message"), INIT_ERRORS, ids=[f"{e[2]}-{e[0]}" for e in INIT_ERRORS]
)
async def test_what_fails_at_init_is_reported_and_ends_the_process(
    start: Start, handler: str, files: dict[str, str], kind: str, message: str
) -> None:
    async with start(ONE, files, handler=handler, ahead=False) as run:
        post = await run.post()
        exited = await run.exited()
        output = run.output()
    assert post.kind == "init/error"
    assert post.headers["lambda-runtime-function-error-type"] == kind
    assert (post.json["errorType"], post.json["errorMessage"], post.json["requestId"]) == (kind, message, "")
    assert exited.code == 1
    assert "LAMBDA_WARNING: Unhandled exception." in output
    assert f"[ERROR] {kind}: {message}\nTraceback (most recent call last):" in output


@every_python
async def test_a_syntax_error_names_the_file_and_the_line(start: Start, runtime: str) -> None:
    async with start(runtime, {"app.py": "def handler(:\n"}, ahead=False) as run:
        error = (await run.post()).json
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    assert error["errorMessage"].startswith("Syntax error in module 'app': ")
    assert "/task/app.py" in error["stackTrace"][0]


async def test_a_result_that_is_not_json_is_a_marshal_error(start: Start) -> None:
    async with start(ONE, {"app.py": "def handler(event, context): return {1, 2}"}, Event()) as run:
        error = (await run.post()).json
    assert error["errorType"] == "Runtime.MarshalError"
    assert error["errorMessage"] == "Unable to marshal response: Object of type set is not JSON serializable"


async def test_an_event_that_is_not_json_is_an_unmarshal_error(start: Start) -> None:
    async with start(ONE, {"app.py": "def handler(event, context): return 1"}, Event(b"{")) as run:
        error = (await run.post()).json
    assert error["errorType"] == "Runtime.UnmarshalError"
    assert error["errorMessage"].startswith("Unable to unmarshal input: ")


@pytest.mark.parametrize(
    ("code", "status"), [("sys.exit(3)", 3), ("sys.exit()", 0), ("sys.exit('why')", 1), ("exit(4)", 4)]
)
@ahead_and_fresh
async def test_a_function_that_exits_ends_its_process_with_its_status(
    start: Start, code: str, status: int, ahead: bool
) -> None:
    async with start(ONE, {"app.py": f"import sys\ndef handler(e, c): {code}"}, Event(), ahead=ahead) as run:
        exited = await run.exited()
        assert run.output() == ("why\n" if "why" in code else "")
    assert exited.code == status


@every_python
async def test_the_context_is_complete(start: Start, runtime: str) -> None:
    code = """\
    import os
    def handler(event, context):
        return [context.aws_request_id, context.function_name, context.function_version, context.memory_limit_in_mb,
                context.log_group_name, context.log_stream_name, context.invoked_function_arn, context.tenant_id,
                context.identity.cognito_identity_id, context.client_context.client.app_title,
                context.client_context.custom, context.get_remaining_time_in_millis() > 1000,
                os.environ["_X_AMZN_TRACE_ID"]]
    """
    headers = {
        "Lambda-Runtime-Client-Context": json.dumps({"client": {"app_title": "t"}, "custom": {"k": "v"}}),
        "Lambda-Runtime-Cognito-Identity": json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}),
        "Lambda-Runtime-Aws-Tenant-Id": "tenant",
    }
    async with start(runtime, {"app.py": code}, Event(headers=headers)) as run:
        told = (await run.post()).json
    assert told == [
        "request-1", "f", "$LATEST", "128", "/aws/lambda/f", "2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef", ARN,
        "tenant", "id", "t", {"k": "v"}, True, "Root=1-1",
    ]  # fmt: skip


@every_python
@ahead_and_fresh
async def test_logs_are_records_with_time_and_request_id(start: Start, runtime: str, ahead: bool) -> None:
    code = """\
    import logging
    logging.getLogger().setLevel("INFO")
    def handler(event, context):
        print("plain é")
        logging.info("two\\nlines")
    """
    async with start(runtime, {"app.py": code}, Event(), ahead=ahead) as run:
        await run.post()
        lines = run.output().split("\n", 1)
    assert lines[0] == "plain é"
    level, time, request_id, message = lines[1].split("\t")
    assert (level, request_id, message) == ("[INFO]", "request-1", "two\nlines\n")
    assert len(time) == len("2026-11-24T09:00:00.000Z")
    assert time.endswith("Z")


@every_python
@ahead_and_fresh
async def test_json_logs_obey_format_and_level(start: Start, runtime: str, ahead: bool) -> None:
    code = """\
    import logging
    def handler(event, context):
        logging.info("quiet")
        logging.warning("loud")
        raise OSError("no")
    """
    options: dict[str, Any] = {"ahead": ahead, "log_format": "JSON", "log_level": "WARN"}
    async with start(runtime, {"app.py": code}, Event(), **options) as run:
        await run.post()
        records = [json.loads(line) for line in run.output().splitlines()]
    assert [(r["level"], r.get("message", r.get("errorMessage"))) for r in records] == [
        ("WARNING", "loud"),
        ("ERROR", "no"),
    ]
    assert records[0]["requestId"] == "request-1"


@every_python
@ahead_and_fresh
async def test_the_search_path_is_the_package_the_layers_the_runtime_and_the_interpreters(
    start: Start, runtime: str, ahead: bool
) -> None:
    code = "import sys\ndef handler(event, context): return [sys.path, sys.argv]"
    layers = {"python/a.txt": "", f"python/lib/{runtime}/site-packages/a.txt": ""}
    async with start(runtime, {"app.py": code}, Event(), layers=layers, ahead=ahead) as run:
        path, argv = (await run.post()).json
    assert path[0].endswith("/task")
    assert path[1].endswith(f"/opt/python/lib/{runtime}/site-packages")
    assert path[2].endswith("/opt/python")
    assert path[3].endswith("/bootstrap/python")
    library = [f"{runtime.replace('.', '')}.zip", runtime, "lib-dynload", "site-packages"]
    assert [p.rpartition("/")[2] for p in path[-4:]] == library
    assert argv == [f"{path[3]}/bootstrap.py"]


@every_python
@ahead_and_fresh
async def test_only_what_awss_runtime_imports_hides_a_functions_own_module(
    start: Start, interpreter: Callable[[str], Interpreter | None], runtime: str, ahead: bool
) -> None:
    names, expected = own_modules(interpreter(runtime)), hidden(interpreter(runtime))
    code = f"""\
    NAMES = {names!r}
    def handler(event, context): return [name for name in NAMES if not hasattr(__import__(name), "MINE")]
    """
    files = {f"{name}.py": "MINE = True" for name in names} | {"app.py": code}
    async with start(runtime, files, Event(), ahead=ahead) as run:
        assert set((await run.post()).json) == expected


@ahead_and_fresh
async def test_path_files_of_layers_and_of_the_package_are_read(start: Start, ahead: bool) -> None:
    layers = {"python/more.pth": "below\nimport sys; sys.more = True\n", "python/below/deep.py": "VALUE = 'layer'"}
    files = {
        "app.py": "import sys, deep, tasked\ndef handler(e, c): return [deep.VALUE, tasked.VALUE, sys.more]",
        "mine.pth": "vendored\n",
        "vendored/tasked.py": "VALUE = 'package'",
    }
    async with start(ONE, files, Event(), layers=layers, ahead=ahead) as run:
        assert (await run.post()).json == ["layer", "package", True]


@ahead_and_fresh
async def test_the_runtime_is_where_sentry_looks_for_it(start: Start, ahead: bool) -> None:
    code = """\
    import sys
    client = sys.modules["__main__"].awslambdaricmain.bootstrap
    def handler(event, context): return [hasattr(client, "handle_event_request"), "bootstrap" in sys.modules]
    """
    async with start(ONE, {"app.py": code}, Event(), ahead=ahead) as run:
        assert (await run.post()).json == [True, False]


async def test_a_wrappers_python_path_brings_code_before_the_function(start: Start, tmp_path: Path) -> None:
    brought = tmp_path / "brought"
    brought.mkdir()
    (brought / "sitecustomize.py").write_text("import sys\nsys.brought = True\n")
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH="{brought}:$PYTHONPATH" exec "$@"\n')
    wrapper.chmod(0o755)
    code = "import sys\nbefore = sys.brought\ndef handler(event, context): return before"
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    async with start(ONE, {"app.py": code}, Event(), variables=variables) as run:
        assert (await run.post()).json is True


async def test_a_wrapper_may_import_awss_bootstrap_and_call_its_main(start: Start, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        'exec "$1" -c "import sys; sys.path.insert(0, sys.argv[1]); import bootstrap; bootstrap.main()" "${last%/*}"\n'
    )
    wrapper.chmod(0o755)
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    async with start(ONE, {"app.py": "def handler(e, c): return 'ran'"}, Event(), variables=variables) as run:
        assert (await run.post()).json == "ran"


@every_python
async def test_a_function_finds_nothing_of_the_rehearsals_before_it(start: Start, runtime: str) -> None:
    code = """\
    import logging, os, random, sys
    found = {
        "variables": [key for key, value in os.environ.items() if "rehears" in value.lower()],
        "modules": [name for name in sys.modules if "rehearsed" in name],
        "path": [path for path in (*sys.path, *sys.path_importer_cache) if path.endswith("rehearsed")],
        "handlers": len(logging.getLogger().handlers),
        "main": sys.modules["__main__"].__file__.rpartition("/")[2],
        "streams": [sys.__stdout__.fileno(), sys.__stdout__.seekable(), sys.__stderr__.fileno()],
    }
    def handler(event, context): return found
    """
    async with start(runtime, {"app.py": code}, Event()) as run:
        found = (await run.post()).json
        assert run.output() == ""
    assert found == {
        "variables": [],
        "modules": [],
        "path": [],
        "handlers": 1,
        "main": "bootstrap.py",
        "streams": [1, False, 2],
    }


@every_python
async def test_boto3_is_there_and_makes_a_client(start: Start, runtime: str) -> None:
    code = """\
    import boto3
    def handler(event, context): return boto3.client("sqs").meta.region_name
    """
    variables = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    async with start(runtime, {"app.py": code}, Event(), variables=variables) as run:
        assert (await run.post()).json == "us-east-1"


@ahead_and_fresh
@pytest.mark.parametrize("place", ["package", "layer"])
async def test_a_boto3_that_the_function_brings_is_the_one_it_gets(start: Start, place: str, ahead: bool) -> None:
    theirs = {"boto3/__init__.py": "import botocore\nmine = botocore.mine", "botocore/__init__.py": "mine = 'mine'"}
    app = {"app.py": "import boto3\ndef handler(event, context): return boto3.mine"}
    files = app | theirs if place == "package" else app
    layers = {f"python/{name}": text for name, text in theirs.items()} if place == "layer" else None
    async with start(ONE, files, Event(), layers=layers, ahead=ahead) as run:
        assert (await run.post()).json == "mine"


async def test_a_urllib3_of_the_functions_own_is_what_the_runtimes_botocore_gets(start: Start) -> None:
    files = {
        "app.py": "import boto3\ndef handler(event, context): return 1",
        "urllib3/__init__.py": "raise ImportError('their urllib3 was asked for')",
    }
    async with start(ONE, files, Event()) as run:
        assert "their urllib3 was asked for" in (await run.post()).json["errorMessage"]


@ahead_and_fresh
async def test_a_file_named_as_a_preloaded_module_replaces_it_and_a_plain_directory_does_not(
    start: Start, ahead: bool
) -> None:
    files = {
        "csv.py": "def handler(event, context):\n    import gzip\n    return hasattr(gzip, 'open')",
        "gzip/data.txt": "no module",
    }
    async with start(ONE, files, Event(), handler="csv.handler", ahead=ahead) as run:
        assert (await run.post()).json is True


async def test_forks_do_not_share_their_randomness(start: Start) -> None:
    code = "import random, uuid, ssl\ndef handler(e, c): return [random.random(), str(uuid.uuid4()), ssl.RAND_bytes(8).hex()]"
    drawn: list[list[Any]] = []
    for _ in range(2):
        async with start(ONE, {"app.py": code}, Event()) as run:
            drawn.append((await run.post()).json)
    assert all(a != b for a, b in zip(*drawn, strict=True))


@pytest.mark.parametrize(
    ("variables", "expression", "value"),
    [
        ({"TZ": "Asia/Tokyo"}, "time.localtime(0).tm_hour", 9),
        ({}, "time.localtime(0).tm_hour", 0),
        ({"PYTHONHASHSEED": "0", "PYTHONOPTIMIZE": "1"}, "sys.flags.optimize", 1),
        ({"_MINE": "1", "MINE": "2"}, "[os.environ.get('_MINE'), os.environ['MINE']]", [None, "2"]),
        (
            {"PYTHONPATH": "/mine"},
            "['/mine' in sys.path, any(path.endswith('/opt/python') for path in sys.path)]",
            [True, False],
        ),
    ],
)
async def test_the_functions_variables_have_their_effect(
    start: Start, variables: dict[str, str], expression: str, value: object
) -> None:
    code = f"import os, sys, time\ndef handler(event, context): return {expression}"
    async with start(ONE, {"app.py": code}, Event(), variables=variables) as run:
        assert (await run.post()).json == value


async def test_a_wrapper_script_starts_the_interpreter(start: Start, tmp_path: Any) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nWRAPPED="$#" exec "$@"\n')
    wrapper.chmod(0o755)
    code = "import os\ndef handler(event, context): return os.environ['WRAPPED']"
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}
    async with start(ONE, {"app.py": code}, Event(), variables=variables) as run:
        assert (await run.post()).json == "3"  # with -S, where nothing is isolated


@every_python
async def test_a_signal_is_handled_while_the_function_waits_for_events(start: Start, runtime: str) -> None:
    code = """\
    import os, signal, sys, threading
    def on_signal(number, frame):
        print("caught")
        sys.exit(7)
    signal.signal(signal.SIGTERM, on_signal)
    def handler(event, context):
        return os.getpid()
    """
    async with start(runtime, {"app.py": code}, Event()) as run:
        pid = (await run.post()).json
        await run.idle()
        os.kill(pid, 15)
        assert (await run.exited()).code == 7
        assert run.output() == "caught\n"


async def test_at_exit_functions_and_threads_end_as_in_any_program(start: Start) -> None:
    code = """\
    import atexit, sys, threading
    atexit.register(print, "at exit")
    def handler(event, context):
        threading.Thread(target=print, args=("thread",)).start()
        sys.exit()
    """
    async with start(ONE, {"app.py": code}, Event()) as run:
        await run.exited()
        assert run.output() == "thread\nat exit\n"


async def test_multiprocessing_starts_children_that_are_not_the_runtime(start: Start) -> None:
    code = """\
    import multiprocessing
    def child(end): end.send("hello")
    def handler(event, context):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=child, args=(theirs,))
        process.start()
        return ours.recv()
    """
    async with start(ONE, {"app.py": code}, Event()) as run:
        assert (await run.post()).json == "hello"
