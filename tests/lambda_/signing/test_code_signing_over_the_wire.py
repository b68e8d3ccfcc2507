"""Code signing through boto3 with real keys: a package is signed as a user would, and a whole Lambent verifies it."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

from lambent.config import Config
from tests.authority import DAY_S, PROFILE, Identity, trusting
from tests.lambda_.conftest import Aws, lambent
from tests.lambda_.zips import HELLO, OTHER


def altered(package: bytes) -> bytes:
    """The package with one more file, and the signature that it had."""
    sink = io.BytesIO(package)
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("more.py", "")
    return sink.getvalue()


async def test_a_configuration_lives_and_dies_through_boto3(aws: Aws) -> None:
    publishers = {"SigningProfileVersionArns": [PROFILE]}
    created = await aws("create_code_signing_config", AllowedPublishers=publishers, Tags={"a": "1"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    arn = created["CodeSigningConfig"]["CodeSigningConfigArn"]
    updated = await aws("update_code_signing_config", CodeSigningConfigArn=arn, Description="now")
    found = await aws("get_code_signing_config", CodeSigningConfigArn=arn)
    assert found["CodeSigningConfig"] == updated["CodeSigningConfig"]
    assert len((await aws("list_code_signing_configs"))["CodeSigningConfigs"]) == 1
    await aws.active("f")
    await aws("put_function_code_signing_config", CodeSigningConfigArn=arn, FunctionName="f")
    has = await aws("get_function_code_signing_config", FunctionName="f")
    assert (has["CodeSigningConfigArn"], has["FunctionName"]) == (arn, "f")
    using = await aws("list_functions_by_code_signing_config", CodeSigningConfigArn=arn)
    assert [name.rpartition(":")[2] for name in using["FunctionArns"]] == ["f"]
    in_use = await aws.refused("delete_code_signing_config", CodeSigningConfigArn=arn)
    assert in_use["ResponseMetadata"]["HTTPStatusCode"] == 409
    dropped = await aws("delete_function_code_signing_config", FunctionName="f")
    assert dropped["ResponseMetadata"]["HTTPStatusCode"] == 204
    deleted = await aws("delete_code_signing_config", CodeSigningConfigArn=arn)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = await aws.refused("get_code_signing_config", CodeSigningConfigArn=arn)
    assert missing["Error"]["Message"] == f"The Lambda code signing configuration {arn} can not be found."
    assert "Type" not in missing


async def test_only_signed_code_is_deployed_where_it_is_enforced(tmp_path: Path) -> None:
    now = time.time()
    root = Identity("root", authority=True, begins=now - DAY_S, ends=now + DAY_S)
    signer = Identity("signer", root, begins=now - DAY_S, ends=now + DAY_S)
    stranger = Identity("stranger", begins=now - DAY_S, ends=now + DAY_S)
    folder = trusting(tmp_path, root)
    config = Config(
        ephemeral=True, port=0, sandbox="process", waiting_pool_size=0, update_least_s=0, signing_profiles=folder
    )
    async with lambent(config) as aws:
        created = await aws(
            "create_code_signing_config",
            AllowedPublishers={"SigningProfileVersionArns": [PROFILE]},
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
        )
        arn = created["CodeSigningConfig"]["CodeSigningConfigArn"]
        package = signer.signed(HELLO, now=now)
        await aws.active("f", package, CodeSigningConfigArn=arn)
        found = await aws("get_function_configuration", FunctionName="f")
        assert found["SigningProfileVersionArn"] == PROFILE
        assert ":/signing-jobs/" in found["SigningJobArn"]

        async def error(package: bytes) -> str:
            refused = await aws.refused("update_function_code", FunctionName="f", ZipFile=package)
            assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400
            return refused["Error"]["Code"]

        assert await error(OTHER) == "CodeVerificationFailedException"
        assert await error(altered(package)) == "InvalidCodeSignatureException"
        assert await error(stranger.signed(OTHER, now=now)) == "CodeVerificationFailedException"
        trusting(tmp_path, root, more=f'revoked_jobs = ["{found["SigningJobArn"]}"]')
        assert await error(package) == "CodeVerificationFailedException"
        await aws("update_function_code", FunctionName="f", ZipFile=signer.signed(OTHER, now=now, seed=1))
