"""Permissions: the statements that are written, where they hang, and what is refused. reference/lambda.md 6, 14."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.limits import POLICY_MAX_BYTES
from tests.lambda_.plane import ACCOUNT, ARN, Plane, plane, refused

F = ARN + "f"
S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
BUCKET = "arn:aws:s3:::bucket"
NO_POLICY = ("ResourceNotFoundException", "The resource you requested does not exist.")


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        await made("PublishVersion", FunctionName="f")
        await made("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        yield made


async def policy(aws: Plane, **members: str) -> dict[str, Any]:
    return json.loads((await aws("GetPolicy", FunctionName="f", **members))["Policy"])


@pytest.mark.parametrize(
    ("members", "principal", "condition"),
    [
        ({}, {"Service": "s3.amazonaws.com"}, None),
        ({"SourceArn": BUCKET}, {"Service": "s3.amazonaws.com"}, {"ArnLike": {"AWS:SourceArn": BUCKET}}),
        (
            {"SourceArn": BUCKET, "SourceAccount": ACCOUNT},
            {"Service": "s3.amazonaws.com"},
            {"StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": BUCKET}},
        ),
        ({"Principal": "111122223333"}, {"AWS": "arn:aws:iam::111122223333:root"}, None),
        ({"Principal": f"arn:aws:iam::{ACCOUNT}:user/eve"}, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/eve"}, None),
        ({"Principal": "*", "SourceAccount": ACCOUNT}, "*", {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}),
        (
            {"Principal": "*", "PrincipalOrgID": "o-0123456789"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}},
        ),
        (
            {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.x"},
            {"Service": "alexa-appkit.amazon.com"},
            {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
        ),
        (
            {"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
            "*",
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ],
)
async def test_a_permission_is_written_as_aws_writes_it(
    aws: Plane, members: dict[str, Any], principal: object, condition: object
):
    asked = S3 | members
    made = await aws("AddPermission", FunctionName="f", **asked)
    expected = {"Sid": "s3", "Effect": "Allow", "Principal": principal, "Action": asked["Action"], "Resource": F} | (
        {"Condition": condition} if condition else {}
    )
    text = json.dumps(expected, separators=(",", ":"))  # the order of members counts, too
    assert made == {"Statement": text}
    shown = await aws("GetPolicy", FunctionName="f")
    assert shown["Policy"] == '{"Version":"2012-10-17","Id":"default","Statement":[' + text + "]}"


@pytest.mark.parametrize("action", ["lambda:Nope", "lambda:Invoke"])
async def test_an_action_that_does_not_exist_is_not_allowed_to_anybody(aws: Plane, action: str):
    assert await refused(aws("AddPermission", FunctionName="f", **S3 | {"Action": action})) == (
        "InvalidParameterValueException",
        f"The action {action} does not exist. Please check the action and try again.",
    )
    assert await refused(aws("GetPolicy", FunctionName="f")) == NO_POLICY


@pytest.mark.parametrize(
    "action",
    [
        *("lambda:InvokeFunction", "lambda:invokeFunction", "lambda:InvokeFunctionUrl", "lambda:InvokeAsync"),
        *("lambda:GetFunction", "lambda:EnableReplication", "lambda:*", "*"),
    ],
)
async def test_every_action_that_exists_can_be_allowed(aws: Plane, action: str):
    await aws("AddPermission", FunctionName="f", **S3 | {"Action": action})
    assert (await policy(aws))["Statement"][0]["Action"] == action


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
async def test_a_permission_hangs_where_it_was_added_and_nowhere_else(aws: Plane, qualifier: str | None):
    where = {"Qualifier": qualifier} if qualifier else {}
    await aws("AddPermission", FunctionName="f", **S3, **where)
    arn = f"{F}:{qualifier}" if qualifier else F
    assert [each["Resource"] for each in (await policy(aws, **where))["Statement"]] == [arn]
    for other in {None, "1", "live", "2", "$LATEST"} - {qualifier}:
        members = {"Qualifier": other} if other else {}
        assert await refused(aws("GetPolicy", FunctionName="f", **members)) == NO_POLICY
    await aws("AddPermission", FunctionName="f", Qualifier="1" if qualifier != "1" else "live", **S3)  # the same id


async def test_permissions_stand_in_the_order_in_which_they_were_added(aws: Plane):
    for sid in ("c", "a", "b"):
        await aws("AddPermission", FunctionName="f", **S3 | {"StatementId": sid})
    assert [each["Sid"] for each in (await policy(aws))["Statement"]] == ["c", "a", "b"]
    await aws("RemovePermission", FunctionName="f", StatementId="a")
    assert [each["Sid"] for each in (await policy(aws))["Statement"]] == ["c", "b"]
    assert await refused(aws("RemovePermission", FunctionName="f", StatementId="a")) == (
        "ResourceNotFoundException",
        "Statement a is not found in resource policy.",
    )
    for sid in ("b", "c"):
        await aws("RemovePermission", FunctionName="f", StatementId=sid)
    assert await refused(aws("GetPolicy", FunctionName="f")) == NO_POLICY
    assert await refused(aws("RemovePermission", FunctionName="f", StatementId="c")) == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


async def test_a_statement_id_is_used_once(aws: Plane):
    await aws("AddPermission", FunctionName="f", **S3)
    assert await refused(aws("AddPermission", FunctionName="f", **S3)) == (
        "ResourceConflictException",
        (
            "The statement id (s3) provided already exists. Please provide a new statement id, "
            "or remove the existing statement."
        ),
    )


async def test_a_revision_guards_the_policy(aws: Plane):
    mismatch = (
        "PreconditionFailedException",
        (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetPolicy API to retrieve the latest Revision Id"
        ),
    )
    assert await refused(aws("AddPermission", FunctionName="f", RevisionId="x", **S3)) == mismatch
    await aws("AddPermission", FunctionName="f", **S3)
    first = (await aws("GetPolicy", FunctionName="f"))["RevisionId"]
    assert await refused(aws("AddPermission", FunctionName="f", RevisionId="x", **S3)) == mismatch
    await aws("AddPermission", FunctionName="f", RevisionId=first, **S3 | {"StatementId": "2"})
    second = (await aws("GetPolicy", FunctionName="f"))["RevisionId"]
    assert second != first
    assert await refused(aws("RemovePermission", FunctionName="f", StatementId="2", RevisionId=first)) == mismatch
    await aws("RemovePermission", FunctionName="f", StatementId="2", RevisionId=second)


@pytest.mark.parametrize("qualifier", ["live", "1", None])
async def test_before_there_is_a_policy_the_revision_is_that_of_what_it_will_hang_on(aws: Plane, qualifier: str | None):
    """Recorded of an alias."""
    named = {"FunctionName": "f"} if qualifier is None else {"FunctionName": "f", "Qualifier": qualifier}
    if qualifier == "live":
        own = (await aws("GetAlias", FunctionName="f", Name="live"))["RevisionId"]
    else:
        own = (await aws("GetFunctionConfiguration", **named))["RevisionId"]
    assert (await refused(aws("AddPermission", RevisionId="wrong", **named, **S3)))[0] == "PreconditionFailedException"
    await aws("AddPermission", RevisionId=own, **named, **S3)
    of_policy = (await aws("GetPolicy", **named))["RevisionId"]
    assert of_policy != own
    await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await aws.settled()
    await aws("PublishVersion", FunctionName="f")
    assert (await aws("GetPolicy", **named))["RevisionId"] == of_policy
    another = S3 | {"StatementId": "another"}
    assert (await refused(aws("AddPermission", RevisionId=own, **named, **another)))[0] == "PreconditionFailedException"
    await aws("AddPermission", RevisionId=of_policy, **named, **another)


async def test_what_does_not_exist_has_no_policy(aws: Plane):
    async def sentences(**members: str) -> list[str]:
        calls = [
            aws("AddPermission", **S3, **members),
            aws("RemovePermission", StatementId="s3", **members),
            aws("GetPolicy", **members),
        ]
        return [(await refused(call))[1] for call in calls]

    missing = f"Function not found: {ARN}doesnotexist"
    assert await sentences(FunctionName="doesnotexist") == [
        missing,
        f"No policy found for: {ARN}doesnotexist",
        missing,
    ]
    assert await sentences(FunctionName="f", Qualifier="42") == [
        *[f"Function not found: {F}:42"] * 2,
        NO_POLICY[1],
    ]
    assert await sentences(FunctionName="f:nobody") == [*[f"Cannot find alias arn: {F}:nobody"] * 2, NO_POLICY[1]]


@pytest.mark.parametrize("name", ["f:$LATEST", "f:$LATEST.PUBLISHED"])
async def test_latest_has_no_policy_of_its_own(aws: Plane, name: str):
    assert await refused(aws("AddPermission", FunctionName=name, **S3)) == (
        "InvalidParameterValueException",
        "We currently do not support adding policies for $LATEST.",
    )


@pytest.mark.parametrize("principal", ["amazonaws.com", "bob", "12345", "arn:aws:iam:000000000000:role/x", "s3", "**"])
async def test_a_principal_is_an_account_an_identity_or_a_service(aws: Plane, principal: str):
    assert await refused(aws("AddPermission", FunctionName="f", **S3 | {"Principal": principal})) == (
        "InvalidParameterValueException",
        "The provided principal was invalid. Please check the principal and try again.",
    )


async def test_an_auth_type_is_only_asked_of_those_who_call_the_url(aws: Plane):
    assert await refused(aws("AddPermission", FunctionName="f", FunctionUrlAuthType="NONE", **S3)) == (
        "InvalidParameterValueException",
        "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"SourceArn": "arn:aws:s3:::*"},
        {"InvokedViaFunctionUrl": False},
    ],
)
async def test_one_may_let_in_everybody_by_a_statement_as_ever(aws: Plane, members: dict[str, Any]):
    await aws("AddPermission", FunctionName="f", **S3 | {"Principal": "*"} | members)
    policy = json.loads((await aws("GetPolicy", FunctionName="f"))["Policy"])
    assert policy["Statement"][0]["Principal"] == "*"


async def test_a_policy_has_a_size(aws: Plane):
    sentence = ""
    for number in range(POLICY_MAX_BYTES // 200):
        members = S3 | {"StatementId": str(number), "SourceArn": f"arn:aws:s3:::{'b' * 100}"}
        try:
            await aws("AddPermission", FunctionName="f", **members)
        except AwsError as error:
            assert error.code == "PolicyLengthExceededException"
            sentence = error.text
            break
    text = (await aws("GetPolicy", FunctionName="f"))["Policy"]
    longer = len(text) + 1 + len(json.dumps(json.loads(text)["Statement"][-1], separators=(",", ":")))
    assert sentence == f"The final policy size ({longer}) is bigger than the limit ({POLICY_MAX_BYTES})."
    assert len(text) <= POLICY_MAX_BYTES


async def test_a_policy_goes_with_what_it_hangs_on(aws: Plane):
    for qualifier in ("1", "live"):
        await aws("AddPermission", FunctionName="f", Qualifier=qualifier, **S3)
    await aws("DeleteAlias", FunctionName="f", Name="live")
    await aws("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert await refused(aws("GetPolicy", FunctionName="f", Qualifier="live")) == NO_POLICY
    assert (await policy(aws, Qualifier="1"))["Statement"]


async def test_a_policy_survives_a_restart(tmp_path: Path):
    async with plane(tmp_path) as before:
        await before.active()
        await before("AddPermission", FunctionName="f", **S3)
        shown = await before("GetPolicy", FunctionName="f")
    async with plane(tmp_path) as after:
        assert await after("GetPolicy", FunctionName="f") == shown
