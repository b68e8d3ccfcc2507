"""What many functions say alike is in memory once; what they say is not changed by it."""

from __future__ import annotations

from pathlib import Path

from lambent.lambda_.functions import Function
from lambent.lambda_.sharing import shared
from tests.lambda_.plane import ACCOUNT, ROLE, Plane, plane

VARIABLES = {"TABLE": "orders in a table", "STAGE": "a stage of production"}
TAGS = {"CostCenter": "a center of costs"}


async def test_functions_share_the_strings_they_have_in_common_also_after_a_restart(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        for name in ("a", "b"):
            given = {"Role": "".join(ROLE), "Environment": {"Variables": dict(VARIABLES)}, "Tags": dict(TAGS)}
            await aws.active(name, Publish=True, **given)
        assert_shared(aws)
        before = [await aws("GetFunction", FunctionName=name) for name in ("a", "b")]
    async with plane(tmp_path) as aws:
        assert_shared(aws)
        assert [await aws("GetFunction", FunctionName=name) for name in ("a", "b")] == before


def assert_shared(aws: Plane) -> None:
    a, b = aws.control.functions.everything()
    assert a.latest.role is b.latest.role is a.published[1].role
    assert a.latest.code is b.latest.code is a.published[1].code
    assert a.latest.arn.account is b.latest.arn.account == ACCOUNT
    for one, other in ((a.latest.environment, b.latest.environment), (a.tags, b.tags)):
        assert one is not None
        assert other is not None
        assert [id(value) for value in one.values()] == [id(value) for value in other.values()]
    assert a.latest.environment is a.published[1].environment
    assert a.latest.arn.name is a.arn.name is a.published[1].arn.name


async def test_sharing_changes_nothing_that_can_be_read(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active("f", Publish=True, Environment={"Variables": VARIABLES}, Tags=TAGS)
        await aws(
            "UpdateFunctionConfiguration",
            FunctionName="f",
            Timeout=4,
            Environment={"Variables": {"STAGE": "another stage"}},
        )
        function: Function = aws.control.functions.get(aws.invoked().arn)
        assert function.serving is not None
        assert shared(function) == function
        await aws.settled()
