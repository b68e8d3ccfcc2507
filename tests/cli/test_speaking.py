"""`lambent invoke`, `logs`, `status` and `env`: what they print, how they end, and what they say when nobody answers."""

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import LAMBENT, Shell, folder
from tests.system.conftest import Server, started, stopped

ECHO = """
def handler(event, context):
    print(f"got {event}")
    if event == "fail":
        raise ValueError("as told")
    return event
"""


@pytest.fixture
def echo(shell: Shell, tmp_path: Path) -> str:
    shell.does("deploy", folder(tmp_path / "echo", app__py=ECHO))
    return "echo"


def test_the_event_is_an_argument_a_file_or_stdin(shell: Shell, echo: str, tmp_path: Path):
    (tmp_path / "event.json").write_text('{"from": "file"}')
    assert shell.does("invoke", echo) == "{}\n"
    assert json.loads(shell.does("invoke", echo, "--payload", '{"from": "here"}')) == {"from": "here"}
    assert json.loads(shell.does("invoke", echo, "--payload", f"@{tmp_path}/event.json")) == {"from": "file"}
    assert json.loads(shell.does("invoke", echo, "--payload", "-", stdin='{"from": "stdin"}')) == {"from": "stdin"}


def test_an_event_that_is_none_is_a_wrong_call(shell: Shell, tmp_path: Path):
    assert "not JSON" in shell.cannot("invoke", "any", "--payload", "{n: 1}", status=2)
    assert "cannot be read: No such file" in shell.cannot("invoke", "any", "--payload", f"@{tmp_path}/absent", status=2)


def test_a_function_that_fails_makes_the_command_fail_and_its_answer_is_printed(shell: Shell, echo: str):
    done = shell.run("invoke", echo, "--payload", '"fail"', "--log")
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "ValueError"
    assert "got fail" in done.stderr
    assert "REPORT" in done.stderr


def test_a_function_that_is_not_there_is_named(shell: Shell):
    assert "nobody" in shell.cannot("invoke", "nobody")
    assert "there is no function nobody" in shell.cannot("logs", "nobody")


def test_logs_are_printed_once_each_and_followed_until_interrupted(shell: Shell, echo: str):
    shell.does("invoke", echo, "--payload", '"before"')
    following = subprocess.Popen(
        [*LAMBENT, "logs", echo, "--follow"],
        env=shell.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    lines = list(until(following, "got before"))
    shell.does("invoke", echo, "--payload", '"after"')
    lines += until(following, "got after")
    following.send_signal(signal.SIGINT)
    rest, errors = following.communicate(timeout=10)
    assert following.returncode == 0, errors
    assert errors == ""
    everything = "".join(lines) + rest
    assert everything.count("got before") == 1
    assert everything.count("got after") == 1
    assert "got before" in shell.does("logs", echo)


def until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    """Lines up to one with the text in it."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text} never came: {lines}")


def test_status_names_the_functions_and_their_states(shell: Shell, server: Server, echo: str):
    said = shell.does("status")
    assert f"is ready at {server.endpoint}" in said
    assert re.search(r"^Execution environments: \d+ of \d+, \d+ MiB of \d+ MiB in use", said, re.MULTILINE)
    assert any(line.split()[0] == echo and line.endswith("Active") for line in said.splitlines()[1:])


def test_status_says_how_many_log_lines_are_missing(tmp_path: Path):
    server = started(tmp_path / "data", "--log-invocation-bytes", str(64 * 1024))
    try:
        shell = Shell(server.keys | {"AWS_ENDPOINT_URL": server.endpoint})
        shell.does("deploy", folder(tmp_path / "floods", app__py="def handler(e, c):\n    print('x\\n' * 50_000)\n"))
        assert "missing since the start" not in shell.does("status")
        shell.does("invoke", "floods", "--log")
        assert re.search(r"^Logs: \d{4,5} lines are missing since the start", shell.does("status"), re.MULTILINE)
    finally:
        assert stopped(server) == 0


def test_wrong_keys_are_told_with_where_they_are_from(shell: Shell):
    wrong = Shell(shell.variables | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    for words in (["status"], ["invoke", "echo"], ["logs", "echo"]):
        said = wrong.cannot(*words)
        assert "refuses the keys from the environment" in said
        assert "--data" in said


def test_commands_without_a_lambent_say_how_to_start_one(shell: Shell, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    deserted = Shell(shell.variables | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    code = folder(tmp_path / "code", app__py=ECHO)
    for words in (["status"], ["invoke", "echo"], ["logs", "echo"], ["deploy", code]):
        said = deserted.cannot(*words)
        assert f"nothing answers at http://127.0.0.1:{port}" in said
        assert "`lambent up` starts it" in said


def test_without_a_key_commands_say_what_makes_one(nowhere: Shell):
    for words in (["env"], ["status"], ["invoke", "echo"]):
        assert "the first `lambent up` makes it" in nowhere.cannot(*words)


def test_called_with_nothing_it_says_what_there_is(nowhere: Shell):
    done = nowhere.run()
    assert done.returncode == 2
    assert "print what a function has logged" in done.stderr


def test_every_command_has_help_and_a_wrong_one_is_refused(nowhere: Shell):
    listed = nowhere.does("--help")
    for command in ("up", "env", "deploy", "invoke", "logs", "status", "sdk", "doctor"):
        assert f"\n  {command} " in listed
        assert nowhere.does(command, "--help").startswith(f"usage: lambent {command}")
    assert "invalid choice" in nowhere.cannot("fly", status=2)
