"""STS through boto3: who one is, sessions of roles, and tokens that nobody else can make."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.kernel import Caller
from lambent.core.ports import Principal
from lambent.services.sts.remembered import RememberedSessions
from lambent.services.sts.sealed import Facts, opened, sealed, secret_of
from tests.services.cloud import ACCOUNT, TRUST, Cloud

KEY = b"k" * 32
FACTS = Facts("ASIAX", ACCOUNT, "arn:aws:sts::123456789012:assumed-role/r/s", "AROAX:s", "s", False, 1.0)


def trusting(principal: str, **fields: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"} | fields
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def role(aws: Cloud, name: str = "worker", trust: str = trusting(ACCOUNT), **members: Any) -> str:
    made = await aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, **members)
    return made["Role"]["Arn"]


async def assumed(aws: Cloud, arn: str, **members: Any) -> dict[str, Any]:
    return await aws.call("sts", "assume_role", RoleArn=arn, RoleSessionName="me", **members)


async def test_root_is_told_that_it_is_root(aws: Cloud):
    told = await aws.call("sts", "get_caller_identity")
    assert (told["Account"], told["UserId"], told["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


async def test_a_session_signs_and_is_told_whose_it_is(aws: Cloud):
    answer = await assumed(aws, await role(aws, Path="/deep/"))
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/me"
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    told = await asyncio.to_thread(aws.client("sts", answer["Credentials"]).get_caller_identity)
    assert told["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert told["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


async def test_a_role_that_does_not_trust_or_is_not_there_is_denied_alike(aws: Cloud):
    arn = await role(aws, trust=TRUST)
    for each in (arn, arn + "2"):
        assert await aws.refusal("sts", "assume_role", RoleArn=each, RoleSessionName="me") == (
            "AccessDenied",
            f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: sts:AssumeRole on resource: {each}",
        )


async def test_an_external_id_that_the_trust_asks_for_must_be_given(aws: Cloud):
    arn = await role(aws, trust=trusting(ACCOUNT, Condition={"StringEquals": {"sts:ExternalId": "secret"}}))
    assert (await aws.refusal("sts", "assume_role", RoleArn=arn, RoleSessionName="me"))[0] == "AccessDenied"
    assert (await assumed(aws, arn, ExternalId="secret"))["Credentials"]


async def test_a_session_lasts_no_longer_than_the_role_allows(aws: Cloud):
    arn = await role(aws)
    assert await aws.refusal("sts", "assume_role", RoleArn=arn, RoleSessionName="me", DurationSeconds=3601) == (
        "ValidationError",
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    code, sentence = await aws.refusal(
        "sts", "assume_role", RoleArn=arn, RoleSessionName="no spaces", DurationSeconds=3600
    )
    assert (code, "roleSessionName" in sentence) == ("ValidationError", True)


async def test_an_expired_session_is_refused_as_expired(aws: Cloud):
    answer = await assumed(aws, await role(aws), DurationSeconds=900)
    sts = aws.client("sts", answer["Credentials"])
    await asyncio.to_thread(sts.get_caller_identity)
    keys = answer["Credentials"]
    principal = aws.keys.lookup(keys["AccessKeyId"], keys["SessionToken"])
    assert principal is not None
    assert not principal.expired(aws.clock.now() + 899)
    assert principal.expired(aws.clock.now() + 900)


async def test_a_session_policy_is_refused_and_not_ignored(aws: Cloud):
    arn = await role(aws)
    code, sentence = await aws.refusal("sts", "assume_role", RoleArn=arn, RoleSessionName="me", Policy="{}")
    assert (code, "does not evaluate session policies" in sentence) == ("NotImplemented", True)


async def test_a_session_token_is_the_callers_own_and_makes_no_further_one(aws: Cloud):
    answer = await aws.call("sts", "get_session_token", DurationSeconds=900)
    sts = aws.client("sts", answer["Credentials"])
    assert (await asyncio.to_thread(sts.get_caller_identity))["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    with pytest.raises(ClientError, match="Cannot call GetSessionToken with session credentials"):
        await asyncio.to_thread(sts.get_session_token)


async def test_a_token_opens_for_its_own_key_id_alone(aws: Cloud):
    arn = await role(aws)
    one, other = [(await assumed(aws, arn))["Credentials"] for _ in range(2)]
    assert aws.keys.lookup(one["AccessKeyId"], one["SessionToken"]) is not None
    assert aws.keys.lookup(other["AccessKeyId"], one["SessionToken"]) is None
    assert aws.keys.lookup(one["AccessKeyId"], None) is None
    assert aws.keys.lookup(aws.keys.root.access_key_id, one["SessionToken"]) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_token_changed_anywhere_is_nobodys(position: int, change: int):
    raw = bytearray(base64.b64decode(sealed(KEY, FACTS)))
    raw[position % len(raw)] ^= change
    assert opened(KEY, base64.b64encode(bytes(raw)).decode()) is None


@given(st.text())
def test_any_text_is_nobodys_token(text: str):
    assert opened(KEY, text) is None


def test_a_token_opens_under_its_own_server_key_alone():
    assert opened(KEY, sealed(KEY, FACTS)) == FACTS
    assert opened(b"j" * 32, sealed(KEY, FACTS)) is None
    assert secret_of(KEY, "ASIAX") != secret_of(b"j" * 32, "ASIAX")


def test_sessions_that_are_remembered_are_bounded_in_bytes_and_the_oldest_goes():
    caller = Caller(ACCOUNT, "arn", "id", "ASIA", session_name="x")
    remembered = RememberedSessions(max_bytes=10_000)
    principals = {f"{number:0500d}": Principal("secret", caller, float(number)) for number in range(100)}
    for token, principal in principals.items():
        remembered.add(token, principal)
    kept = [token for token in principals if remembered.find(token) is not None]
    assert kept == list(principals)[-6:]
    assert all(remembered.find(token) is principals[token] for token in kept)


async def test_a_token_that_is_too_long_is_nobodys(aws: Cloud):
    made = await assumed(aws, await role(aws))
    client = aws.client("sts", made["Credentials"] | {"SessionToken": "A" * 60_000})
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        await asyncio.to_thread(client.get_caller_identity)
