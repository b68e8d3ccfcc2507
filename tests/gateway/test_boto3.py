"""boto3's own clients, unchanged but for their endpoint, against the gateway behind its server."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.gateway.small import ACCOUNT
from tests.gateway.test_door import door
from tests.wire.signing import ACCESS_KEY, REGION, SECRET

ONCE = Config(retries={"max_attempts": 1, "mode": "standard"})


def client(service: str, port: int, secret: str = SECRET) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        config=ONCE,
    )


async def test_a_function_is_invoked_by_name_and_by_arn():
    async with door() as port:
        functions = client("lambda", port)
        for name in ("hello", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hello"):
            answer = await asyncio.to_thread(
                functions.invoke, FunctionName=name, Qualifier="$LATEST", Payload=b'{"a": "\xc3\xa9"}'
            )
            assert answer["Payload"].read() == b'{"a": "\xc3\xa9"}'
            assert answer["ExecutedVersion"] == "$LATEST"


async def test_logs_and_sts_are_called():
    async with door() as port:
        groups = await asyncio.to_thread(client("logs", port).describe_log_groups)
        assert groups["nextToken"] == REGION
        identity = await asyncio.to_thread(client("sts", port).get_caller_identity)
        assert identity["Account"] == ACCOUNT


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "status"),
    [
        ("lambda", "list_functions", {}, "NotImplemented", 501),
        ("s3", "put_object", {"Bucket": "b", "Key": "k/l", "Body": b"x"}, "NotImplemented", 501),
        ("dynamodb", "list_tables", {}, "NotImplemented", 501),
        ("ec2", "describe_instances", {}, "NotImplemented", 501),
        ("cloudwatch", "list_metrics", {}, "NotImplemented", 501),
        ("route53", "list_hosted_zones", {}, "NotImplemented", 501),
    ],
)
async def test_boto3_understands_that_an_operation_is_missing(
    service: str, operation: str, arguments: dict[str, Any], code: str, status: int
):
    async with door() as port:
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(getattr(client(service, port), operation), **arguments)
    response: Any = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert "is an AWS operation that Lambent does not implement yet." in response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("lambda", "get_account_settings", "InvalidSignatureException", 403),
        ("logs", "describe_log_groups", "InvalidSignatureException", 400),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch", 403),
        ("ec2", "describe_instances", "SignatureDoesNotMatch", 403),
        ("s3", "list_buckets", "SignatureDoesNotMatch", 403),
        ("cloudwatch", "list_metrics", "InvalidSignatureException", 400),
    ],
)
async def test_boto3_understands_that_its_secret_is_wrong(service: str, operation: str, code: str, status: int):
    async with door() as port:
        with pytest.raises(ClientError) as caught:
            await asyncio.to_thread(getattr(client(service, port, "wrong"), operation))
    response: Any = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert "does not match" in response["Error"]["Message"]


async def test_a_presigned_url_of_boto3_is_accepted():
    async with door() as port:
        url = client("sts", port).generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = url.partition(f":{port}")[2]
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
    assert b"<Account>123456789012</Account>" in answer
