"""`lambent deploy`: a folder becomes a function, or the new code of one; what could not run is refused with the reason."""

import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Shell, folder
from tests.system.conftest import Server, started, stopped

HELLO = "def handler(event, context):\n    return {'hello': event.get('name')}\n"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")


def test_a_folder_becomes_a_function_that_answers(shell: Shell, tmp_path: Path):
    said = shell.run("deploy", folder(tmp_path / "hello", app__py=HELLO))
    assert said.returncode == 0, said.stderr
    assert "creating hello" in said.stderr
    assert "hello is active" in said.stdout
    assert json.loads(shell.does("invoke", "hello", "--payload", '{"name": "Ada"}')) == {"hello": "Ada"}


def test_deploying_the_same_folder_again_changes_nothing(shell: Shell, server: Server, tmp_path: Path):
    directory = folder(tmp_path / "same", app__py=HELLO)
    shell.does("deploy", directory)
    before = server.client("lambda").get_function_configuration(FunctionName="same")["RevisionId"]
    again = shell.run("deploy", directory)
    assert again.returncode == 0
    assert "same is up to date" in again.stderr
    assert server.client("lambda").get_function_configuration(FunctionName="same")["RevisionId"] == before


def test_new_code_and_settings_are_brought_to_the_function_in_place(shell: Shell, server: Server, tmp_path: Path):
    directory = folder(tmp_path / "grows", app__py=HELLO)
    shell.does("deploy", directory, "--memory", "256")
    arn = server.client("lambda").get_function_configuration(FunctionName="grows")["FunctionArn"]
    folder(tmp_path / "grows", app__py="import os\ndef handler(e, c): return os.environ['WHO']\n")
    shell.does("deploy", directory, "--timeout", "7", "--env", "WHO=Grace")
    after = server.client("lambda").get_function_configuration(FunctionName="grows")
    assert (after["FunctionArn"], after["MemorySize"], after["Timeout"]) == (arn, 256, 7)
    assert shell.does("invoke", "grows") == '"Grace"\n'


def test_updates_do_not_wait_for_their_least_time(nowhere: Shell, tmp_path: Path):
    """Two of them, one after the other, of a Lambent that holds each for a minute: this would run into the guard."""
    server = started(tmp_path / "data", "--sandbox", "process", "--update-least-s", "60")
    shell = Shell(nowhere.variables | server.keys | {"AWS_ENDPOINT_URL": server.endpoint})
    directory = folder(tmp_path / "hasty", app__py=HELLO)
    shell.does("deploy", directory)
    folder(tmp_path / "hasty", app__py="import os\ndef handler(e, c): return os.environ['WHO']\n")
    assert "hasty is active" in shell.does("deploy", directory, "--env", "WHO=Grace")
    assert shell.does("invoke", "hasty") == '"Grace"\n'
    client = server.client("lambda")
    client.update_function_configuration(FunctionName="hasty", Timeout=9)  # while others wait
    assert client.get_function_configuration(FunctionName="hasty")["LastUpdateStatus"] == "InProgress"
    assert stopped(server) == 0


@needs_node
def test_the_node_example_greets(shell: Shell):
    shell.does("deploy", str(EXAMPLES / "hello-node"))
    assert "Ada" in json.loads(shell.does("invoke", "hello-node", "--payload", '{"name": "Ada"}'))["greeting"]


def test_the_custom_runtime_example_greets(shell: Shell):
    shell.does("deploy", str(EXAMPLES / "hello-custom"))
    assert json.loads(shell.does("invoke", "hello-custom", "--payload", '{"name": "Ada"}'))["event"] == {"name": "Ada"}


def test_the_thumbnail_example_brings_what_its_requirements_name(shell: Shell):
    shell.does("deploy", str(EXAMPLES / "thumbnail"), "--memory", "1024", "--timeout", "10")
    picture = b64encode((EXAMPLES / "thumbnail" / "lake.jpg").read_bytes()).decode()
    answer = json.loads(shell.does("invoke", "thumbnail", "--payload", "-", stdin=json.dumps({"picture": picture})))
    assert answer["width"] <= 256


def test_what_no_function_can_be_made_of_is_refused_with_what_to_do(shell: Shell, tmp_path: Path):
    absent = shell.cannot("deploy", str(tmp_path / "absent"))
    assert "absent does not exist" in absent
    empty = shell.cannot("deploy", folder(tmp_path / "empty"))
    assert "has none of app.py" in empty
    assert "--runtime and --handler" in empty
    unnamed = shell.cannot("deploy", folder(tmp_path / "%", app__py=HELLO))
    assert "give --name" in unnamed


def test_a_handler_that_is_not_there_is_refused_before_anything_is_made(shell: Shell, server: Server, tmp_path: Path):
    directory = folder(tmp_path / "handless", app__py="x = 1\n")
    assert "defines neither handler nor lambda_handler" in shell.cannot("deploy", directory)
    assert "needs main.py" in shell.cannot("deploy", directory, "--handler", "main.handler")
    assert "is not FILE.FUNCTION" in shell.cannot("deploy", directory, "--handler", "main")
    names = [row["FunctionName"] for row in server.client("lambda").list_functions()["Functions"]]
    assert "handless" not in names


def test_a_bootstrap_that_may_not_be_executed_is_refused(shell: Shell, tmp_path: Path):
    directory = folder(tmp_path / "custom", bootstrap="#!/bin/sh\n")
    assert "chmod +x" in shell.cannot("deploy", directory)
    assert "no file bootstrap" in shell.cannot(
        "deploy", folder(tmp_path / "bare", a="b"), "--runtime", "provided.al2023", "--handler", "x"
    )


def test_requirements_that_cannot_be_installed_are_told_as_pip_tells_them(shell: Shell, tmp_path: Path):
    directory = folder(tmp_path / "needy", app__py=HELLO, requirements__txt="./not-there\n")
    assert "pip could not install" in shell.cannot("deploy", directory)


def test_dependencies_of_node_that_are_not_installed_are_refused(shell: Shell, tmp_path: Path):
    directory = folder(
        tmp_path / "modules", index__js="exports.handler = 1", package__json='{"dependencies": {"left-pad": "1"}}'
    )
    assert "npm install" in shell.cannot("deploy", directory, "--runtime", "nodejs24.x")


def test_what_the_service_refuses_is_told_in_its_words(shell: Shell, tmp_path: Path):
    directory = folder(tmp_path / "refused", app__py=HELLO)
    assert "MemorySize" in shell.cannot("deploy", directory, "--memory", "1")
    assert "python9" in shell.cannot("deploy", directory, "--runtime", "python9", "--handler", "app.handler")
    assert "is not NAME=VALUE" in shell.cannot("deploy", directory, "--env", "NAME", status=2)


def test_what_is_no_folder_is_told_with_what_is_wanted(nowhere: Shell, tmp_path: Path):
    assert "missing does not exist" in nowhere.cannot("deploy", str(tmp_path / "missing"))
    for name, word in (("package.zip", "create-function --zip-file"), ("app.py", f"the function's code: {tmp_path}?")):
        (tmp_path / name).touch()
        said = nowhere.cannot("deploy", str(tmp_path / name))
        assert f"{name} is no folder" in said
        assert word in said
