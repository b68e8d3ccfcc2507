"""A real S3 for tests: the Versity gateway on a directory, which `make test` builds where there is a Go toolchain."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig

from tests.mortal import mortal

BINARY = Path(__file__).parent.parent / ".build" / "versitygw" / "versitygw"
KEY, SECRET, REGION = "AKIAS3", "s3-secret", "eu-central-1"


class S3Server:
    """Where it is, and boto3 to fill it with."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        session = boto3.Session(KEY, SECRET, region_name=REGION)
        config = ClientConfig(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        self.client: Any = session.client("s3", endpoint_url=self.endpoint, config=config)

    async def __call__(self, operation: str, **members: object) -> Any:
        return await asyncio.to_thread(getattr(self.client, operation), **members)

    async def put(self, bucket: str, key: str, content: bytes) -> str | None:
        """Put an object; its version, where the bucket has versions."""
        return (await self("put_object", Bucket=bucket, Key=key, Body=content)).get("VersionId")


@asynccontextmanager
async def s3_server(directory: Path) -> AsyncGenerator[S3Server]:
    """An S3 with the bucket `code`, of which objects have versions, until the block ends; skips where there is none."""
    if not BINARY.exists():
        pytest.skip("there is no S3 to read from: the Versity gateway was not built (make test builds it where go is)")
    for name in ("buckets", "versions", "attributes"):
        (directory / name).mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(str(BINARY), "--access", KEY, "--secret", SECRET, "--region", REGION, "--port", f"127.0.0.1:{port}"),
        *("--quiet", "posix", "--versioning-dir", str(directory / "versions")),
        *("--sidecar", str(directory / "attributes"), str(directory / "buckets")),
        preexec_fn=mortal,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await listening(process, port)
        server = S3Server(port)
        await server("create_bucket", Bucket="code")
        await server("put_bucket_versioning", Bucket="code", VersioningConfiguration={"Status": "Enabled"})
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Return when the server takes connections; fail with what it says if it ends instead."""
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    assert process.stderr is not None
    pytest.fail((await process.stderr.read()).decode())
