"""A whole Lambent, started as its users start it, and boto3 clients that speak to it over the wire."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

from tests.mortal import mortal

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Server(NamedTuple):
    """A running `lambent up`."""

    process: subprocess.Popen[str]
    endpoint: str
    keys: dict[str, str]

    def client(self, service: str, **options: Any) -> Any:
        client = boto3.client(
            service,  # pyright: ignore[reportArgumentType]
            endpoint_url=self.endpoint,
            region_name=self.keys["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}, **options),
        )
        _ = client.exceptions  # made now, since two threads would get two sets of classes
        return client

    def environment(self) -> dict[str, str]:
        """What a command-line tool needs to speak to it."""
        return {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | self.keys | {"AWS_ENDPOINT_URL": self.endpoint}


def started(data: Path, *flags: str, open_files: int | None = None) -> Server:
    """`lambent up` on `data`, ready; `open_files` is its hard limit. Skips where this machine cannot isolate."""

    def limited() -> None:
        mortal()
        if open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    command = [sys.executable, "-m", "lambent"]
    where = ["--data", str(data)]
    process = subprocess.Popen(
        [*command, "up", "--port", "0", "--update-least-s", "0", *where, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,  # noqa: PLW1509  no other thread runs yet
    )
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    if not line and "--sandbox process" in (reason := process.stderr.read()):
        pytest.skip(reason)
    assert line.startswith("Lambent is ready at "), line
    exports = subprocess.run([*command, "env", *where], capture_output=True, text=True, check=True).stdout
    keys: dict[str, str] = {}
    for line_ in exports.splitlines():
        name, _, value = line_.removeprefix("export ").partition("=")
        keys[name] = value
    return Server(process, line.split()[4], keys)


def stopped(server: Server, number: signal.Signals = signal.SIGTERM) -> int:
    server.process.send_signal(number)
    return server.process.wait(timeout=10)


@pytest.fixture(scope="session", params=["native", "process"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = started(tmp_path_factory.mktemp("data"), "--sandbox", request.param)
    yield running
    assert stopped(running) == 0


def zipped(**files: str) -> bytes:
    """A deployment package; a double underscore in a name is a dot."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name.replace("__", "."))
            entry.external_attr = 0o755 << 16
            package.writestr(entry, text)
    return archive.getvalue()


def role(server: Server) -> str:
    iam = server.client("iam")
    try:
        made = iam.create_role(RoleName="for-tests", AssumeRolePolicyDocument=json.dumps(TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName="for-tests")
    return made["Role"]["Arn"]


def deployed(server: Server, name: str, runtime: str, handler: str, package: bytes, **settings: Any) -> Any:
    """A lambda client, once the function is active."""
    client = server.client("lambda", read_timeout=30)
    settings = {"MemorySize": 1769, "Timeout": 10} | settings
    client.create_function(
        FunctionName=name, Runtime=runtime, Handler=handler, Role=role(server), Code={"ZipFile": package}, **settings
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return client
