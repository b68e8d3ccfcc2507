"""A Lambent to measure: started as a user starts it, with access enforced, and functions deployed through boto3."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from benchmarks.client import Target, invocation

MEMORY_MIB = 1769  # a whole processor, so that no figure is one of throttling
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Lambent:
    """A running `lambent up`."""

    def __init__(self, process: subprocess.Popen[str], endpoint: str, keys: tuple[str, str], ready_s: float) -> None:
        self.process = process
        self.endpoint = endpoint
        self.keys = keys
        self.ready_s = ready_s  # from exec to the ready line
        self.client = self._client("lambda")
        self._role = self._client("iam").create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,  # pyright: ignore[reportArgumentType]
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.keys[0],
            aws_secret_access_key=self.keys[1],
        )

    def deploy(self, name: str, runtime: str, handler: str, files: dict[str, bytes]) -> None:
        """Make a function and wait until it is active."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            for file, content in files.items():
                entry = zipfile.ZipInfo(file)
                entry.external_attr = 0o755 << 16
                package.writestr(entry, content)
        self.client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler=handler,
            Role=self._role["Role"]["Arn"],
            Code={"ZipFile": archive.getvalue()},
            MemorySize=MEMORY_MIB,
            Timeout=30,
        )
        self.client.get_waiter("function_active_v2").wait(FunctionName=name)

    def renew(self, name: str, number: int) -> None:
        """Change the function's revision, so that its next invocation is a cold start."""
        self.client.update_function_configuration(FunctionName=name, Description=str(number))
        while self.client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] != "Successful":
            time.sleep(0.002)

    def target(self, function: str, event: bytes = b"{}") -> Target:
        parts = urlsplit(self.endpoint)
        return invocation((parts.hostname or "", parts.port or 0), self.keys, function, event)


@contextmanager
def lambent(*flags: str) -> Generator[Lambent]:
    """A Lambent on a new data directory and a free port."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "lambent", "up", "--port", "0", "--data", data, *flags]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready_s = time.perf_counter() - began
            if not line:
                raise SystemExit(process.wait())
            key = json.loads((Path(data) / "root.key").read_bytes())
            keys = (key["access_key_id"], key["secret_access_key"])
            try:
                yield Lambent(process, line.split()[4], keys, ready_s)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait()


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += descendants(int(child))
    return found


def pss_mib(pids: list[int]) -> float:
    """Their proportional share of memory."""
    total_kib = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total_kib += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total_kib / 1024


def cores() -> int:
    return os.cpu_count() or 1
