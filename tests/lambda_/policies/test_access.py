"""Who may use a function: callers of other accounts, services, whoever calls its URL, and its own account."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.kernel import Caller
from lambent.core.policies.evaluation import Verdict
from lambent.core.policies.facts import facts_of
from lambent.core.policies.principals import ANONYMOUS, Requester
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.policies.access import INVOKE_FUNCTION, INVOKE_FUNCTION_URL, admits, says
from tests.lambda_.plane import ACCOUNT, ARN, REGION, Plane, plane, refused

F = ARN + "f"
OTHER = "111122223333"
STRANGER = Caller(OTHER, f"arn:aws:iam::{OTHER}:user/eve", "AIDAEVE", "AKIAEVE")
BUCKET = "arn:aws:s3:::bucket"


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        await made("PublishVersion", FunctionName="f")
        await made("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        yield made


async def permit(aws: Plane, principal: str, action: str = INVOKE_FUNCTION, **members: Any) -> None:
    sid = f"s{len(members)}-{action.partition(':')[2].strip('*')}-{principal.partition('.')[0].strip('*')}"
    await aws("AddPermission", FunctionName="f", StatementId=sid, Action=action, Principal=principal, **members)


def asks(
    aws: Plane,
    requester: Requester,
    qualifier: str | None = None,
    action: str = INVOKE_FUNCTION,
    **facts: str | None,
) -> Verdict:
    function = aws.control.functions.get(FunctionArn(REGION, ACCOUNT, "f"))
    known = facts_of(requester, region=REGION, now=aws.clock.now())
    given = known.and_of({key.replace("_", ":", 1): value for key, value in facts.items()})
    return says(function, qualifier, action, requester, given)


async def test_a_service_is_let_in_for_the_sources_that_were_named(aws: Plane):
    s3 = Requester(service="s3.amazonaws.com")
    assert asks(aws, s3) is Verdict.NOTHING
    await permit(aws, "s3.amazonaws.com", SourceArn="arn:aws:s3:::buck*", SourceAccount=OTHER)
    assert asks(aws, s3, aws_SourceArn=BUCKET, aws_SourceAccount=OTHER) is Verdict.ALLOWED
    assert asks(aws, s3, aws_SourceArn=BUCKET, aws_SourceAccount=ACCOUNT) is Verdict.NOTHING
    assert asks(aws, s3, aws_SourceArn="arn:aws:s3:::other", aws_SourceAccount=OTHER) is Verdict.NOTHING
    assert asks(aws, s3, aws_SourceArn=BUCKET) is Verdict.NOTHING
    assert asks(aws, s3, "live", aws_SourceArn=BUCKET, aws_SourceAccount=OTHER) is Verdict.NOTHING
    sns = Requester(service="sns.amazonaws.com")
    assert asks(aws, sns, aws_SourceArn=BUCKET, aws_SourceAccount=OTHER) is Verdict.NOTHING


async def test_a_skill_shows_its_token(aws: Plane):
    alexa = Requester(service="alexa-appkit.amazon.com")
    await permit(aws, "alexa-appkit.amazon.com", EventSourceToken="amzn1.ask.skill.x")
    assert asks(aws, alexa, lambda_EventSourceToken="amzn1.ask.skill.x") is Verdict.ALLOWED
    assert asks(aws, alexa, lambda_EventSourceToken="amzn1.ask.skill.y") is Verdict.NOTHING
    assert asks(aws, alexa) is Verdict.NOTHING


async def test_an_organisation_is_let_in(aws: Plane):
    await permit(aws, "*", PrincipalOrgID="o-0123456789")
    stranger = Requester.of(STRANGER)
    assert asks(aws, stranger, aws_PrincipalOrgID="o-0123456789") is Verdict.ALLOWED
    assert asks(aws, stranger, aws_PrincipalOrgID="o-9876543210") is Verdict.NOTHING
    assert asks(aws, stranger) is Verdict.NOTHING


async def test_a_public_url_needs_both_permissions(aws: Plane):
    await permit(aws, "*", INVOKE_FUNCTION_URL, FunctionUrlAuthType="NONE")
    await permit(aws, "*", InvokedViaFunctionUrl=True)

    def admitted(auth_type: str) -> list[bool]:
        function = aws.control.functions.get(FunctionArn(REGION, ACCOUNT, "f"))
        facts = facts_of(ANONYMOUS, region=REGION, now=aws.clock.now()).and_of(
            {"lambda:FunctionUrlAuthType": auth_type, "lambda:InvokedViaFunctionUrl": "true"}
        )
        return [admits(function, None, action, ANONYMOUS, facts) for action in (INVOKE_FUNCTION_URL, INVOKE_FUNCTION)]

    assert admitted("NONE") == [True, True]
    assert admitted("AWS_IAM") == [False, True]
    assert asks(aws, ANONYMOUS) is Verdict.NOTHING  # not by Invoke
    assert asks(aws, Requester.of(STRANGER)) is Verdict.NOTHING


async def test_a_functions_policy_speaks_of_its_versions_by_a_wildcard(aws: Plane):
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "lambda:*", "Resource": F + ":*"}
    await aws("PutResourcePolicy", ResourceArn=F, Policy=json.dumps({"Statement": statement}))
    stranger = Requester.of(STRANGER)
    assert [asks(aws, stranger, qualifier) for qualifier in ("1", "live", "$LATEST")] == [Verdict.ALLOWED] * 3
    assert asks(aws, stranger) is Verdict.NOTHING
    denial = statement | {"Effect": "Deny", "Resource": F + ":live"}
    await aws("PutResourcePolicy", ResourceArn=F + ":live", Policy=json.dumps({"Statement": denial}))
    assert [asks(aws, stranger, qualifier) for qualifier in ("1", "live")] == [Verdict.ALLOWED, Verdict.DENIED]


READS: dict[str, dict[str, str]] = {
    "GetFunction": {},
    "GetFunctionConfiguration": {},
    "ListVersionsByFunction": {},
    "ListAliases": {},
    "GetAlias": {"Name": "live"},
    "GetPolicy": {},
}


@pytest.mark.parametrize("operation", READS)
async def test_another_account_reads_what_it_was_let_read(aws: Plane, operation: str):
    members = READS[operation] | {"FunctionName": F}
    action = f"lambda:{operation}"
    denied = (
        "AccessDeniedException",
        (
            f"User: {STRANGER.arn} is not authorized to perform: {action} on resource: {F} "
            f"because no resource-based policy allows the {action} action"
        ),
    )
    assert await refused(aws.called_by(STRANGER, operation, **members)) == denied
    await permit(aws, OTHER)  # to invoke is something else
    assert await refused(aws.called_by(STRANGER, operation, **members)) == denied
    await permit(aws, OTHER, action)
    assert await aws.called_by(STRANGER, operation, **members) == await aws(operation, **members)


async def test_another_account_does_not_learn_which_functions_exist(aws: Plane):
    code, sentence = await refused(aws.called_by(STRANGER, "GetFunction", FunctionName=ARN + "missing"))
    assert (code, sentence.partition(" on resource: ")[2].partition(" ")[0]) == (
        "AccessDeniedException",
        ARN + "missing",
    )
    assert (await refused(aws.called_by(STRANGER, "GetFunction", FunctionName="f")))[0] == "ResourceNotFoundException"
    for operation in ("DeleteFunction", "PublishVersion", "GetResourcePolicy"):
        member = "ResourceArn" if operation == "GetResourcePolicy" else "FunctionName"
        await permit(aws, OTHER, f"lambda:{operation}")
        assert (await refused(aws.called_by(STRANGER, operation, **{member: F})))[0] == "AccessDeniedException"


async def test_an_explicit_deny_holds_for_the_functions_own_account(aws: Plane):
    statement = {"Effect": "Deny", "Principal": "*", "Action": "lambda:GetFunction", "Resource": F}
    await aws("PutResourcePolicy", ResourceArn=F, Policy=json.dumps({"Statement": statement}))
    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert await refused(aws("GetFunction", FunctionName="f")) == (
        "AccessDeniedException",
        (
            f"User: {root} is not authorized to perform: lambda:GetFunction on resource: {F} "
            "with an explicit deny in a resource-based policy"
        ),
    )
    assert await aws("GetFunction", FunctionName="f:live")
    assert await aws("GetFunctionConfiguration", FunctionName="f")
    await aws("DeleteResourcePolicy", ResourceArn=F)
    assert await aws("GetFunction", FunctionName="f")
