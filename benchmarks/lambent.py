"""A Lambent to measure: started as a user starts it, with access enforced, and functions deployed through boto3."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from benchmarks.client import Target
from benchmarks.functions import Subject
from benchmarks.signing import REGION, Keys, invoke_request, request

FUNCTION = "measured"
AT_ONCE = "x-lambent-at-once"  # as lambent.core.pace has it; an older Lambent, measured in turns, does not mind it
MEMORY_MIB = 1769  # a whole processor, so that no figure is one of throttling
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Lambent:
    """A running `lambent up`."""

    def __init__(self, process: subprocess.Popen[str], endpoint: str, keys: Keys, ready_s: float) -> None:
        self.process = process
        self.endpoint = endpoint
        self.keys = keys
        self.ready_s = ready_s  # from exec to its first answer

    def client(self, service: str, **options: Any) -> Any:
        return boto3.client(
            service,  # pyright: ignore[reportArgumentType]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            **options,
        )

    def deploy(self, subject: Subject, name: str = FUNCTION, memory_mib: int = MEMORY_MIB) -> None:
        """Make the function and wait until it is active."""
        iam = self.client("iam")
        role = iam.create_role(RoleName=f"bench-{name}", AssumeRolePolicyDocument=json.dumps(TRUST))
        client = self.client("lambda")
        client.create_function(
            FunctionName=name,
            Runtime=subject.runtime,
            Handler=subject.handler,
            Role=role["Role"]["Arn"],
            Code={"ZipFile": zipped(subject.files)},
            MemorySize=memory_mib,
            Timeout=30,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name)

    def renew(self, number: int) -> None:
        """Change the function's revision, so that its next invocations are cold starts."""
        client = self.client("lambda")
        client.meta.events.register(
            "before-call.lambda", lambda params, **_: params["headers"].update({AT_ONCE: "yes"})
        )
        client.update_function_configuration(FunctionName=FUNCTION, Description=str(number))
        while client.get_function_configuration(FunctionName=FUNCTION)["LastUpdateStatus"] != "Successful":
            time.sleep(0.002)

    def target(self) -> Target:
        """An Invoke of the function."""
        return Target(urlsplit(self.endpoint).port or 0, invoke_request(self.endpoint, self.keys, FUNCTION, b"{}"))

    def reading(self, path: str, query: dict[str, str] | None = None) -> Target:
        """A GET."""
        return Target(urlsplit(self.endpoint).port or 0, request(self.endpoint, self.keys, "GET", path, query))

    def environments(self) -> int:
        """How many there have been of the function: each has a log stream of its own."""
        pages = (
            self.client("logs").get_paginator("describe_log_streams").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        )
        return sum(len(page["logStreams"]) for page in pages)


@contextmanager
def lambent() -> Generator[Lambent]:
    """A Lambent on a new data directory. Ends with its status when it does not start."""
    with tempfile.TemporaryDirectory() as data, lambent_on(Path(data)) as running:
        yield running


@contextmanager
def lambent_on(data: Path, *flags: str) -> Generator[Lambent]:
    """A Lambent on this data directory and a free port. Ends with its status when it does not start."""
    command = [sys.executable, "-m", "lambent", "up", "--port", "0", "--data", str(data), "--log-level", "warning"]
    command += flags
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        if not ready:
            raise SystemExit(process.wait())
        try:
            endpoint = next(word for word in ready if word.startswith("http"))
            healthy(endpoint)
            ready_s = time.perf_counter() - began
            key = json.loads((data / "root.key").read_bytes())
            yield Lambent(process, endpoint, Keys(key["access_key_id"], key["secret_access_key"]), ready_s)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def healthy(endpoint: str) -> None:
    connection = HTTPConnection(urlsplit(endpoint).netloc)
    connection.request("GET", "/_lambent/health")
    assert connection.getresponse().status == 200
    connection.close()


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            package.writestr(entry, content)
    return archive.getvalue()
