"""Aliases: names for versions, the draw between two, and what goes with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.aliases import LatestNotRouted
from tests.lambda_.plane import ARN, Plane, plane, refused
from tests.lambda_.zips import OTHER


async def with_versions(lambda_: Plane, count: int = 2) -> None:
    """A function with published versions 1, 2, ..."""
    await lambda_.active()
    for number in range(count):
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=10 + number)
        await lambda_.settled()
        await lambda_("PublishVersion", FunctionName="f")


async def test_an_alias_reads_back_as_it_was_made(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        made = await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", Description="d")
        assert made == {
            "AliasArn": ARN + "f:live",
            "Name": "live",
            "FunctionVersion": "1",
            "Description": "d",
            "RevisionId": made["RevisionId"],
        }
        assert await lambda_("GetAlias", FunctionName="f", Name="live") == made
        assert (await lambda_("ListAliases", FunctionName="f"))["Aliases"] == [made]


async def test_an_alias_is_a_qualifier(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        found = await lambda_("GetFunctionConfiguration", FunctionName="f:live")
        assert (found["FunctionArn"], found["Version"], found["Timeout"]) == (ARN + "f:live", "1", 10)
        assert lambda_.invoked("f", "live").version == "1"


async def test_an_update_moves_an_alias_and_keeps_what_is_not_given(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        made = await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", Description="d")
        moved = await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        assert (moved["FunctionVersion"], moved["Description"]) == ("2", "d")
        assert moved["RevisionId"] != made["RevisionId"]
        with pytest.raises(AwsError, match="does not match the latest Revision Id"):
            await lambda_("UpdateAlias", FunctionName="f", Name="live", RevisionId=made["RevisionId"])


async def test_weights_send_their_share_to_the_other_version(tmp_path: Path):
    async with plane(tmp_path, seed=7) as lambda_:
        await with_versions(lambda_)
        weighted = {"AdditionalVersionWeights": {"2": 0.25}}
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weighted)
        drawn = Counter(lambda_.invoked("f", "live").version for _ in range(10_000))
        assert 2_300 < drawn["2"] < 2_700  # five standard deviations about 2,500
        cleared = await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig={})
        assert "RoutingConfig" not in cleared
        assert {lambda_.invoked("f", "live").version for _ in range(100)} == {"1"}


@pytest.mark.parametrize(("weight", "version"), [(0.0, "1"), (1.0, "2")])
async def test_a_weight_of_none_or_all_is_exact(tmp_path: Path, weight: float, version: str):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        weighted = {"AdditionalVersionWeights": {"2": weight}}
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weighted)
        assert {lambda_.invoked("f", "live").version for _ in range(500)} == {version}


@pytest.mark.parametrize(
    ("version", "weights", "sentence"),
    [
        ("1", {"1": 0.5}, "Invalid function version 1. Function version 1 is already included"),
        ("$LATEST", {"1": 0.5}, "LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"2": 0.1, "3": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("1", {"9": 0.5}, f"Function not found: {ARN}f:9"),
        ("9", {}, f"Function not found: {ARN}f:9"),
        ("1", {"2": -1.0}, r"Value '\{2=-1.0\}' at 'routingConfig.additionalVersionWeights'"),
        ("1", {"$LATEST": 0.5}, r"Value '\{\$LATEST=0.5\}' at 'routingConfig.additionalVersionWeights'"),
    ],
)
async def test_what_an_alias_may_not_point_to(tmp_path: Path, version: str, weights: dict[str, float], sentence: str):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_, 3)
        routing = {"AdditionalVersionWeights": weights}
        with pytest.raises(AwsError, match=sentence):
            await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion=version, RoutingConfig=routing)


async def test_that_latest_is_not_routed_is_said_without_a_type(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_, 1)
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
        routing = {"AdditionalVersionWeights": {"1": 0.5}}
        for call in (
            lambda_("CreateAlias", FunctionName="f", Name="beta", FunctionVersion="$LATEST", RoutingConfig=routing),
            lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=routing),
        ):
            with pytest.raises(LatestNotRouted) as caught:
                await call
            assert caught.value.members == {"Type": None}


@pytest.mark.parametrize("version", ["$LATEST", "1"])
async def test_an_alias_is_looked_for_a_version_of_a_function_that_is_not_there(tmp_path: Path, version: str):
    async with plane(tmp_path) as lambda_:
        made = lambda_("CreateAlias", FunctionName="ghost", Name="live", FunctionVersion=version)
        assert await refused(made) == ("ResourceNotFoundException", f"Function not found: {ARN}ghost:{version}")


async def test_the_versions_of_a_weighted_alias_have_one_role(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_, 1)
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", Role="arn:aws:iam::123456789012:role/other")
        await lambda_.settled()
        await lambda_("PublishVersion", FunctionName="f")
        with pytest.raises(AwsError, match="must have the same execution role"):
            await lambda_(
                "CreateAlias",
                FunctionName="f",
                Name="live",
                FunctionVersion="1",
                RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
            )


async def test_an_alias_is_made_once_and_forgotten_as_often_as_you_like(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        with pytest.raises(AwsError, match=f"Alias already exists: {ARN}f:live"):
            await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        await lambda_("DeleteAlias", FunctionName="f", Name="live")
        await lambda_("DeleteAlias", FunctionName="f", Name="live")
        with pytest.raises(AwsError, match=f"Cannot find alias arn: {ARN}f:live"):
            await lambda_("GetAlias", FunctionName="f", Name="live")
        with pytest.raises(AwsError, match=f"Alias not found: {ARN}f:live"):
            await lambda_("UpdateAlias", FunctionName="f", Name="live")
        with pytest.raises(AwsError, match=f"Function not found: {ARN}f:live"):
            lambda_.invoked("f", "live")


async def test_aliases_are_listed_by_name_a_page_at_a_time_and_by_version(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        for number, name in enumerate(["c", "a", "b"]):
            await lambda_("CreateAlias", FunctionName="f", Name=name, FunctionVersion=str(1 + number % 2))
        first = await lambda_("ListAliases", FunctionName="f", MaxItems=2)
        rest = await lambda_("ListAliases", FunctionName="f", MaxItems=2, Marker=first["NextMarker"])
        assert [alias["Name"] for page in (first, rest) for alias in page["Aliases"]] == ["a", "b", "c"]
        assert "NextMarker" not in rest
        of_one = await lambda_("ListAliases", FunctionName="f", FunctionVersion="1")
        assert [alias["Name"] for alias in of_one["Aliases"]] == ["b", "c"]
        with pytest.raises(AwsError, match="marker is invalid"):
            await lambda_("ListAliases", FunctionName="f", Marker="made-up")


async def test_a_version_that_an_alias_names_cannot_be_deleted(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        weighted = {"AdditionalVersionWeights": {"2": 0.5}}
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weighted)
        for number in ("1", "2"):
            with pytest.raises(AwsError, match=r"following aliases reference it: \[live\]"):
                await lambda_("DeleteFunction", FunctionName="f", Qualifier=number)
        with pytest.raises(AwsError, match="Use DeleteAlias"):
            await lambda_("DeleteFunction", FunctionName="f", Qualifier="live")
        await lambda_("DeleteAlias", FunctionName="f", Name="live")
        await lambda_("DeleteFunction", FunctionName="f", Qualifier="1")


async def test_aliases_survive_a_restart_and_go_with_their_function(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        made = await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    async with plane(tmp_path, seed=1) as lambda_:
        assert await lambda_("GetAlias", FunctionName="f", Name="live") == made
        await lambda_("DeleteFunction", FunctionName="f")
        await lambda_.active(content=OTHER)
        assert (await lambda_("ListAliases", FunctionName="f"))["Aliases"] == []
