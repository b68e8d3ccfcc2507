"""Where code comes from and goes to, through boto3, a real S3 and a plain HTTP client."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from lambent.config import Config
from tests.lambda_.conftest import Aws, lambent
from tests.lambda_.zips import HELLO, OTHER, archived, entry
from tests.s3_server import KEY, REGION, SECRET, S3Server, s3_server


def fetched(url: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    """The answer to a plain request, and its body."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=20)
    connection.request(method, f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


async def get(url: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    return await asyncio.to_thread(fetched, url, method)


@asynccontextmanager
async def beside_s3(directory: Path, **settings: Any) -> AsyncGenerator[tuple[Aws, S3Server]]:
    """A Lambent that reads from a real S3."""
    async with s3_server(directory) as s3:
        config = Config(
            **{"ephemeral": True, "port": 0, "sandbox": "process", "waiting_pool_size": 0, "update_least_s": 0}
            | settings,
            s3_endpoint=s3.endpoint,
            s3_region=REGION,
            s3_access_key_id=KEY,
            s3_secret_access_key=SECRET,
        )
        async with lambent(config) as aws:
            yield aws, s3


async def test_code_location_downloads_what_was_uploaded(aws: Aws):
    await aws.active("f")
    code = (await aws("get_function", FunctionName="f"))["Code"]
    assert code["RepositoryType"] == "S3"
    response, content = await get(code["Location"])
    assert (response.status, content) == (200, HELLO)
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-length"] == str(len(HELLO))
    head, nothing = await get(code["Location"], "HEAD")
    assert (head.status, head.headers["content-length"], nothing) == (200, str(len(HELLO)), b"")
    altered, error = await get(code["Location"].replace("Expires=600", "Expires=601"))
    assert altered.status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in error


async def test_a_large_upload_arrives_as_it_was_sent(aws: Aws):
    content = archived([(entry("noise"), os.urandom(5_000_000))], zipfile.ZIP_STORED)
    await aws.active("f", content)
    found = await aws("get_function", FunctionName="f")
    assert found["Configuration"]["CodeSize"] == len(content)
    assert (await get(found["Code"]["Location"]))[1] == content


async def test_each_version_has_its_own_location_until_it_is_deleted(aws: Aws):
    await aws.active("f")
    await aws("publish_version", FunctionName="f")
    await aws("update_function_code", FunctionName="f", ZipFile=OTHER)
    old = (await aws("get_function", FunctionName="f", Qualifier="1"))["Code"]["Location"]
    new = (await aws("get_function", FunctionName="f"))["Code"]["Location"]
    assert [(await get(url))[1] for url in (old, new)] == [HELLO, OTHER]
    await aws("delete_function", FunctionName="f")
    gone, error = await get(old)
    assert gone.status == 404
    assert b"<Code>NoSuchKey</Code>" in error


async def test_a_link_survives_a_restart(tmp_path: Path):
    config = Config(data=tmp_path, port=0, sandbox="process", waiting_pool_size=0, update_least_s=0)
    async with lambent(config) as aws:
        await aws.active("f")
        url = (await aws("get_function", FunctionName="f"))["Code"]["Location"]
    assert (tmp_path / "links.key").stat().st_mode & 0o777 == 0o600
    async with lambent(config, role=aws.role) as again:
        moved = urlsplit(url)._replace(netloc=urlsplit(again.endpoint).netloc).geturl()
        assert (await get(moved))[1] == HELLO


async def test_a_function_is_created_and_updated_from_a_real_s3(tmp_path: Path):
    async with beside_s3(tmp_path) as (aws, s3):
        first = await s3.put("code", "app.zip", HELLO)
        await s3.put("code", "app.zip", OTHER)
        where = {"S3Bucket": "code", "S3Key": "app.zip"}
        await aws(
            "create_function",
            FunctionName="f",
            Runtime="provided.al2023",
            Handler="x",
            Role=aws.role,
            Code={**where, "S3ObjectVersion": first},
        )
        await aws.blocking(lambda: aws.awslambda.get_waiter("function_active_v2").wait(FunctionName="f"))
        assert (await get((await aws("get_function", FunctionName="f"))["Code"]["Location"]))[1] == HELLO
        updated = await aws("update_function_code", FunctionName="f", **where)
        assert updated["CodeSize"] == len(OTHER)
        await aws.blocking(lambda: aws.awslambda.get_waiter("function_updated_v2").wait(FunctionName="f"))
        error = (await aws.refused("update_function_code", FunctionName="f", S3Bucket="code", S3Key="ghost"))["Error"]
        assert error == {
            "Code": "InvalidParameterValueException",
            "Message": "Error occurred while GetObject. S3 Error Code: NoSuchKey. "
            "S3 Error Message: The specified key does not exist.",
        }


def session_client(aws: Aws) -> Any:
    """A Lambda client of a role session that root has assumed."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    made = aws.sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], "us-east-1")
    return session.client("lambda", endpoint_url=aws.endpoint)


async def test_a_role_session_cannot_have_the_operators_buckets_read_and_root_can(tmp_path: Path):
    async with beside_s3(tmp_path) as (aws, s3):
        await s3.put("code", "app.zip", HELLO)
        where = {"S3Bucket": "code", "S3Key": "app.zip"}
        await aws.active("f")
        client = await aws.blocking(lambda: session_client(aws))
        new = {"FunctionName": "g", "Runtime": "provided.al2023", "Handler": "x", "Role": aws.role, "Code": where}
        for call in (
            lambda: client.publish_layer_version(LayerName="l", Content=where),
            lambda: client.update_function_code(FunctionName="f", **where),
            lambda: client.create_function(**new),
        ):
            with pytest.raises(ClientError) as caught:
                await aws.blocking(call)
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
            assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
            assert "have permission to GetObject for code/app.zip. S3 Error Code" in str(caught.value)
        assert (await aws("publish_layer_version", LayerName="l", Content=where))["Version"] == 1


async def test_a_package_from_s3_may_be_larger_than_an_upload_and_is_downloaded_whole(tmp_path: Path):
    noise = os.urandom(60_000_000)
    content = archived([(entry("noise"), noise)], zipfile.ZIP_STORED)
    async with beside_s3(tmp_path) as (aws, s3):
        await s3.put("code", "large.zip", content)
        await aws.create("f", HELLO)
        await aws.blocking(lambda: aws.awslambda.get_waiter("function_active_v2").wait(FunctionName="f"))
        updated = await aws("update_function_code", FunctionName="f", S3Bucket="code", S3Key="large.zip")
        assert updated["CodeSize"] == len(content)
        location = (await aws("get_function", FunctionName="f"))["Code"]["Location"]
        assert (await get(location))[1] == content
