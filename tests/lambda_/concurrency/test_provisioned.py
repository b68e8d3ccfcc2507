"""Provisioned concurrency: what may be configured, and how it reads back. The environments are tests/lambda_/invoke's."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.aliases import AliasNotFound
from lambent.lambda_.concurrency.provisioned import (
    AboveReserved,
    AboveUnreserved,
    AliasIsWeighted,
    NeitherAliasNorVersion,
    NoProvisionedConcurrency,
    NotPublished,
    Standing,
    Status,
    UnreservedBelowMinimum,
    VersionAlreadyProvisioned,
    VersionOfProvisionedAlias,
    shares,
)
from lambent.lambda_.errors import FunctionNotFound, MarkerInvalid
from tests.lambda_.plane import ARN, Members, Plane, plane


async def with_versions(lambda_: Plane, count: int = 2) -> None:
    """A function with published versions 1, 2, ... and an alias "live" of version 1."""
    await lambda_.active()
    for number in range(count):
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=10 + number)
        await lambda_.settled()
        await lambda_("PublishVersion", FunctionName="f")
    await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")


async def provision(lambda_: Plane, qualifier: str, executions: int = 1, name: str = "f") -> Members:
    wanted = {"Qualifier": qualifier, "ProvisionedConcurrentExecutions": executions}
    return await lambda_("PutProvisionedConcurrencyConfig", FunctionName=name, **wanted)


async def described(lambda_: Plane, qualifier: str, name: str = "f") -> Members:
    return await lambda_("GetProvisionedConcurrencyConfig", FunctionName=name, Qualifier=qualifier)


@pytest.mark.parametrize("qualifier", ["1", "live"])
async def test_a_configuration_begins_in_progress_and_reads_back(tmp_path: Path, qualifier: str):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        made = await provision(lambda_, qualifier, 3)
        assert made == {
            "RequestedProvisionedConcurrentExecutions": 3,
            "AvailableProvisionedConcurrentExecutions": 0,
            "AllocatedProvisionedConcurrentExecutions": 0,
            "Status": "IN_PROGRESS",
            "LastModified": "2027-01-15T08:00:00+0000",
        }
        assert await described(lambda_, qualifier) == made
        listed = await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f")
        assert listed == {"ProvisionedConcurrencyConfigs": [{"FunctionArn": ARN + "f:" + qualifier, **made}]}


async def test_it_tells_how_far_the_environments_are_and_why_they_failed(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await provision(lambda_, "live", 3)
        lambda_.provisions.standings[ARN + "f:live"] = Standing(Status.READY, 3, 2)
        found = await described(lambda_, "live")
        assert (found["Status"], found["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2)
        lambda_.provisions.standings[ARN + "f:live"] = Standing(Status.FAILED, 0, 0, "FUNCTION_ERROR_INIT_FAILURE")
        found = await described(lambda_, "live")
        assert (found["Status"], found["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
        again = await provision(lambda_, "live", 4)  # asks for a new attempt
        assert again["Status"] == "IN_PROGRESS"
        assert "StatusReason" not in again


async def test_latest_has_no_provisioned_concurrency_itself_or_by_an_alias(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_("CreateAlias", FunctionName="f", Name="newest", FunctionVersion="$LATEST")
        for qualifier in ("$LATEST", "newest"):
            with pytest.raises(NotPublished):
                await provision(lambda_, qualifier)
        for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"):
            with pytest.raises(NeitherAliasNorVersion):
                await lambda_(operation, FunctionName="f", Qualifier="$LATEST")


async def test_what_is_not_there_is_looked_for_as_what_its_qualifier_reads_like(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        for call in (provision, described, delete):
            for name in ("f", "nobody"):
                with pytest.raises(AliasNotFound) as alias:
                    await call(lambda_, "noalias", name=name)
                assert alias.value.text == f"Cannot find alias arn: {ARN}{name}:noalias"
                with pytest.raises(FunctionNotFound) as version:
                    await call(lambda_, "42", name=name)
                assert version.value.text == f"Function not found: {ARN}{name}:42"
        with pytest.raises(NoProvisionedConcurrency):
            await described(lambda_, "1")
        with pytest.raises(FunctionNotFound):
            await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="nobody")


async def delete(lambda_: Plane, qualifier: str, name: str = "f") -> Members:
    return await lambda_("DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier=qualifier)


async def test_deleting_is_idempotent(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await provision(lambda_, "1")
        await delete(lambda_, "1")
        await delete(lambda_, "1")
        with pytest.raises(NoProvisionedConcurrency):
            await described(lambda_, "1")


async def test_a_version_is_provisioned_once(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_("CreateAlias", FunctionName="f", Name="other", FunctionVersion="1")
        await provision(lambda_, "live")
        with pytest.raises(VersionOfProvisionedAlias, match="Version is pointed by a Provisioned Concurrency alias"):
            await provision(lambda_, "1")
        with pytest.raises(VersionAlreadyProvisioned, match="on an already Provisioned version"):
            await provision(lambda_, "other")
        await delete(lambda_, "live")
        await provision(lambda_, "1")
        with pytest.raises(VersionAlreadyProvisioned):
            await provision(lambda_, "live")
        await provision(lambda_, "1", 5)  # its own may change


async def test_a_provisioned_alias_is_not_moved_to_a_provisioned_version_or_to_latest(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await provision(lambda_, "live")
        await provision(lambda_, "2")
        with pytest.raises(VersionAlreadyProvisioned):
            await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        with pytest.raises(VersionAlreadyProvisioned):
            weights = {"AdditionalVersionWeights": {"2": 0.5}}
            await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=weights)
        with pytest.raises(NotPublished):
            await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="$LATEST")
        await delete(lambda_, "2")
        await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="2")
        await provision(lambda_, "1")


async def test_an_alias_with_weights_is_split_but_not_configured(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await provision(lambda_, "live", 10)
        weights = {"AdditionalVersionWeights": {"2": 0.25}}
        await lambda_("UpdateAlias", FunctionName="f", Name="live", RoutingConfig=weights)
        (function,) = lambda_.control.functions.listed("123456789012", "eu-central-1")
        assert shares(function, "live", 10) == {"1": 8, "2": 2}
        assert shares(function, "2", 10) == {"2": 10}
        with pytest.raises(AliasIsWeighted):
            await provision(lambda_, "live", 11)


async def test_no_more_is_provisioned_than_reserved(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=10)
        await provision(lambda_, "1", 6)
        with pytest.raises(AboveReserved):
            await provision(lambda_, "2", 5)
        await provision(lambda_, "2", 4)
        await provision(lambda_, "1", 5)


async def test_no_more_is_provisioned_than_the_account_has_left(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await lambda_.active("g")
        await lambda_("PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=400)
        with pytest.raises(AboveUnreserved, match=r"unreserved concurrency \[600\]\."):
            await provision(lambda_, "1", 601)
        with pytest.raises(UnreservedBelowMinimum, match=r"minimum value of \[100\]\."):
            await provision(lambda_, "1", 501)
        await provision(lambda_, "1", 500)
        with pytest.raises(UnreservedBelowMinimum):
            await provision(lambda_, "2", 1)
        await provision(lambda_, "1", 500)  # what it has already does not count twice


async def test_a_configuration_goes_with_its_version_or_alias(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        await provision(lambda_, "live")
        await provision(lambda_, "2")
        await lambda_("DeleteAlias", FunctionName="f", Name="live")
        await lambda_("DeleteFunction", FunctionName="f", Qualifier="2")
        assert (await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f"))[
            "ProvisionedConcurrencyConfigs"
        ] == []
        settings = await lambda_("GetAccountSettings")
        assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000


async def test_lists_have_pages_versions_by_number_before_aliases_by_name(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_, 11)
        await lambda_("UpdateAlias", FunctionName="f", Name="live", FunctionVersion="3")
        for qualifier in ("live", "10", "2"):
            await provision(lambda_, qualifier)
        seen: list[str] = []
        marker: Members = {}
        while True:
            page = await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f", MaxItems=1, **marker)
            seen += [config["FunctionArn"].rpartition(":")[2] for config in page["ProvisionedConcurrencyConfigs"]]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        assert seen == ["2", "10", "live"]
        with pytest.raises(MarkerInvalid):
            await lambda_("ListProvisionedConcurrencyConfigs", FunctionName="f", Marker="x")


async def test_none_at_all_is_refused_by_the_model(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_versions(lambda_)
        with pytest.raises(AwsError) as caught:
            await provision(lambda_, "1", 0)
        assert caught.value.text == (
            "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1"
        )
