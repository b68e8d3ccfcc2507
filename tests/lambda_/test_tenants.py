"""Tenants of one function that are isolated from each other: no environment is ever shared."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.lambda_.concurrency.claims import ReservedConcurrency
from lambent.lambda_.concurrency.provisioned import TenantsAreIsolated
from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.errors import SnapStartExcludes
from lambent.lambda_.functions import Function
from lambent.lambda_.invoke.errors import TenantEnvironmentsExceeded, TenantIdMissing, TenantIdUnexpected
from lambent.lambda_.urls.config import UrlWithTenants
from tests.lambda_.house import SETTINGS, VERSION, House, house
from tests.lambda_.plane import plane

ISOLATED = msgspec.structs.replace(VERSION, tenant_isolation="PER_TENANT")
FUNCTION = Function(arn=VERSION.arn.unqualified, latest=ISOLATED)


def invoke(it: House, tenant: str | None, event: bytes = b"1") -> asyncio.Task[Outcome]:
    return asyncio.create_task(
        it.path.invoke(ISOLATED, request_id="r", event=event, function_arn="arn", tenant_id=tenant)
    )


def tenants(it: House) -> list[str]:
    return list(it.placement._slots[ISOLATED.arn].tenants)


# --- where they run --------------------------------------------------------------------------------------------------


async def test_each_tenant_has_environments_of_its_own():
    async with house() as it:
        for tenant in ("blue", "green", "blue", "green", "blue"):
            assert (await invoke(it, tenant)).payload == b"1"
            await it.settled()
        assert len(it.guests) == 2


async def test_the_runtime_is_told_the_tenant_and_only_when_there_is_one():
    async with house() as it:
        await invoke(it, "blue")
        await it.invoke()
        assert [headers.get("lambda-runtime-aws-tenant-id") for headers in it.heads] == ["blue", None]


async def test_a_function_with_isolated_tenants_needs_one_and_any_other_has_none():
    async with house() as it:
        with pytest.raises(TenantIdMissing, match="Add a valid tenant ID in your request and try again"):
            await invoke(it, None)
        with pytest.raises(TenantIdUnexpected):
            await it.path.invoke(VERSION, request_id="r", event=b"", function_arn="arn", tenant_id="blue")
        assert not it.guests


async def test_a_tenant_whose_environments_have_ended_is_forgotten():
    async with house() as it:
        await invoke(it, "blue")
        await it.settled()
        assert tenants(it) == ["blue"]
        it.clock.advance(61)
        while it.placement.environments():
            await asyncio.sleep(0.001)
        assert tenants(it) == []


async def test_a_tenant_that_gets_no_environment_is_forgotten():
    async with house() as it:
        it.no_sandbox = True
        for number in range(3):
            with pytest.raises(Exception, match="could not create"):
                await invoke(it, f"tenant-{number}")
        assert tenants(it) == []
        assert it.placement._admission.share(ISOLATED.arn).of_tenants == 0


async def test_a_changed_version_ends_the_environments_of_every_tenant():
    async with house() as it:
        for tenant in ("blue", "green"):
            await invoke(it, tenant)
        await it.settled()
        it.placement.forget(ISOLATED.arn)
        while it.placement.environments():
            await asyncio.sleep(0.001)


async def test_a_function_has_two_and_a_half_environments_of_tenants_for_each_execution():
    async with house() as it:
        it.placement.follow(None, FUNCTION.with_part(ReservedConcurrency(executions=2)))
        for number in range(5):
            await invoke(it, f"tenant-{number}")
            await it.settled()
        with pytest.raises(TenantEnvironmentsExceeded, match="Rate exceeded"):
            await invoke(it, "one-more")
        assert (await invoke(it, "tenant-0")).payload == b"1"  # who has one goes on


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_no_two_tenants_ever_meet_in_an_environment(calls: list[tuple[str, bool, bool]]):
    async def run() -> None:
        async with house(msgspec.structs.replace(SETTINGS, concurrent_executions=100)) as it:
            running: list[asyncio.Task[Outcome]] = []
            for tenant, holds, cancelled in calls:
                running.append(invoke(it, tenant, b'"hold"' if holds else b"1"))
                await asyncio.sleep(0.001)
                if cancelled:
                    running[-1].cancel()
            it.let_go.set()
            outcomes = await asyncio.gather(*running, return_exceptions=True)  # also of the cancelled, who clean up
            assert all(isinstance(outcome, Outcome | asyncio.CancelledError) for outcome in outcomes)
            await it.settled()
            for guest in it.guests:
                seen = [
                    h["lambda-runtime-aws-tenant-id"] for g, h in zip(it.served, it.heads, strict=True) if g is guest
                ]
                assert len(set(seen)) <= 1
            share = it.placement._admission.share(ISOLATED.arn)
            assert (share.on_demand, share.of_tenants) == (0, it.placement.environments())

    asyncio.run(run())


# --- how they are configured -----------------------------------------------------------------------------------------


async def test_isolation_is_read_back_by_every_version_and_survives_an_update(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active(TenancyConfig={"TenantIsolationMode": "PER_TENANT"})
        await lambda_("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
        await lambda_.settled()
        await lambda_("PublishVersion", FunctionName="f")
        for qualifier in ({}, {"Qualifier": "1"}):
            found = await lambda_("GetFunctionConfiguration", FunctionName="f", **qualifier)
            assert found["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
        await lambda_.active("g")
        assert "TenancyConfig" not in await lambda_("GetFunctionConfiguration", FunctionName="g")


async def test_isolated_tenants_have_no_provisioned_concurrency_no_url_and_no_snapshots(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        tenancy = {"TenantIsolationMode": "PER_TENANT"}
        await lambda_.active(TenancyConfig=tenancy, Publish=True)
        with pytest.raises(TenantsAreIsolated):
            await lambda_(
                "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=1
            )
        with pytest.raises(UrlWithTenants):
            await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        with pytest.raises(SnapStartExcludes):
            await lambda_.create(
                "g", TenancyConfig=tenancy, SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="python3.13"
            )
