"""Logs, IAM and STS behind the real gateway and the real server, and boto3 before them.

The clock stands still at the machine's time, so that signatures are in time; a test that lets days pass uses `auth="open"`.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from lambent.core.clock import FakeClock
from lambent.core.door import serving
from lambent.core.http import HttpLimits
from lambent.core.ids import SeededIds
from lambent.gateway.gateway import Gateway, Mode
from lambent.services.iam.service import MIGRATIONS, iam
from lambent.services.logs.service import LogSettings, logs
from lambent.services.sts.access_keys import AccessKeys
from lambent.services.sts.service import sts
from lambent.storage.database import opened
from lambent.storage.directory import ephemeral
from lambent.storage.disk import Disk

ACCOUNT = "123456789012"
REGION = "eu-central-1"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


class Cloud:
    """One running cloud; `aws.call("logs", "create_log_group", ...)` is boto3's call in a thread."""

    def __init__(self, port: int, clock: FakeClock, keys: AccessKeys, services: dict[str, Any]) -> None:
        self.port = port
        self.clock = clock
        self.keys = keys
        self.services = services
        self.sink = services["logs"].state.writer.at(ACCOUNT, REGION, "f")
        self._clients: dict[str, Any] = {}

    def client(self, service: str, credentials: dict[str, Any] | None = None) -> Any:
        """A boto3 client, root's unless credentials as STS gives them are passed."""
        root = {"AccessKeyId": self.keys.root.access_key_id, "SecretAccessKey": self.keys.root.secret_access_key}
        given = credentials or root
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(retries={"max_attempts": 1, "mode": "standard"}),
        )

    async def call(self, service: str, operation: str, **members: Any) -> Any:
        """What the operation answers."""
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return await asyncio.to_thread(getattr(self._clients[service], operation), **members)

    async def refusal(self, service: str, operation: str, **members: Any) -> tuple[str, str]:
        """Code and sentence of the error that the operation answers."""
        try:
            answer = await self.call(service, operation, **members)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise AssertionError(f"{operation} was not refused: {answer}")

    async def logged(self, group: str, stream: str, *messages: str) -> None:
        """Messages of the same moment, through the sink, until they are readable."""
        self.sink.append(group, stream, self.now_ms, messages)
        await self.services["logs"].state.writer.drain()

    @property
    def now_ms(self) -> int:
        return round(self.clock.now() * 1000)


@asynccontextmanager
async def cloud(auth: Mode = "enforced", settings: LogSettings | None = None) -> AsyncIterator[Cloud]:
    clock, ids = FakeClock(time.time()), SeededIds()
    with ephemeral() as data:
        async with (
            opened(data.path / "state.db", MIGRATIONS, "memory") as database,
            logs(data, clock, settings or LogSettings(), Disk(data.path, 0)) as log_service,
        ):
            iam_service = iam(database)
            keys = AccessKeys.of(data, ACCOUNT, iam_service.state.roles, clock, ids)
            services = {"logs": log_service, "iam": iam_service, "sts": sts(keys, iam_service.state.roles)}
            gateway = Gateway(
                services, keys, auth=auth, clock=clock, ids=ids, account=ACCOUNT, region=REGION, version="test"
            )
            listener = socket.create_server(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            async with serving(
                gateway.handle,
                sockets=[listener],
                limits=HttpLimits(),
                admit=gateway.admit,
                refusal=gateway.refuse,
                grace_s=0.1,
            ):
                yield Cloud(port, clock, keys, services)
