"""Resource policies as boto3 meets them, and callers of two accounts (`auth="open"`: the access key is the account)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.app import running
from lambent.config import Config
from tests.lambda_.conftest import TRUST, Aws
from tests.lambda_.zips import zipped

OWNER = "111122223333"
STRANGER = "444455556666"
ECHO = zipped({"app.py": "def handler(event, context):\n    return [context.invoked_function_arn, event]\n"})
INVOKE = "lambda:InvokeFunction"


async def test_permissions_are_added_shown_and_removed(aws: Aws):
    await aws.active("f")
    made = await aws(
        "add_permission",
        FunctionName="f",
        StatementId="s3",
        Action=INVOKE,
        Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::bucket",
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    shown = await aws("get_policy", FunctionName="f")
    assert json.loads(shown["Policy"])["Statement"] == [json.loads(made["Statement"])]
    wrong = await aws.refused("remove_permission", FunctionName="f", StatementId="s3", RevisionId="x")
    assert (wrong["Error"]["Code"], wrong["ResponseMetadata"]["HTTPStatusCode"]) == ("PreconditionFailedException", 412)
    gone = await aws("remove_permission", FunctionName="f", StatementId="s3", RevisionId=shown["RevisionId"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert (await aws.refused("get_policy", FunctionName="f"))["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (
            {"StatementId": "example.com"},
            (
                "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
            ),
        ),
        (
            {"Qualifier": "invalid-qualifier-with-?-char"},
            (
                "1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
            ),
        ),
    ],
)
async def test_what_the_model_forbids_is_refused_in_recorded_words(aws: Aws, members: dict[str, str], sentence: str):
    asked = {"FunctionName": "f", "StatementId": "s", "Action": INVOKE, "Principal": "s3.amazonaws.com"} | members
    refused = await aws.refused("add_permission", **asked)
    assert (refused["Error"]["Code"], refused["Error"]["Message"]) == ("ValidationException", sentence)


async def test_whole_documents_are_put_shown_and_deleted(aws: Aws):
    arn = (await aws.create("f"))["FunctionArn"]
    statement = {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "lambda:*", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    made = await aws("put_resource_policy", ResourceArn=arn, Policy=json.dumps(document))
    assert json.loads(made["Policy"]) == document
    shown = await aws("get_resource_policy", ResourceArn=arn)
    assert (shown["Policy"], shown["RevisionId"]) == (made["Policy"], made["RevisionId"])
    public = json.dumps({"Statement": statement | {"Principal": "*"}})
    refused = await aws.refused("put_resource_policy", ResourceArn=arn, Policy=public)
    assert (refused["Error"]["Code"], refused["ResponseMetadata"]["HTTPStatusCode"]) == ("PublicPolicyException", 400)
    gone = await aws("delete_resource_policy", ResourceArn=arn, RevisionId=made["RevisionId"])
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert (await aws.refused("get_resource_policy", ResourceArn=arn))["Error"]["Code"] == "ResourceNotFoundException"


class Two(NamedTuple):
    """Two accounts of one Lambent."""

    owner: Aws
    stranger: Aws
    arn: str  # of the owner's function


@pytest.fixture
async def two() -> AsyncGenerator[Two]:
    config = Config(ephemeral=True, port=0, sandbox="process", waiting_pool_size=0, update_least_s=0, auth="open")
    async with running(config) as lambent:
        sessions = [boto3.Session(account, "any", region_name=lambent.region) for account in (OWNER, STRANGER)]
        owner, stranger = [await asyncio.to_thread(Aws, session, lambent.endpoint) for session in sessions]
        role = await owner.blocking(
            lambda: owner.iam.create_role(RoleName="functions", AssumeRolePolicyDocument=json.dumps(TRUST))
        )
        owner.role = role["Role"]["Arn"]
        await owner.active("f", ECHO, Runtime="python3.11", Handler="app.handler")
        await owner("publish_version", FunctionName="f")
        await owner("create_alias", FunctionName="f", Name="live", FunctionVersion="1")
        arn = (await owner("get_function", FunctionName="f"))["Configuration"]["FunctionArn"]
        yield Two(owner, stranger, arn)


async def answered(aws: Aws, name: str) -> Any:
    outcome = await aws("invoke", FunctionName=name, Payload=b"1")
    return json.loads(outcome["Payload"].read())


async def test_another_account_invokes_what_it_was_let_invoke(two: Two):
    owner, stranger, arn = two
    refused = await stranger.refused("invoke", FunctionName=arn)
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (refused["Error"]["Code"], refused["Error"]["Message"]) == (
        "AccessDeniedException",
        (
            f"User: arn:aws:iam::{STRANGER}:root is not authorized to perform: {INVOKE} on resource: {arn} "
            f"because no resource-based policy allows the {INVOKE} action"
        ),
    )
    permission = {"FunctionName": arn + ":live", "StatementId": "x", "Action": INVOKE, "Principal": STRANGER}
    await owner("add_permission", **permission)
    assert await answered(stranger, arn + ":live") == [arn + ":live", 1]
    assert (await stranger.refused("invoke", FunctionName=arn))["Error"]["Code"] == "AccessDeniedException"
    assert (await stranger.refused("invoke", FunctionName="f"))["Error"]["Code"] == "ResourceNotFoundException"
    await owner("remove_permission", FunctionName=arn + ":live", StatementId="x")
    assert (await stranger.refused("invoke", FunctionName=arn + ":live"))["Error"]["Code"] == "AccessDeniedException"


async def test_an_explicit_deny_is_for_everyone_it_names(two: Two):
    owner, stranger, arn = two
    allow = {"Effect": "Allow", "Principal": {"AWS": [OWNER, STRANGER]}, "Action": INVOKE, "Resource": arn}
    deny = {"Effect": "Deny", "Principal": "*", "Action": INVOKE, "Resource": arn}
    await owner("put_resource_policy", ResourceArn=arn, Policy=json.dumps({"Statement": [allow]}))
    assert await answered(stranger, arn) == await answered(owner, "f") == [arn, 1]
    await owner("put_resource_policy", ResourceArn=arn, Policy=json.dumps({"Statement": [allow, deny]}))
    for caller in (owner, stranger):
        refused = await caller.refused("invoke", FunctionName=arn)
        assert refused["Error"]["Message"].endswith("with an explicit deny in a resource-based policy")
    assert await answered(owner, "f:live") == [arn + ":live", 1]


async def test_a_policy_can_ask_where_a_request_comes_from(two: Two):
    _, stranger, arn = two
    allow = {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": INVOKE, "Resource": arn}
    for network, may in (("127.0.0.0/8", True), ("10.0.0.0/8", False)):
        statement = allow | {"Condition": {"IpAddress": {"aws:SourceIp": network}}}
        await two.owner("put_resource_policy", ResourceArn=arn, Policy=json.dumps({"Statement": statement}))
        if may:
            assert await answered(stranger, arn) == [arn, 1]
        else:
            assert (await stranger.refused("invoke", FunctionName=arn))["Error"]["Code"] == "AccessDeniedException"


async def test_what_exists_in_another_account_is_not_told(two: Two):
    _, stranger, arn = two
    for name in (arn, arn + ":live", arn + ":nobody", arn + "nothing"):
        for operation in ("get_function", "delete_function", "get_policy"):
            assert (await stranger.refused(operation, FunctionName=name))["Error"]["Code"] == "AccessDeniedException"


async def test_a_url_for_known_callers_takes_any_signature_in_open_mode_but_not_none(two: Two):
    made = await two.owner("create_function_url_config", FunctionName="f", AuthType="AWS_IAM")
    site = AWSRequest("GET", made["FunctionUrl"])

    def status() -> int:
        headers = dict(site.headers) | {"Host": urlsplit(made["FunctionUrl"]).netloc}
        try:
            with urlopen(Request(two.owner.endpoint, headers=headers)) as response:
                return response.status
        except HTTPError as refused:
            return refused.code

    assert await two.owner.blocking(status) == 403
    SigV4Auth(Credentials(OWNER, "wrong"), "lambda", "us-east-1").add_auth(site)
    assert await two.owner.blocking(status) == 200
