"""What users read of their functions' logs: the events in CloudWatch Logs, and the tail that comes with an answer."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from tests.system.conftest import Server, deployed, zipped
from tests.system.test_first_function import BASH_RUNTIME, PYTHON, needs_node, node_runtime
from tests.system.test_layers import published

LINES = 20_000


def events(server: Server, name: str, reports: int = 1) -> list[str]:
    """The messages of a function's log, when it has so many reports."""
    logs, messages = server.client("logs"), list[str]()
    while sum(message.startswith("REPORT") for message in messages) < reports:
        time.sleep(0.1)
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
            messages = [event["message"] for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            continue
    return messages


def tail_of(client: Any, name: str) -> str:
    return base64.b64decode(client.invoke(FunctionName=name, LogType="Tail")["LogResult"]).decode()


def test_a_record_of_many_lines_is_one_event_at_its_place(server: Server):
    code = (
        "import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\n"
        "def handler(event, context):\n    print('\\n\\none\\rline\\n')\n    log.info('two\\nlines')\n    print('three')\n"
    )
    client = deployed(server, "records", PYTHON, "app.handler", zipped(app__py=code))
    client.invoke(FunctionName="records")
    _, _, one, record, three, *_ = events(server, "records")
    assert (one, three) == ("one\rline\n", "three\n")
    assert record.endswith("\ttwo\nlines\n")


def test_the_last_line_of_an_error_is_in_the_tail_and_end_follows_at_once(server: Server):
    code = "import logging\ndef handler(event, context):\n    try: 1 / 0\n    except Exception: logging.exception('failed')"
    client = deployed(server, "last-line", PYTHON, "app.handler", zipped(app__py=code))
    for _ in range(2):
        assert "\nZeroDivisionError: division by zeroEND RequestId: " in tail_of(client, "last-line")


@needs_node
def test_what_node_writes_without_a_newline_is_in_its_own_tail(server: Server):
    code = "exports.handler = async () => { process.stdout.write('no-newline') }"
    client = deployed(server, "unended", node_runtime(), "index.handler", zipped(index__js=code))
    for _ in range(2):
        assert "\nno-newlineEND RequestId: " in tail_of(client, "unended")


@needs_node
@pytest.mark.parametrize("write", ["console.log(line)", "process.stdout.write(line + '\\n')"])
def test_all_that_a_node_function_has_said_stands_before_its_end(server: Server, write: str):
    name = f"flood-{len(write)}"
    code = f"exports.handler = async () => {{ for (let i = 0; i < {LINES}; i++) {{ const line = 'z:' + i; {write} }} }}"
    client = deployed(server, name, node_runtime(), "index.handler", zipped(index__js=code), MemorySize=1024)
    client.invoke(FunctionName=name)
    said = events(server, name)
    numbers = [int(message.rpartition("z:")[2]) for message in said[2:-2]]
    assert numbers == list(range(LINES))
    assert said[-2].startswith("END")


def test_init_start_names_the_version_of_the_runtime_as_the_configuration_does(server: Server):
    client = deployed(server, "init-start", PYTHON, "app.handler", zipped(app__py="def handler(event, context): pass"))
    client.invoke(FunctionName="init-start")
    arn = client.get_function_configuration(FunctionName="init-start")["RuntimeVersionConfig"]["RuntimeVersionArn"]
    language = PYTHON.removeprefix("python")
    line = f"INIT_START Runtime Version: python:{language}.v1\tRuntime Version ARN: {arn}\n"
    assert events(server, "init-start")[0] == line


def test_an_init_that_fails_again_is_told_before_start(server: Server):
    package = zipped(bootstrap="#!/bin/bash\necho starting\nexit 1\n")
    client = deployed(server, "fails-again", "provided.al2023", "x", package)
    client.invoke(FunctionName="fails-again")
    said = events(server, "fails-again")
    arn = "arn:aws:lambda:us-east-1::runtime:"
    assert said[0].startswith(f"INIT_START Runtime Version: provided:al2023.v1\tRuntime Version ARN: {arn}")
    kinds = [message.split()[0] for message in said[1:]]
    assert kinds == ["starting", "INIT_REPORT", "starting", "INIT_REPORT", "START", "RequestId:", "END", "REPORT"]


def test_the_log_names_the_extensions_that_are_not_started(server: Server):
    layer = published(server, "extension", {"extensions/agent": "#!/bin/sh\nsleep 100\n"})
    client = deployed(server, "extended", "provided.al2023", "x", zipped(bootstrap=BASH_RUNTIME), Layers=[layer])
    client.invoke(FunctionName="extended", Payload=b"1")
    assert events(server, "extended")[1].startswith("[lambent] /opt/extensions is not started: agent. ")
