"""What a function finds in its environment, what it may not put there, and what it is told where there is no interpreter."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider
from lambent.lambda_.runtimes.interpreters import Interpreters, Missing
from lambent.lambda_.runtimes.javascript_sdk import javascript_sdk
from tests.system.conftest import Server, deployed, role, zipped

PYTHON = f"python3.{sys.version_info.minor}"
RESERVED = (
    "Lambda was unable to configure your environment variables because the environment variables you have provided "
    "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: "
)


def environment(server: Server, name: str, runtime: str, code: dict[str, str]) -> dict[str, str]:
    """All variables that a function of the runtime finds; it sets MINE, TZ and PATH_INFO itself."""
    variables = {"MINE": "grüße", "TZ": "Asia/Tokyo", "PATH_INFO": "x"}
    client = deployed(server, name, runtime, "app.handler", zipped(**code), Environment={"Variables": variables})
    return json.loads(client.invoke(FunctionName=name)["Payload"].read())


def expected(found: dict[str, str], name: str, runtime: str | None) -> dict[str, str]:
    """Every variable that AWS sets (reference/lambda.md 2.7), and the function's; values of chance are as they were found."""
    task, lambent = found["LAMBDA_TASK_ROOT"], found["LAMBDA_RUNTIME_DIR"]
    language = found["PATH"].removesuffix("/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin")
    isolated = task == "/var/task"
    by_chance = {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "_X_AMZN_TRACE_ID"),
        *(() if isolated else ("AWS_LAMBDA_RUNTIME_API", "AWS_ENDPOINT_URL")),
    }
    presets = {
        "LD_LIBRARY_PATH": f"{language}/lib:/lib64:/usr/lib64:{lambent}:{lambent}/lib:{task}:{task}/lib:/opt/lib",
        "PATH": f"{language}/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    }
    facts = {
        "_HANDLER": "app.handler",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
    }
    shell = {"PWD": task, "SHLVL": "0"} if runtime else {}
    coerced = {"LC_CTYPE": "C.UTF-8"} if runtime and runtime >= "python3.12" else {}
    given = {"MINE": "grüße", "TZ": "Asia/Tokyo", "PATH_INFO": "x"}
    execution = {"AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}"} if runtime else {}
    return (
        presets | facts | shell | coerced | execution | given | {key: found[key] for key in by_chance if key in found}
    )


def test_a_python_function_finds_awss_variables_and_no_others(server: Server):
    code = "import os\ndef handler(event, context): return dict(os.environ)"
    found = environment(server, "variables", PYTHON, {"app__py": code})
    python_path = found.pop("PYTHONPATH").split(":")
    assert python_path[0] == found["LAMBDA_RUNTIME_DIR"]
    assert python_path == ["/var/runtime"] or found["LAMBDA_TASK_ROOT"] != "/var/task"
    assert found == expected(found, "variables", PYTHON)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_a_node_function_finds_awss_variables_and_no_others(server: Server):
    major = subprocess.run(["node", "-p", "process.versions.node"], check=True, capture_output=True, text=True).stdout
    version = major.split(".")[0]
    code = "exports.handler = async () => process.env"
    found = environment(server, "variables-of-node", f"nodejs{version}.x", {"app__js": code})
    layers = f"/opt/nodejs/node{version}/node_modules:/opt/nodejs/node_modules"
    lambent = found["LAMBDA_RUNTIME_DIR"]
    installed = javascript_sdk().modules if found["LAMBDA_TASK_ROOT"] != "/var/task" else None
    modules = installed or f"{lambent}/node_modules"
    assert found.pop("NODE_PATH") == f"{layers}:{modules}:{lambent}:{found['LAMBDA_TASK_ROOT']}"
    assert found == expected(found, "variables-of-node", f"nodejs{version}.x")


@pytest.mark.parametrize("operation", ["create_function", "update_function_configuration"])
def test_reserved_names_are_refused_and_all_of_them_named(server: Server, operation: str):
    client = server.client("lambda")
    members: dict[str, Any] = {"Runtime": PYTHON, "Handler": "app.handler", "Role": role(server)}
    package = zipped(app__py="")
    if operation == "create_function":
        members["Code"] = {"ZipFile": package}
    else:
        deployed(server, "reserved", PYTHON, "app.handler", package)
    variables = {"AWS_REGION": "mars-1", "MINE": "fine", "AWS_LAMBDA_FUNCTION_NAME": "other"}
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(FunctionName="reserved", Environment={"Variables": variables}, **members)
    error = caught.value.response
    assert error["Error"]["Code"] == "InvalidParameterValueException"
    assert error["Error"]["Message"] == RESERVED + "AWS_REGION, AWS_LAMBDA_FUNCTION_NAME"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_name_that_begins_with_an_underscore_is_no_name(server: Server):
    client = server.client("lambda")
    with pytest.raises(ClientError, match="failed to satisfy constraint: Map keys must satisfy constraint") as caught:
        client.create_function(
            FunctionName="underscore",
            Runtime=PYTHON,
            Handler="app.handler",
            Role=role(server),
            Code={"ZipFile": zipped(app__py="")},
            Environment={"Variables": {"_HANDLER": "other.handler"}},
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"


async def missing_interpreter() -> tuple[str, Missing]:
    """A runtime that Lambent knows how to run and this machine has no interpreter for."""
    interpreters = Interpreters(os.environ)
    for runtime in CATALOGUE.values():
        if runtime.provider in (Provider.NODE, Provider.PYTHON) and not runtime.blocked:
            found = await interpreters.find(runtime)
            if isinstance(found, Missing):
                return runtime.id, found
    pytest.skip("this machine has every interpreter")


def test_an_absent_interpreter_ends_in_failed_with_what_to_install(server: Server):
    runtime, missing = asyncio.run(missing_interpreter())
    client = server.client("lambda")
    client.create_function(
        FunctionName="absent",
        Runtime=runtime,
        Handler="app.handler",
        Role=role(server),
        Code={"ZipFile": zipped(app__py="")},
    )
    with pytest.raises(Exception, match="terminal failure"):
        client.get_waiter("function_active_v2").wait(FunctionName="absent")
    state = client.get_function_configuration(FunctionName="absent")
    assert (state["State"], state["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    assert state["StateReason"] == str(missing)
    assert state["StateReason"].startswith("This machine has no ")
    assert "Install it, for example with `" in state["StateReason"]
