"""The main job, as a newcomer does it: deploy a function through plain boto3 or the AWS CLI, and invoke it."""

import base64
import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.system.conftest import Server, deployed, role, started, stopped, zipped

AWS = Path(__file__).parents[2] / ".build" / "awscli-venv" / "bin" / "aws"
PYTHON = f"python3.{sys.version_info.minor}"  # the one that is surely there
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


def answer(response: dict) -> object:
    return json.loads(response["Payload"].read())


def test_a_python_function_answers_with_its_log_and_the_version_that_ran(server: Server):
    code = "def handler(event, context):\n  print('hello')\n  return {'got': event, 'id': context.aws_request_id}\n"
    client = deployed(server, "first", PYTHON, "app.handler", zipped(app__py=code))
    response = client.invoke(FunctionName="first", Payload=b'{"a": 1}', LogType="Tail")
    log = base64.b64decode(response["LogResult"]).decode()
    request_id = response["ResponseMetadata"]["RequestId"]
    assert answer(response) == {"got": {"a": 1}, "id": request_id}
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert log.startswith(
        f"START RequestId: {request_id} Version: $LATEST\nhello\nEND RequestId: {request_id}\nREPORT "
    )
    assert "Billed Duration" in log


def test_the_answer_has_the_trace_of_the_invocation(server: Server):
    code = "import os\ndef handler(event, context): return os.environ['_X_AMZN_TRACE_ID']\n"
    client = deployed(server, "traced", PYTHON, "app.handler", zipped(app__py=code))
    response = client.invoke(FunctionName="traced")
    own = answer(response)
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"] == own
    assert isinstance(own, str)
    assert own.startswith("Root=1-")
    given = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    client.meta.events.register(
        "before-sign.lambda.Invoke", lambda request, **_: request.headers.add_header("X-Amzn-Trace-Id", given)
    )
    response = client.invoke(FunctionName="traced")
    assert answer(response) == response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"] == given
    assert "x-amzn-trace-id" not in client.get_function(FunctionName="traced")["ResponseMetadata"]["HTTPHeaders"]


def test_the_log_of_a_function_is_in_cloudwatch_logs(server: Server):
    client = deployed(
        server, "logging", PYTHON, "app.handler", zipped(app__py="def handler(e, c): print('to be found')")
    )
    client.invoke(FunctionName="logging")
    logs = server.client("logs")
    found: list[str] = []
    while not any("REPORT" in message for message in found):
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/logging")["events"]
        except logs.exceptions.ResourceNotFoundException:
            continue
        found = [event["message"] for event in events]
    assert "to be found\n" in found


def test_a_function_calls_aws_as_its_role(server: Server):
    code = "import boto3\nsts = boto3.client('sts')\ndef handler(e, c):\n    return sts.get_caller_identity()['Arn']\n"
    client = deployed(server, "as-role", PYTHON, "app.handler", zipped(app__py=code))
    assert answer(client.invoke(FunctionName="as-role")) == ("arn:aws:sts::000000000000:assumed-role/for-tests/as-role")


def node_runtime() -> str:
    version = subprocess.run(["node", "-p", "process.versions.node"], check=True, capture_output=True, text=True).stdout
    return f"nodejs{version.split('.')[0]}.x"


@needs_node
def test_a_node_function_answers(server: Server):
    code = "exports.handler = async (event) => { console.log('hi'); return { doubled: event.n * 2 } }"
    client = deployed(server, "node", node_runtime(), "index.handler", zipped(index__js=code))
    response = client.invoke(FunctionName="node", Payload=b'{"n": 21}')
    assert answer(response) == {"doubled": 42}


