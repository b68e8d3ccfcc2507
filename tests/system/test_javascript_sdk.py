"""The AWS SDK for JavaScript v3 sees a Lambda: it reads errors, headers, streams and waiters with its own code."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lambent.lambda_.runtimes.javascript_sdk import javascript_sdk
from tests.system.conftest import Server, deployed, role, zipped

MODULES = javascript_sdk().modules
CLIENT = Path(__file__).with_name("javascript_sdk.cjs")
PACKAGE = zipped(
    index__js="""exports.handler = async (event, context) => {
    console.log("hello ü");
    if (event.fail) throw new TypeError("böse");
    return { event, custom: context.clientContext?.custom, set: process.env.SET, arn: context.invokedFunctionArn };
};"""
)

pytestmark = pytest.mark.skipif(
    MODULES is None or shutil.which("node") is None, reason="needs npm and node: make test installs the SDK with them"
)


@pytest.fixture(scope="module")
def seen(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client has seen, by the name of the step."""
    package = tmp_path_factory.mktemp("javascript") / "package.zip"
    package.write_bytes(PACKAGE)
    told = subprocess.run(
        ["node", str(CLIENT), role(server), str(package)],
        env=server.environment() | {"NODE_PATH": str(MODULES), "AWS_REGION": server.keys["AWS_DEFAULT_REGION"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def test_a_function_is_made_waited_for_and_invoked_with_every_unicode(seen: dict[str, Any]):
    answer = seen["invoke"]
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    arn = answer["payload"].pop("arn")
    assert arn.endswith(":function:javascript")
    assert answer["payload"] == {"event": {"a": "ü"}, "custom": {"k": "ü"}, "set": "ü\U0001f600"}
    assert "hello ü" in answer["log"]


def test_a_functions_failure_is_an_answer(seen: dict[str, Any]):
    assert seen["fail"]["FunctionError"] == "Unhandled"
    assert seen["fail"]["payload"]["errorMessage"] == "böse"
    assert seen["fail"]["payload"]["errorType"] == "TypeError"


def test_versions_come_page_by_page_and_tags_may_be_any_text(seen: dict[str, Any]):
    assert seen["versions"] == ["$LATEST", "1"]
    assert seen["tags"] == {"ü é": "x/y+z"}


@pytest.mark.parametrize(
    ("step", "name", "status", "message"),
    [  # reference/lambda.md 14, 2.1 and 1.6
        ("unknown", "ResourceNotFoundException", 404, "Function not found: arn:aws:lambda:"),
        ("mismatch", "InvalidParameterValueException", 400, "The derived qualifier from the function name does not"),
        ("malformed", "ValidationException", 400, "1 validation error detected: Value 'a b' at 'functionName' failed"),
        ("not json", "InvalidRequestContentException", 400, "Could not parse request body into json: Could not parse"),
        ("too large", "RequestEntityTooLargeException", 413, "Request must be smaller than 6291456 bytes for the In"),
        ("revision", "PreconditionFailedException", 412, "The Revision Id provided does not match the latest"),
        ("again", "ResourceConflictException", 409, "Function already exist: javascript"),
        ("event", "NotImplemented", 501, "lambda:Invoke with InvocationType Event is not implemented"),
        ("stream", "NotImplemented", 501, "lambda:InvokeWithResponseStream is an AWS operation that Lambent does not"),
    ],
)
def test_an_error_has_its_name_its_status_and_its_sentence(
    seen: dict[str, Any], step: str, name: str, status: int, message: str
):
    error = seen[step]
    assert (error["name"], error["status"]) == (name, status)
    assert error["message"].startswith(message)


def test_a_dry_run_and_a_deletion_have_no_content(seen: dict[str, Any]):
    assert seen["dry run"]["StatusCode"] == 204
    assert seen["delete"]["StatusCode"] == 204


@pytest.mark.parametrize("form", ["required", "imported"])
def test_functions_find_it_and_reach_lambent_with_it_as_their_role(server: Server, form: str):
    serve = "handler = async () => (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn"
    what = "{ STSClient, GetCallerIdentityCommand }"
    package = {
        "required": zipped(index__js=f"const {what} = require('@aws-sdk/client-sts'); exports.{serve}"),
        "imported": zipped(index__mjs=f"import {what} from '@aws-sdk/client-sts'; export const {serve}"),
    }
    client = deployed(server, f"sdk-{form}", "nodejs20.x", "index.handler", package[form])
    answer = client.invoke(FunctionName=f"sdk-{form}")
    assert ":assumed-role/for-tests/" in json.loads(answer["Payload"].read())
