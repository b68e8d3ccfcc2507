"""Where packages come from: uploads and objects, told by AWS's members."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from lambent.core.kernel import Caller
from lambent.core.ports import CallRefused, ObjectTooLarge
from lambent.gateway.authorise import may_get_object
from lambent.lambda_.errors import AnotherServiceRefused, ImageAndZip, MemberNotSupported, ObjectDenied, ZipTooLarge
from lambent.lambda_.limits import OBJECT_MAX_BYTES, ZIPPED_MAX_BYTES
from tests.lambda_.plane import ACCOUNT, ROLE, ROOT, Plane, plane
from tests.lambda_.zips import HELLO, OTHER


class Buckets:
    """An S3 in memory: objects by bucket, key and version."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str | None], bytes] = {
            ("code", "hello.zip", None): HELLO,
            ("code", "hello.zip", "v1"): OTHER,
            ("code", "not.zip", None): b"not a zip",
        }

    async def read(self, bucket: str, key: str, version_id: str | None, /, *, max_bytes: int) -> bytes:
        assert max_bytes == OBJECT_MAX_BYTES
        if bucket != "code":
            raise CallRefused("S3", "GetObject", "NoSuchBucket", "The specified bucket does not exist")
        if key == "theirs.zip":
            raise CallRefused("S3", "GetObject", "AccessDenied", "Access Denied")
        if key == "large.zip":
            raise ObjectTooLarge
        return self.objects[bucket, key, version_id]


@asynccontextmanager
async def with_buckets(directory: Path) -> AsyncGenerator[Plane]:
    async with plane(directory, objects=Buckets()) as made:
        yield made


async def created(plane: Plane, **code: object) -> str:
    """The digest of what CreateFunction took."""
    await plane(
        "CreateFunction", FunctionName="f", Runtime="python3.11", Handler="app.handler", Role=ROLE, Code=dict(code)
    )
    return plane.invoked().code.digest


async def refused(plane: Plane, error: type[AwsError], **code: object) -> str:
    with pytest.raises(error) as caught:
        await created(plane, **code)
    return caught.value.text


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def test_a_function_is_created_and_updated_from_a_bucket(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        assert await created(plane, S3Bucket="code", S3Key="hello.zip", S3ObjectStorageMode="COPY") == digest(HELLO)
        await plane.settled()
        await plane("UpdateFunctionCode", FunctionName="f", S3Bucket="code", S3Key="hello.zip", S3ObjectVersion="v1")
        await plane.settled()
        assert plane.invoked().code.digest == digest(OTHER)


async def test_a_dry_run_reads_the_object_and_changes_nothing(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        await plane.active()
        dry = await plane("UpdateFunctionCode", FunctionName="f", S3Bucket="code", S3Key="hello.zip", DryRun=True)
        assert dry["CodeSize"] == len(HELLO)
        with pytest.raises(AnotherServiceRefused):
            await plane("UpdateFunctionCode", FunctionName="f", S3Bucket="ghosts", S3Key="hello.zip", DryRun=True)


async def test_what_s3_refuses_is_told_in_lambdas_words(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        assert await refused(plane, AnotherServiceRefused, S3Bucket="ghosts", S3Key="a") == (
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. "
            "S3 Error Message: The specified bucket does not exist"
        )
        sentence = await refused(plane, AwsError, S3Bucket="code", S3Key="large.zip")
        assert sentence == "Unzipped size must be smaller than 262144000 bytes"
        sentence = await refused(plane, AwsError, S3Bucket="code", S3Key="not.zip")
        assert sentence == "Could not unzip uploaded file. Please check your file, then try to upload again."
        assert plane.trees() == set()


async def test_without_an_s3_the_answer_says_what_to_set(tmp_path: Path):
    async with plane(tmp_path) as made:
        sentence = await refused(made, AnotherServiceRefused, S3Bucket="code", S3Key="a")
        assert sentence.startswith("Error occurred while GetObject. S3 Error Code: EndpointNotConfigured.")
        assert "--s3-endpoint" in sentence


async def test_there_is_one_source_and_it_is_named_whole(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        await refused(plane, ImageAndZip, S3Bucket="code", S3Key="hello.zip", ZipFile=HELLO)
        assert await refused(plane, AwsError, S3Key="hello.zip") == "Please provide a source for function code."
        assert await refused(plane, AwsError) == "Please provide a source for function code."


async def test_a_package_that_shall_stay_in_the_bucket_is_refused_by_name(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        sentence = await refused(
            plane, MemberNotSupported, S3Bucket="code", S3Key="hello.zip", S3ObjectStorageMode="REFERENCE"
        )
        assert sentence == "S3ObjectStorageMode REFERENCE is not supported by this version of Lambent."


async def test_an_upload_has_a_limit_of_its_own(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        sentence = await refused(plane, ZipTooLarge, ZipFile=bytes(ZIPPED_MAX_BYTES + 1))
        assert sentence == "Zipped size must be smaller than 52428800 bytes"


async def test_the_key_for_the_package_is_kept_and_shown(tmp_path: Path):
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    async with with_buckets(tmp_path) as plane:
        await created(plane, ZipFile=HELLO, SourceKMSKeyArn=key)
        assert (await plane("GetFunction", FunctionName="f"))["Code"]["SourceKMSKeyArn"] == key
        await plane.settled()
        await plane("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
        assert "SourceKMSKeyArn" not in (await plane("GetFunction", FunctionName="f"))["Code"]


SESSION = Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda/f", "AROA:f", "ASIA", session_name="f")
OTHER_ROOT = Caller("999999999999", "arn:aws:iam::999999999999:root", "999999999999", "AKIA", is_root=True)
DENIED = (
    "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
    "code/{key}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
)


@pytest.mark.parametrize("key", ["hello.zip", "ghost.zip", "theirs.zip"])
async def test_who_may_not_read_the_object_cannot_have_lambent_read_it(tmp_path: Path, key: str):
    where = {"S3Bucket": "code", "S3Key": key}
    new = {"FunctionName": "new", "Runtime": "python3.11", "Handler": "a.b", "Role": ROLE, "Code": where}
    async with with_buckets(tmp_path) as plane:
        await plane.active()
        for operation, members in (
            ("CreateFunction", new),
            ("UpdateFunctionCode", {"FunctionName": "f", **where}),
            ("UpdateFunctionCode", {"FunctionName": "f", **where, "DryRun": True}),
            ("PublishLayerVersion", {"LayerName": "l", "Content": where}),
        ):
            with pytest.raises(ObjectDenied) as caught:
                await plane.called_by(SESSION, operation, **members)
            assert caught.value.text == DENIED.format(key=key)


async def test_what_s3_denies_lambent_itself_is_told_in_the_same_words(tmp_path: Path):
    async with with_buckets(tmp_path) as plane:
        assert await refused(plane, ObjectDenied, S3Bucket="code", S3Key="theirs.zip") == DENIED.format(
            key="theirs.zip"
        )


def test_the_operators_s3_is_for_the_root_of_the_operators_account():
    assert may_get_object(ACCOUNT, ROOT, "code", "a")
    assert not may_get_object(ACCOUNT, OTHER_ROOT, "code", "a")
    assert not may_get_object(ACCOUNT, SESSION, "code", "a")