@needs_node
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("exports.handler = (event, context, callback) => setTimeout(() => callback(null, event), 5)", 7),
        ("exports.handler = (event, context) => context.succeed(event)", 7),
        ("exports.handler = async () => undefined", None),
        ("exports.handler = async (e, c) => (c.getRemainingTimeInMillis() > 0 && c.functionName.length > 0)", True),
        ("exports.handler = async () => { throw new RangeError('no') }", ("RangeError", "no")),
        ("exports.handler = () => new Promise(() => setImmediate(() => { throw new Error('x') }))", ("Error", "x")),
        ("exports.other = 1", ("Runtime.HandlerNotFound", "index.handler is undefined or not exported")),
        ("exports.handler = async () => ({ big: 'x'.repeat(7000000) })", ("Function.ResponseSizeTooLarge", "exceeded")),
        ("exports.handler = async () => process.exit(4)", ("Runtime.ExitError", "exit status 4")),
    ],
)  # fmt: skip
def test_a_node_function_ends_as_it_does_in_aws(server: Server, code: str, expected: object):
    name = f"node-{abs(hash(code))}"
    client = deployed(server, name, node_runtime(), "index.handler", zipped(index__js=code), Timeout=5)
    for _ in range(3):  # cold, warm, and after whatever it was
        response = client.invoke(FunctionName=name, Payload=b"7")
        result = answer(response)
        if not isinstance(expected, tuple):
            assert result == expected
            continue
        assert response["FunctionError"] == "Unhandled"
        assert isinstance(result, dict)
        assert result["errorType"] == expected[0]
        assert expected[1] in result["errorMessage"]


BASH_RUNTIME = r"""#!/bin/bash
while true; do
  exec 3<>/dev/tcp/127.0.0.1/${AWS_LAMBDA_RUNTIME_API##*:}
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
  while IFS= read -r line <&3; do
    line=${line%$'\r'}
    [ -z "$line" ] && break
    case "$line" in
      Lambda-Runtime-Aws-Request-Id:*) id=${line#*: } ;;
      Content-Length:*) length=${line#*: } ;;
    esac
  done
  IFS= read -r -N "$length" event <&3
  printf "POST /2018-06-01/runtime/invocation/$id/response HTTP/1.1\r\nHost: x\r\nContent-Length: $length\r\n\r\n$event" >&3
  IFS= read -r status <&3
  exec 3>&-
done
"""


def test_a_custom_runtime_answers(server: Server):
    client = deployed(server, "custom", "provided.al2023", "none", zipped(bootstrap=BASH_RUNTIME))
    for number in range(3):
        assert answer(client.invoke(FunctionName="custom", Payload=str(number).encode())) == number


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("def handler(e, c): raise ValueError('no')", "ValueError", "no"),
        ("import absent", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'absent'"),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("def handler(e, c): return object()", "Runtime.MarshalError", "Unable to marshal response"),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError", "exit status 3"),
        ("import os\ndef handler(e, c): os._exit(0)", "Runtime.ExitError", "exited without providing a reason"),
        ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", "Runtime.ExitError", "signal: killed"),
        ("import time\ndef handler(e, c): time.sleep(99)", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ],
)
def test_a_function_that_fails_is_a_200_that_says_unhandled(server: Server, code: str, error_type: str, message: str):
    name = f"fails-{abs(hash(code))}"
    timeout_s = 1 if error_type == "Sandbox.Timedout" else 60  # the others end by themselves, on a busy machine late
    client = deployed(server, name, PYTHON, "app.handler", zipped(app__py=code), Timeout=timeout_s)
    response = client.invoke(FunctionName=name)
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    body = answer(response)
    assert isinstance(body, dict)
    assert body["errorType"] == error_type
    assert message in body["errorMessage"]


RESETS_PYTHON = """
import os, signal, time
ever = []
def handler(event, context):
    ever.append(1)
    path = f"/tmp/{event['file']}"
    if event["do"] == "look":
        return [len(ever), open(path).read()]
    open(path, "w").write("kept")
    if event["do"] == "sleep": time.sleep(99)
    if event["do"] == "exit": os._exit(1)
    os.kill(os.getpid(), signal.SIGSEGV)
"""
RESETS_NODE = """
const fs = require("fs"), ever = [];
exports.handler = async (event) => {
  ever.push(1);
  const path = `/tmp/${event.file}`;
  if (event.do === "look") return [ever.length, fs.readFileSync(path, "utf8")];
  fs.writeFileSync(path, "kept");
  if (event.do === "sleep") await new Promise(() => setTimeout(() => {}, 99000));
  if (event.do === "exit") process.exit(1);
  process.kill(process.pid, "SIGSEGV");
  await new Promise(() => setTimeout(() => {}, 99000));
};
"""


