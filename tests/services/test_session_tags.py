"""Session tags through boto3: what AssumeRole takes, what a session hands on, and what is refused in which words."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambent.core.kernel import Caller, SessionTag
from lambent.core.ports import Principal
from lambent.services.sts.remembered import RememberedSessions
from lambent.services.sts.sealed import Facts, opened, sealed
from tests.services.cloud import ACCOUNT, Cloud

TAGGABLE = ["sts:AssumeRole", "sts:TagSession"]
KEPT = (
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
    "from the calling session."
)
CONFLICT = ("InvalidParameterValue", KEPT)


async def role(aws: Cloud, name: str, actions: list[str] = TAGGABLE, **statement: Any) -> str:
    allowed = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": actions} | statement
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made = await aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=document)
    return made["Role"]["Arn"]


def tags(**given: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


async def assumed(
    aws: Cloud, arn: str, session: dict[str, Any] | None = None, transitive: list[str] | None = None, **given: str
) -> dict[str, Any]:
    """What AssumeRole answers to root, or to a session."""
    sts = aws.client("sts", session["Credentials"] if session else None)
    return await asyncio.to_thread(
        sts.assume_role,
        RoleArn=arn,
        RoleSessionName="me",
        Tags=tags(**given),
        TransitiveTagKeys=transitive or [],
    )


async def refusal(*arguments: Any, **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        await assumed(*arguments, **given)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


async def test_a_transitive_key_must_be_among_the_tags_in_whatever_case(aws: Cloud):
    arn = await role(aws, "one")
    assert await refusal(aws, arn, transitive=["project"], team="a") == (
        "InvalidParameterValue",
        "The specified transitive tag key must be included in the requested tags.",
    )
    assert (await assumed(aws, arn, transitive=["TEAM"], team="a"))["Credentials"]


async def test_keys_that_differ_in_case_only_are_one_key(aws: Cloud):
    assert await refusal(aws, await role(aws, "one"), team="a", Team="b") == (
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )


async def test_what_is_transitive_in_a_session_cannot_be_given_anew_however_far_down(aws: Cloud):
    arn = await role(aws, "one")
    first = await assumed(aws, arn, transitive=["Team"], Team="a", other="b")
    assert await refusal(aws, arn, first, Team="c") == CONFLICT
    assert await refusal(aws, arn, first, team="c") == CONFLICT
    second = await assumed(aws, arn, first, transitive=["other"], other="c")
    assert await refusal(aws, arn, second, TEAM="d") == CONFLICT
    assert await refusal(aws, arn, second, other="d") == CONFLICT
    third = await assumed(aws, arn, second)
    assert await refusal(aws, arn, third, team="d") == CONFLICT


async def test_what_is_not_transitive_ends_with_its_session(aws: Cloud):
    arn = await role(aws, "one")
    session = await assumed(aws, arn, team="a")
    assert (await assumed(aws, arn, session, team="b"))["Credentials"]


async def test_tags_need_a_trust_policy_that_allows_them_and_none_do_not(aws: Cloud):
    arn = await role(aws, "one", ["sts:AssumeRole"])
    assert await refusal(aws, arn, team="a") == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: sts:TagSession on resource: {arn}",
    )
    first = await assumed(aws, await role(aws, "two"), transitive=["team"], team="a")
    assert "PackedPolicySize" not in await assumed(aws, arn)
    assert (await assumed(aws, arn, first))["PackedPolicySize"] == 1  # handed on, not given


@pytest.mark.parametrize(
    ("condition", "may"),
    [
        ({"StringEquals": {"aws:RequestTag/Team": "a"}}, True),
        ({"StringEquals": {"aws:RequestTag/team": "b"}}, False),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "other"]}}, True),
        ({"ForAllValues:StringEquals": {"aws:TagKeys": ["other"]}}, False),
        ({"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": ["team"]}}, True),
        ({"StringEquals": {"aws:PrincipalTag/level": "7"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/level": "8"}}, False),
    ],
)
async def test_a_trust_policy_may_ask_for_tags(aws: Cloud, condition: dict[str, Any], may: bool):
    session = await assumed(aws, await role(aws, "one"), level="7")
    arn = await role(aws, "two", Condition=condition)
    if may:
        assert (await assumed(aws, arn, session, transitive=["team"], team="a"))["Credentials"]
    else:
        assert (await refusal(aws, arn, session, transitive=["team"], team="a"))[0] == "AccessDenied"


async def test_tags_fit_into_a_token_or_are_refused(aws: Cloud):
    arn = await role(aws, "one")
    code, sentence = await refusal(aws, arn, **{f"k{number}": "v" * 256 for number in range(10)})
    assert (code, sentence) == (
        "PackedPolicyTooLarge",
        "Packed policy consumes 130% of allotted space, please use smaller policy.",
    )
    most: dict[str, Any] = {f"k{number}": "v" * 246 for number in range(8)}
    largest = await assumed(aws, arn, **most)
    assert largest["PackedPolicySize"] == 100
    token = largest["Credentials"]["SessionToken"]
    assert len(token) <= 4096
    assert (await asyncio.to_thread(aws.client("sts", largest["Credentials"]).get_caller_identity))["Arn"]


def test_a_token_from_before_there_were_tags_is_opened_and_has_none():
    key = b"k" * 32
    facts = Facts("ASIAX", ACCOUNT, "arn", "AROAX:s", "s", False, 1.0, (SessionTag("a", "b", True),))
    assert opened(key, sealed(key, facts)) == facts
    before = msgspec.msgpack.encode(("ASIAX", ACCOUNT, "arn", "AROAX:s", "s", False, 1.0))
    assert msgspec.msgpack.decode(before, type=Facts).tags == ()


def test_tags_count_among_the_bytes_of_remembered_sessions():
    tagged = Caller(ACCOUNT, "arn", "id", "ASIA", session_name="x", session_tags=(SessionTag("a", "b"),) * 50)
    remembered = RememberedSessions(max_bytes=30_000)
    for number in range(10):
        remembered.add(f"{number:0500d}", Principal("secret", tagged, 1.0))
    assert sum(remembered.find(f"{number:0500d}") is not None for number in range(10)) == 2
