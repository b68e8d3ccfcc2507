"""The five operations: what of a URL is kept, for whom, and how long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.urls.addresses import Address, Addresses
from tests.lambda_.plane import ARN, REGION, Members, Plane, plane

CORS = {"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 5, "AllowCredentials": True}


async def with_alias(lambda_: Plane) -> None:
    """A function `f` with an alias `live`."""
    await lambda_.active()
    await lambda_("PublishVersion", FunctionName="f")
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")


async def refused(lambda_: Plane, operation: str, **members: object) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        await lambda_(operation, FunctionName="f", **members)
    return caught.value.code, caught.value.text


def url_id(config: Members) -> str:
    return re.findall(r"http://([a-z2-7]{32})\.lambda-url\.", config["FunctionUrl"])[0]


async def test_a_url_reads_back_as_it_was_made(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        made = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Cors=CORS)
        assert made == {
            "FunctionUrl": f"http://{url_id(made)}.lambda-url.{REGION}.localhost:80/",
            "FunctionArn": ARN + "f",
            "AuthType": "NONE",
            "CreationTime": "2027-01-15T08:00:00.000000Z",
            "Cors": CORS,
        }
        found = await lambda_("GetFunctionUrlConfig", FunctionName="f")
        assert found == made | {"LastModifiedTime": made["CreationTime"], "InvokeMode": "BUFFERED"}
        assert (await lambda_("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"] == [found]


async def test_the_mode_is_in_the_first_answer_if_it_was_asked_for(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        mode = "RESPONSE_STREAM"
        made = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM", InvokeMode=mode)
        assert made["InvokeMode"] == mode


async def test_an_update_keeps_what_is_not_given_and_the_address(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        made = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Cors=CORS)
        lambda_.clock.advance(1)
        changed = await lambda_("UpdateFunctionUrlConfig", FunctionName="f", InvokeMode="RESPONSE_STREAM")
        later = "2027-01-15T08:00:01.000000Z"
        assert changed == made | {"LastModifiedTime": later, "InvokeMode": "RESPONSE_STREAM"}
        changed = await lambda_("UpdateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM")
        assert changed == made | {
            "LastModifiedTime": later,
            "InvokeMode": "RESPONSE_STREAM",
            "AuthType": "AWS_IAM",
        }


async def test_an_empty_cors_is_none(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        assert "Cors" not in await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Cors={})
        await lambda_("UpdateFunctionUrlConfig", FunctionName="f", Cors=CORS)
        assert "Cors" not in await lambda_("UpdateFunctionUrlConfig", FunctionName="f", Cors={})
        assert "Cors" not in await lambda_("GetFunctionUrlConfig", FunctionName="f")


async def test_a_function_and_each_of_its_aliases_have_one_each(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_alias(lambda_)
        own = await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        of_alias = await lambda_("CreateFunctionUrlConfig", FunctionName="f:live", AuthType="AWS_IAM")
        assert of_alias["FunctionArn"] == ARN + "f:live"
        assert own["FunctionUrl"] != of_alias["FunctionUrl"]
        assert await refused(lambda_, "CreateFunctionUrlConfig", AuthType="NONE") == (
            "ResourceConflictException",
            (
                f"Failed to create function url config for [functionArn = {ARN}f]. "
                "Error message:  FunctionUrlConfig exists for this Lambda function"
            ),
        )
        assert (await refused(lambda_, "CreateFunctionUrlConfig", AuthType="NONE", Qualifier="live"))[0] == (
            "ResourceConflictException"
        )
        listed = (await lambda_("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"]
        assert [one["FunctionUrl"] for one in listed] == [own["FunctionUrl"], of_alias["FunctionUrl"]]


@pytest.mark.parametrize(
    ("operation", "members", "sentence"),
    [
        ("CreateFunctionUrlConfig", {"AuthType": "NONE"}, "Function does not exist"),
        ("GetFunctionUrlConfig", {}, "The resource you requested does not exist."),
        ("UpdateFunctionUrlConfig", {}, "Function does not exist"),
        ("DeleteFunctionUrlConfig", {}, "The resource you requested does not exist."),
        ("ListFunctionUrlConfigs", {}, "Function does not exist"),
    ],
)
async def test_of_a_function_that_is_not_there(
    tmp_path: Path, operation: str, members: dict[str, object], sentence: str
):
    async with plane(tmp_path) as lambda_:
        assert await refused(lambda_, operation, **members) == ("ResourceNotFoundException", sentence)


@pytest.mark.parametrize("qualifier", [None, "live"])
async def test_of_a_url_that_is_not_there(tmp_path: Path, qualifier: str | None):
    async with plane(tmp_path) as lambda_:
        await with_alias(lambda_)
        missing = ("ResourceNotFoundException", "The resource you requested does not exist.")
        for operation in ("GetFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"):
            assert await refused(lambda_, operation, Qualifier=qualifier) == missing
        assert (await lambda_("ListFunctionUrlConfigs", FunctionName="f"))["FunctionUrlConfigs"] == []


async def test_of_an_alias_that_is_not_there(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        missing = ("ResourceNotFoundException", "Function does not exist")
        assert await refused(lambda_, "CreateFunctionUrlConfig", AuthType="NONE", Qualifier="no") == missing
        assert await refused(lambda_, "UpdateFunctionUrlConfig", Qualifier="no") == missing


@pytest.mark.parametrize("qualifier", ["1", "$LATEST"])
async def test_a_version_cannot_have_one(tmp_path: Path, qualifier: str):
    async with plane(tmp_path) as lambda_:
        await with_alias(lambda_)
        assert await refused(lambda_, "CreateFunctionUrlConfig", AuthType="NONE", Qualifier=qualifier) == (
            "ValidationException",
            (
                f"1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: "
                r"Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)"
            ),
        )


async def test_a_mode_that_aws_does_not_have_is_refused_in_its_words(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        assert await refused(lambda_, "CreateFunctionUrlConfig", AuthType="NONE", InvokeMode="UNKNOWN") == (
            "ValidationException",
            (
                "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to satisfy constraint: "
                "Member must satisfy enum value set: [RESPONSE_STREAM, BUFFERED]"
            ),
        )


async def test_a_list_goes_on_where_it_stopped(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_alias(lambda_)
        for name in ("live", "b", "a"):
            if name != "live":
                await lambda_("CreateAlias", FunctionName="f", Name=name, FunctionVersion="1")
            await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE", Qualifier=name)
        await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        seen: list[str] = []
        marker: dict[str, str] = {}
        while True:
            page = await lambda_("ListFunctionUrlConfigs", FunctionName="f", MaxItems=1, **marker)
            seen += [one["FunctionArn"].removeprefix(ARN) for one in page["FunctionUrlConfigs"]]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        assert seen == ["f", "f:a", "f:b", "f:live"]
        assert (await refused(lambda_, "ListFunctionUrlConfigs", Marker="x"))[0] == "InvalidParameterValueException"


async def test_addresses_follow_the_functions_also_over_a_restart(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_alias(lambda_)
        addresses = Addresses()
        lambda_.control.functions.follow(addresses.follow)
        own = url_id(await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE"))
        of_alias = url_id(await lambda_("CreateFunctionUrlConfig", FunctionName="f:live", AuthType="NONE"))
        assert leads_to(addresses, own) == ARN + "f"
        assert leads_to(addresses, of_alias) == ARN + "f:live"
        assert leads_to(addresses, own, region="us-east-1") is None
        await lambda_("DeleteAlias", FunctionName="f", Name="live")
        assert leads_to(addresses, of_alias) is None
        await lambda_("DeleteFunctionUrlConfig", FunctionName="f")
        assert leads_to(addresses, own) is None
        again = url_id(await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="AWS_IAM"))
        assert again != own
    async with plane(tmp_path) as lambda_:
        addresses = Addresses()
        lambda_.control.functions.follow(addresses.follow)
        assert leads_to(addresses, again) == ARN + "f"
        await lambda_("DeleteFunction", FunctionName="f")
        assert leads_to(addresses, again) is None


def leads_to(addresses: Addresses, url: str, region: str = REGION) -> str | None:
    target = addresses.target(Address(url, region, None, "/", "80"))
    if target is None:
        return None
    return str(target.arn if target.alias is None else target.arn.qualified(target.alias))
