"""What the tests of Lambda's control plane over the wire share: a whole Lambent, and boto3 against it.

The process backend is used, because nothing is invoked that has to be isolated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError

from lambent.app import running
from lambent.config import Config
from tests.lambda_.zips import HELLO

T = TypeVar("T")

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Aws:
    """boto3 against a running Lambent; blocking calls run in a thread, since the server is on this loop."""

    def __init__(self, session: boto3.Session, endpoint: str) -> None:
        retries = ClientConfig(retries={"total_max_attempts": 1}, max_pool_connections=50)
        self.iam: Any = session.client("iam", endpoint_url=endpoint, config=retries)
        self.sts: Any = session.client("sts", endpoint_url=endpoint, config=retries)
        self.awslambda: Any = session.client("lambda", endpoint_url=endpoint, config=retries)
        _ = self.awslambda.exceptions  # made now, since two threads would get two sets of classes
        self.endpoint = endpoint
        self.role = ""

    async def __call__(self, operation: str, **members: object) -> Any:
        return await asyncio.to_thread(getattr(self.awslambda, operation), **members)

    async def blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.to_thread(call)

    async def create(self, name: str, content: bytes = HELLO, **members: object) -> Any:
        given: dict[str, Any] = {"Runtime": "provided.al2023", "Handler": "x", "Role": self.role} | members
        return await self("create_function", FunctionName=name, Code={"ZipFile": content}, **given)

    async def active(self, name: str, content: bytes = HELLO, **members: object) -> None:
        await self.create(name, content, **members)
        await self.blocking(lambda: self.awslambda.get_waiter("function_active_v2").wait(FunctionName=name))

    async def refused(self, operation: str, **members: object) -> dict[str, Any]:
        with pytest.raises(ClientError) as caught:
            await self(operation, **members)
        return dict(caught.value.response)


@asynccontextmanager
async def lambent(config: Config, *, role: str = "") -> AsyncGenerator[Aws]:
    """A whole Lambent; `role` is that of an earlier one on the same data directory."""
    async with running(config) as up:
        session = boto3.Session(up.access_key_id, up.secret_access_key, region_name=up.region)
        made = await asyncio.to_thread(Aws, session, up.endpoint)
        if not role:
            created = await made.blocking(
                lambda: made.iam.create_role(RoleName="functions", AssumeRolePolicyDocument=json.dumps(TRUST))
            )
            role = created["Role"]["Arn"]
        made.role = role
        yield made


@pytest.fixture
async def aws() -> AsyncGenerator[Aws]:
    async with lambent(
        Config(ephemeral=True, port=0, sandbox="process", waiting_pool_size=0, update_least_s=0)
    ) as made:
        yield made
