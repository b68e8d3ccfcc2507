"""How long an upload holds the server's loop: the largest gap between two ticks of a task that sleeps for a millisecond.

    python -m benchmarks.upload_gaps [MEGABYTES] [FILES]

The server runs in this process, on a temporary directory and without isolation; the client is a process of its own. It prints
the gap of the quiet server, of an upload of one file of so many megabytes (default 50), and of a package with so many small
files (default 20,000), each with how long the upload took. Run it on a quiet machine, and compare in turns.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import uvloop

from lambent.app import Running, running
from lambent.config import Config

TICK_S = 0.001
CLIENT = """
import json, sys, time, boto3
from botocore.config import Config
package = open(sys.argv[1], "rb").read()
name = sys.argv[2]
options = {"config": Config(read_timeout=600, retries={"total_max_attempts": 1})}
iam, functions = boto3.client("iam", **options), boto3.client("lambda", **options)
trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
functions.create_function(FunctionName=name, Runtime="provided.al2023", Handler="x", Role=role, Code={"ZipFile": package})
functions.get_waiter("function_active_v2").wait(FunctionName=name)
print(time.monotonic() - began)
"""


def package(directory: Path, sizes: list[int]) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"{number // 100}/{number}", os.urandom(size))
    file = directory / f"{len(sizes)}.zip"
    file.write_bytes(content.getvalue())
    return file


class Ticks:
    """Records the gaps between ticks."""

    def __init__(self) -> None:
        self.gaps: list[float] = []

    async def run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self.gaps.append(now - last - TICK_S)
            last = now

    def summary(self) -> str:
        gaps = sorted(self.gaps)
        over = sum(gap > 0.010 for gap in gaps)
        return f"largest gap {gaps[-1] * 1e3:7.1f} ms, then {[round(gap * 1e3, 1) for gap in gaps[-4:-1]]}, {over} over 10 ms"


async def main(megabytes: int, files: int) -> None:
    directory = Path(tempfile.mkdtemp())
    packages = {"large": package(directory, [megabytes * 1_000_000 - 200]), "many": package(directory, [100] * files)}
    ticks = Ticks()
    async with (
        running(
            Config(data=directory / "data", port=0, sandbox="process", waiting_pool_size=0, update_least_s=0)
        ) as up,
        asyncio.TaskGroup() as tasks,
    ):
        ticking = tasks.create_task(ticks.run())
        await asyncio.sleep(2)
        print("quiet:", ticks.summary())
        for name, file in packages.items():
            client = await uploading(up, file, name)
            ticks.gaps.clear()
            output, _ = await client.communicate(b"go\n")
            print(f"{name}: {float(output):.1f} s,", ticks.summary())
        ticking.cancel()


async def uploading(up: Running, file: Path, name: str) -> asyncio.subprocess.Process:
    """A client that has everything ready."""
    environment = {
        "AWS_ENDPOINT_URL": up.endpoint,
        "AWS_ACCESS_KEY_ID": up.access_key_id,
        "AWS_SECRET_ACCESS_KEY": up.secret_access_key,
        "AWS_DEFAULT_REGION": up.region,
    }
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CLIENT, str(file), name),
        env=os.environ | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert client.stdout is not None
    await client.stdout.readline()
    return client


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, int(sys.argv[2]) if len(sys.argv) > 2 else 20_000))
