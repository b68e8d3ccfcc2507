"""Whom a function URL lets in, by its type, its policies, and who asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambent.core.kernel import Caller
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.urls import access
from lambent.lambda_.urls.addresses import Address, Addresses, Target
from lambent.lambda_.urls.config import FunctionUrlConfig
from tests.lambda_.plane import ACCOUNT, ARN, REGION, ROOT, Plane, plane

OTHER = "999999999999"
SESSION = Caller(
    account=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/hello",
    principal_id="AROA:hello",
    access_key="ASIA",
    session_name="hello",
)
USER = Caller(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/u", principal_id="AIDA", access_key="AKIA")
STRANGER = Caller(account=OTHER, arn=f"arn:aws:iam::{OTHER}:root", principal_id=OTHER, access_key="AKIA", is_root=True)


async def admits(
    lambda_: Plane,
    caller: Caller | None,
    alias: str | None = None,
    source_ip: str = "10.0.0.7",
    permissions: access.Permissions = "both",
) -> bool:
    arn = FunctionArn(REGION, ACCOUNT, "f")
    function = lambda_.control.functions.get(arn)
    config = function.part(FunctionUrlConfig, alias or "$LATEST")
    assert config is not None
    target = Target(arn, alias, config)
    return access.admits(function, target, caller, source_ip=source_ip, now=1.8e9, permissions=permissions)


async def with_url(lambda_: Plane, auth_type: str) -> None:
    await lambda_.active()
    await lambda_("CreateFunctionUrlConfig", FunctionName="f", AuthType=auth_type)


async def permit(lambda_: Plane, principal: str, auth_type: str, **members: Any) -> None:
    given = {"FunctionName": "f", "Principal": principal} | members
    await lambda_(
        "AddPermission",
        StatementId="url",
        Action="lambda:InvokeFunctionUrl",
        FunctionUrlAuthType=auth_type,
        **given,
    )
    await lambda_(
        "AddPermission", StatementId="via", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **given
    )


@pytest.mark.parametrize(("caller", "let_in"), [(ROOT, True), (SESSION, True), (USER, False), (STRANGER, False)])
async def test_the_functions_account_is_let_in_by_who_it_is(tmp_path: Path, caller: Caller, let_in: bool):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "AWS_IAM")
        assert await admits(lambda_, caller) is let_in


async def test_another_account_needs_both_permissions(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "AWS_IAM")
        await permit(lambda_, OTHER, "AWS_IAM")
        assert await admits(lambda_, STRANGER)
        await lambda_("RemovePermission", FunctionName="f", StatementId="via")
        assert not await admits(lambda_, STRANGER)


async def test_nobody_needs_both_permissions_for_everybody(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "NONE")
        assert not await admits(lambda_, None)
        await permit(lambda_, "*", "NONE")
        assert await admits(lambda_, None)
        await lambda_("RemovePermission", FunctionName="f", StatementId="url")
        assert not await admits(lambda_, None)


@pytest.mark.parametrize(("auth_type", "caller"), [("NONE", None), ("AWS_IAM", STRANGER)])
async def test_by_the_older_rule_the_permission_to_call_the_url_is_enough(
    tmp_path: Path, auth_type: str, caller: Caller | None
):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, auth_type)
        assert not await admits(lambda_, caller, permissions="url")
        await permit(lambda_, "*" if caller is None else OTHER, auth_type)
        assert await admits(lambda_, caller, permissions="url")
        await lambda_("RemovePermission", FunctionName="f", StatementId="via")
        assert await admits(lambda_, caller, permissions="url")
        assert not await admits(lambda_, caller)
        await lambda_("RemovePermission", FunctionName="f", StatementId="url")
        assert not await admits(lambda_, caller, permissions="url")


async def test_what_is_permitted_for_one_type_is_not_for_the_other(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "NONE")
        await permit(lambda_, "*", "AWS_IAM")
        assert not await admits(lambda_, None)


async def test_a_url_whose_alias_is_gone_is_remembered_and_one_that_was_deleted_is_not(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        addresses = Addresses()
        lambda_.control.functions.follow(addresses.follow)
        await with_url(lambda_, "NONE")
        await lambda_("PublishVersion", FunctionName="f")
        ids: dict[str, str] = {}
        for name in ("gone", "deleted"):
            await lambda_("CreateAlias", FunctionName="f", Name=name, FunctionVersion="1")
            made = await lambda_("CreateFunctionUrlConfig", FunctionName="f", Qualifier=name, AuthType="NONE")
            ids[name] = made["FunctionUrl"].removeprefix("http://").partition(".")[0]
        await lambda_("DeleteFunctionUrlConfig", FunctionName="f", Qualifier="deleted")
        for name in ids:
            await lambda_("DeleteAlias", FunctionName="f", Name=name)

        def orphaned(name: str, region: str | None = REGION) -> bool:
            return addresses.orphaned(Address(ids[name], region, None, "/", "80"))

        assert (orphaned("gone"), orphaned("gone", None), orphaned("gone", "x-y-1")) == (True, True, False)
        assert not orphaned("deleted")
        assert addresses.target(Address(ids["gone"], REGION, None, "/", "80")) is None


async def test_an_alias_has_a_policy_of_its_own(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "NONE")
        await lambda_("PublishVersion", FunctionName="f")
        await lambda_("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        await lambda_("CreateFunctionUrlConfig", FunctionName="f", Qualifier="live", AuthType="NONE")
        await permit(lambda_, "*", "NONE")
        assert not await admits(lambda_, None, "live")
        await permit(lambda_, "*", "NONE", Qualifier="live")
        assert await admits(lambda_, None, "live")


async def test_a_policy_may_take_from_the_functions_own_account(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await with_url(lambda_, "AWS_IAM")
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "lambda:InvokeFunctionUrl",
            "Resource": ARN + "f",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        await lambda_("PutResourcePolicy", ResourceArn=ARN + "f", Policy=document)
        assert await admits(lambda_, ROOT)
        assert not await admits(lambda_, ROOT, source_ip="192.168.0.1")
