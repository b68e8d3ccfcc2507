"""What becomes of a package with each kind of signature under each policy; the signatures' side is a twin of the port."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.ports import PackageSignature, SignatureBroken
from tests.lambda_.plane import ACCOUNT, REGION, Plane, plane, refused
from tests.lambda_.zips import HELLO, OTHER, zipped

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/release/AbCdEfGhIj"
JOB = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-jobs/1"
NOW = 1_800_000_000.0
SENTENCE = (
    "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not "
    "configured to accept. Check the provided signature for {what}."
)
NOT_ACCEPTED = ("CodeVerificationFailedException", SENTENCE)
BROKEN = (
    "InvalidCodeSignatureException",
    "The code signature failed the integrity check. Check the provided signature for {what}.",
)


class Known:
    """The signatures of a few packages, by what the zip is."""

    def __init__(self) -> None:
        self.by_digest: dict[str, PackageSignature | SignatureBroken] = {}

    def says(self, package: bytes, signature: PackageSignature | SignatureBroken) -> None:
        self.by_digest[hashlib.sha256(package).hexdigest()] = signature

    async def of(self, package: Path, /) -> PackageSignature | None:
        found = self.by_digest.get(hashlib.sha256(package.read_bytes()).hexdigest())
        if isinstance(found, SignatureBroken):
            raise found
        return found


def good(**changes: Any) -> PackageSignature:
    facts = {"profile_version_arn": PROFILE, "expires_at": NOW + 1, "trusted": True, "revoked": False}
    return PackageSignature(job_arn=JOB, **(facts | changes))


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
async def aws(tmp_path: Path, known: Known) -> AsyncGenerator[Plane]:
    async with plane(tmp_path, signatures=known) as made:
        yield made


async def config(aws: Plane, policy: str) -> str:
    made = await aws(
        "CreateCodeSigningConfig",
        AllowedPublishers={"SigningProfileVersionArns": [PROFILE]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
    )
    return made["CodeSigningConfig"]["CodeSigningConfigArn"]


def about(error: tuple[str, str], what: str) -> tuple[str, str]:
    return error[0], error[1].format(what=what)


UNACCEPTED = {
    "unsigned": None,
    "by a stranger": good(trusted=False),
    "by another profile": good(profile_version_arn=PROFILE.replace("release", "nightly")),
    "by another version": good(profile_version_arn=PROFILE + "0"),
    "expired": good(expires_at=NOW),
    "revoked": good(revoked=True),
}


@pytest.mark.parametrize("signature", UNACCEPTED.values(), ids=UNACCEPTED.keys())
async def test_enforce_refuses_what_warn_takes(aws: Plane, known: Known, signature: PackageSignature | None):
    if signature is not None:
        known.says(HELLO, signature)
    error = about(NOT_ACCEPTED, "f")
    assert await refused(aws.create("f", HELLO, CodeSigningConfigArn=await config(aws, "Enforce"))) == error
    assert aws.trees() == set()
    await aws.active("f", HELLO, CodeSigningConfigArn=await config(aws, "Warn"))
    assert (await aws("UpdateFunctionCode", FunctionName="f", ZipFile=HELLO))["LastUpdateStatus"] == "InProgress"


@pytest.mark.parametrize("policy", ["Warn", "Enforce"])
async def test_an_accepted_package_is_deployed_and_shows_who_signed_it(aws: Plane, known: Known, policy: str):
    known.says(HELLO, good())
    created = await aws.create("f", HELLO, CodeSigningConfigArn=await config(aws, policy), Publish=True)
    signed = {"SigningProfileVersionArn": PROFILE, "SigningJobArn": JOB}
    assert signed.items() <= created.items()
    await aws.settled("f")
    for found in (
        (await aws("GetFunction", FunctionName="f"))["Configuration"],
        await aws("GetFunctionConfiguration", FunctionName="f", Qualifier="1"),
        (await aws("ListFunctions"))["Functions"][0],
    ):
        assert signed.items() <= found.items()


@pytest.mark.parametrize("policy", ["Warn", "Enforce"])
async def test_a_package_that_was_changed_is_refused_whatever_the_policy(aws: Plane, known: Known, policy: str):
    known.says(OTHER, SignatureBroken("changed"))
    arn = await config(aws, policy)
    assert await refused(aws.create("f", OTHER, CodeSigningConfigArn=arn)) == about(BROKEN, "f")
    await aws.active("f", HELLO)
    await aws("PutFunctionCodeSigningConfig", CodeSigningConfigArn=arn, FunctionName="f")
    for dry in (True, False):
        update = aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, DryRun=dry)
        assert await refused(update) == about(BROKEN, "f")
    assert (await aws.settled("f"))["CodeSize"] == len(HELLO)


async def test_without_a_configuration_everything_is_taken_and_good_signatures_are_shown(aws: Plane, known: Known):
    known.says(OTHER, SignatureBroken("changed"))
    assert "SigningJobArn" not in await aws.create("f", OTHER)
    await aws.settled("f")
    known.says(HELLO, good())
    assert (await aws("UpdateFunctionCode", FunctionName="f", ZipFile=HELLO))["SigningJobArn"] == JOB
    await aws.settled("f")
    known.says(LAYER, good(trusted=False))
    assert "SigningJobArn" not in await aws("UpdateFunctionCode", FunctionName="f", ZipFile=LAYER)


async def test_an_update_meets_the_configuration_as_it_is_now(aws: Plane, known: Known):
    arn = await config(aws, "Warn")
    await aws.active("f", HELLO, CodeSigningConfigArn=arn)
    policies = {"UntrustedArtifactOnDeployment": "Enforce"}
    await aws("UpdateCodeSigningConfig", CodeSigningConfigArn=arn, CodeSigningPolicies=policies)
    assert await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)) == about(NOT_ACCEPTED, "f")
    known.says(OTHER, good())
    await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)


LAYER = zipped({"python/shared.py": "x = 1\n"})


async def test_layers_must_be_accepted_too_and_show_who_signed_them(aws: Plane, known: Known):
    unsigned = await aws("PublishLayerVersion", LayerName="unsigned", Content={"ZipFile": OTHER})
    assert "SigningJobArn" not in unsigned["Content"]
    known.says(LAYER, good())
    signed = await aws("PublishLayerVersion", LayerName="signed", Content={"ZipFile": LAYER})
    assert signed["Content"]["SigningProfileVersionArn"] == PROFILE
    found = await aws("GetLayerVersion", LayerName="signed", VersionNumber=1)
    assert found["Content"]["SigningJobArn"] == JOB
    known.says(HELLO, good())
    enforce = await config(aws, "Enforce")
    wanted = [signed["LayerVersionArn"], unsigned["LayerVersionArn"]]
    error = about(NOT_ACCEPTED, unsigned["LayerVersionArn"])
    assert await refused(aws.create("f", HELLO, CodeSigningConfigArn=enforce, Layers=wanted)) == error
    await aws.active("f", HELLO, CodeSigningConfigArn=enforce, Layers=wanted[:1])
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="f", Layers=wanted)) == error
    await aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
