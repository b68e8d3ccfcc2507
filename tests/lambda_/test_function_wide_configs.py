"""Recursion, runtime management and scaling: small configurations that hang on a function or a version."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.errors import AwsError
from tests.lambda_.plane import ARN, Plane, plane

MISSING = f"Function not found: {ARN}ghost"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        await made("PublishVersion", FunctionName="f")
        await made("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        yield made


async def refused(call: Any) -> str:
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value.text


async def test_recursive_loops_are_stopped_unless_they_are_allowed(aws: Plane) -> None:
    assert await aws("GetFunctionRecursionConfig", FunctionName="f") == {"RecursiveLoop": "Terminate"}
    put = await aws("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    assert put == {"RecursiveLoop": "Allow"} == await aws("GetFunctionRecursionConfig", FunctionName="f")
    assert await refused(aws("GetFunctionRecursionConfig", FunctionName="ghost")) == MISSING


async def test_each_version_has_its_runtime_management(aws: Plane) -> None:
    found = await aws("GetRuntimeManagementConfig", FunctionName="f")
    assert found == {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{ARN}f"}
    build = (await aws("GetFunctionConfiguration", FunctionName="f"))["RuntimeVersionConfig"]["RuntimeVersionArn"]
    held = await aws(
        "PutRuntimeManagementConfig",
        FunctionName="f",
        Qualifier="1",
        UpdateRuntimeOn="Manual",
        RuntimeVersionArn=build,
    )
    assert held == {"UpdateRuntimeOn": "Manual", "FunctionArn": f"{ARN}f:1", "RuntimeVersionArn": build}
    assert await aws("GetRuntimeManagementConfig", FunctionName="f:1") == held
    assert await aws("GetRuntimeManagementConfig", FunctionName="f") == found
    await aws("PutRuntimeManagementConfig", FunctionName="f", UpdateRuntimeOn="FunctionUpdate")
    latest = await aws("GetRuntimeManagementConfig", FunctionName="f", Qualifier="$LATEST")
    assert latest["UpdateRuntimeOn"] == "FunctionUpdate"


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"UpdateRuntimeOn": "Manual"}, "RuntimeVersionArn is required when UpdateRuntimeOn is Manual."),
        (
            {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": f"arn:aws:lambda:eu-central-1::runtime:{'0' * 64}"},
            "RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual.",
        ),
        (
            {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": f"arn:aws:lambda:eu-central-1::runtime:{'0' * 64}"},
            "does not exist here",
        ),
        (
            {"UpdateRuntimeOn": "Auto", "Qualifier": "live"},
            f"The provided function name {ARN}f:live is invalid. Aliases are not allowed.",
        ),
        ({"UpdateRuntimeOn": "Auto", "Qualifier": "9"}, f"Function not found: {ARN}f:9"),
    ],
)
async def test_what_runtime_management_refuses(aws: Plane, members: Any, sentence: str) -> None:
    assert sentence in await refused(aws("PutRuntimeManagementConfig", FunctionName="f", **members))


async def test_only_managed_instances_have_a_scaling_configuration(aws: Plane) -> None:
    bounds = {"MinExecutionEnvironments": 1}
    for call in (
        aws("PutFunctionScalingConfig", FunctionName="f", Qualifier="1", FunctionScalingConfig=bounds),
        aws("GetFunctionScalingConfig", FunctionName="f", Qualifier="$LATEST.PUBLISHED"),
    ):
        assert "has no CapacityProviderConfig" in await refused(call)
    assert await refused(aws("GetFunctionScalingConfig", FunctionName="ghost", Qualifier="1")) == MISSING