@pytest.mark.parametrize("how", ["sleep", "exit", "crash"])
@pytest.mark.parametrize("language", ["python", pytest.param("node", marks=needs_node)])
def test_after_a_reset_tmp_is_the_same_and_the_runtime_another(server: Server, language: str, how: str):
    if language == "python":
        runtime, handler, package = PYTHON, "app.handler", zipped(app__py=RESETS_PYTHON)
    else:
        runtime, handler, package = node_runtime(), "index.handler", zipped(index__js=RESETS_NODE)
    name, file = f"resets-{language}-{how}", uuid.uuid4().hex
    client = deployed(server, name, runtime, handler, package, Timeout=2)
    failed = client.invoke(FunctionName=name, Payload=json.dumps({"do": how, "file": file}))
    assert failed["FunctionError"] == "Unhandled"
    looked = client.invoke(FunctionName=name, Payload=json.dumps({"do": "look", "file": file}))
    assert json.loads(looked["Payload"].read()) == [1, "kept"]
    client.delete_function(FunctionName=name)
    Path("/tmp", file).unlink(missing_ok=True)  # where nothing is isolated, /tmp is the machine's


def test_a_runtime_that_this_machine_lacks_fails_with_what_to_install(server: Server):
    client = server.client("lambda")
    client.create_function(
        FunctionName="java", Runtime="java21", Handler="a.B::c", Role=role(server), Code={"ZipFile": zipped(a="b")}
    )
    while (state := client.get_function_configuration(FunctionName="java"))["State"] == "Pending":
        pass
    assert state["State"] == "Failed"
    assert state["StateReasonCode"] == "InvalidRuntime"
    with pytest.raises(ClientError, match="currently in the following state: Failed"):
        client.invoke(FunctionName="java")


def test_fifty_invocations_at_once_all_answer(server: Server):
    deployed(server, "many", PYTHON, "app.handler", zipped(app__py="def handler(e, c): return e"))

    def one(number: int) -> object:
        return answer(server.client("lambda").invoke(FunctionName="many", Payload=str(number).encode()))

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(one, range(50))) == list(range(50))


def test_dry_run_answers_204_and_events_are_honestly_not_there(server: Server):
    client = deployed(server, "dry", PYTHON, "app.handler", zipped(app__py="def handler(e, c): return 1"))
    assert client.invoke(FunctionName="dry", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="dry", InvocationType="Event")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_an_operation_that_is_not_there_yet_says_so(server: Server):
    with pytest.raises(ClientError, match="lambda:ListCapacityProviders") as caught:
        server.client("lambda").list_capacity_providers()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


@pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed; `make test` installs it")
def test_the_aws_cli_deploys_and_invokes(server: Server, tmp_path: Path):
    (tmp_path / "code.zip").write_bytes(zipped(app__py="def handler(e, c): return e['n'] + 1"))

    def aws(*words: str) -> str:
        done = subprocess.run(
            [AWS, "lambda", *words], env=server.environment(), check=False, capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    aws(
        *("create-function", "--function-name", "cli", "--runtime", PYTHON, "--handler", "app.handler"),
        *("--role", role(server), "--zip-file", "fileb://code.zip"),
    )
    aws("wait", "function-active-v2", "--function-name", "cli")
    aws(*("invoke", "--function-name", "cli", "--payload", '{"n": 41}', "out.json"))
    assert json.loads((tmp_path / "out.json").read_text()) == 42


def test_what_was_acknowledged_survives_kill_9_and_no_guest_does(tmp_path: Path):
    first = started(tmp_path / "data")
    code = "import os\ndef handler(e, c): return os.getpid()"
    client = deployed(first, "kept", PYTHON, "app.handler", zipped(app__py=code))
    answer(client.invoke(FunctionName="kept"))
    guests = descendants(first.process.pid)
    assert guests
    stopped(first, signal.SIGKILL)
    second = started(tmp_path / "data")
    assert isinstance(answer(second.client("lambda").invoke(FunctionName="kept")), int)
    while any(Path(f"/proc/{guest}").exists() for guest in guests):
        time.sleep(0.01)
    assert stopped(second) == 0


def descendants(pid: int) -> list[int]:
    """Every process below `pid`."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return children + [below for child in children for below in descendants(child)]


def test_two_lambents_run_side_by_side_and_a_second_on_the_same_data_does_not(tmp_path: Path):
    one, other = started(tmp_path / "one"), started(tmp_path / "other")
    deployed(one, "mine", PYTHON, "app.handler", zipped(app__py="def handler(e, c): return 1"))
    assert other.client("lambda").list_functions()["Functions"] == []
    third = subprocess.run(
        [sys.executable, "-m", "lambent", "up", "--port", "0", "--data", str(tmp_path / "one")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert third.returncode == 1
    assert str(one.process.pid) in third.stderr
    assert (stopped(one), stopped(other)) == (0, 0)
