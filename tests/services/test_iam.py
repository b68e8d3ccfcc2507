"""IAM through boto3: roles, who may assume them, and their policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.core.kernel import Caller
from tests.services.cloud import ACCOUNT, TRUST, Cloud

BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
ASSUME: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | fields)


async def role(aws: Cloud, name: str = "worker", trust: str = TRUST, **members: Any) -> dict[str, Any]:
    return (await aws.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust, **members))["Role"]


async def test_a_role_is_made_told_and_deleted(aws: Cloud):
    made = await role(aws, Path="/service/", Description="works", Tags=[{"Key": "a", "Value": "1"}])
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/service/worker"
    assert made["RoleId"].startswith("AROA")
    told = (await aws.call("iam", "get_role", RoleName="worker"))["Role"]
    assert told["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert (told["MaxSessionDuration"], told["Description"]) == (3600, "works")
    (listed,) = (await aws.call("iam", "list_roles"))["Roles"]
    assert listed["MaxSessionDuration"] == 3600
    assert "MaxSessionDuration" not in made
    assert told["Tags"] == [{"Key": "a", "Value": "1"}]
    await aws.call("iam", "delete_role", RoleName="worker")
    assert await aws.refusal("iam", "get_role", RoleName="worker") == (
        "NoSuchEntity",
        "The role with name worker cannot be found.",
    )


async def test_names_of_roles_differ_in_more_than_case(aws: Cloud):
    await role(aws)
    assert await aws.refusal("iam", "create_role", RoleName="Worker", AssumeRolePolicyDocument=TRUST) == (
        "EntityAlreadyExists",
        "Role with name Worker already exists.",
    )


async def test_roles_are_listed_by_page_and_path(aws: Cloud):
    for name in ("c", "a", "b"):
        await role(aws, name, Path="/x/" if name == "b" else "/")
    first = await aws.call("iam", "list_roles", MaxItems=2)
    assert first["IsTruncated"]
    second = await aws.call("iam", "list_roles", MaxItems=2, Marker=first["Marker"])
    assert not second["IsTruncated"]
    assert [each["RoleName"] for page in (first, second) for each in page["Roles"]] == ["a", "b", "c"]
    below = await aws.call("iam", "list_roles", PathPrefix="/x/")
    assert [each["RoleName"] for each in below["Roles"]] == ["b"]


async def test_a_role_with_policies_is_not_deleted(aws: Cloud):
    await role(aws)
    await aws.call("iam", "attach_role_policy", RoleName="worker", PolicyArn=BASIC)
    assert (await aws.refusal("iam", "delete_role", RoleName="worker")) == (
        "DeleteConflict",
        "Cannot delete entity, must detach all policies first.",
    )
    await aws.call("iam", "detach_role_policy", RoleName="worker", PolicyArn=BASIC)
    await aws.call("iam", "put_role_policy", RoleName="worker", PolicyName="p", PolicyDocument=document(ALLOW))
    assert (await aws.refusal("iam", "delete_role", RoleName="worker"))[1] == (
        "Cannot delete entity, must delete policies first."
    )
    await aws.call("iam", "delete_role_policy", RoleName="worker", PolicyName="p")
    await aws.call("iam", "delete_role", RoleName="worker")


async def test_awss_managed_policies_are_there_to_attach(aws: Cloud):
    await role(aws)
    await aws.call("iam", "attach_role_policy", RoleName="worker", PolicyArn=BASIC)
    attached = await aws.call("iam", "list_attached_role_policies", RoleName="worker")
    assert attached["AttachedPolicies"] == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}]
    told = (await aws.call("iam", "get_policy", PolicyArn=BASIC))["Policy"]
    assert (told["AttachmentCount"], told["DefaultVersionId"]) == (1, "v1")
    version = await aws.call("iam", "get_policy_version", PolicyArn=BASIC, VersionId="v1")
    assert "logs:PutLogEvents" in version["PolicyVersion"]["Document"]["Statement"][0]["Action"]
    missing = f"{BASIC}2"
    assert await aws.refusal("iam", "attach_role_policy", RoleName="worker", PolicyArn=missing) == (
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
    )
    assert (await aws.refusal("iam", "detach_role_policy", RoleName="worker", PolicyArn=missing))[0] == "NoSuchEntity"


async def test_inline_policies_are_kept_as_they_were_written(aws: Cloud):
    await role(aws)
    for name in ("b", "a"):
        await aws.call("iam", "put_role_policy", RoleName="worker", PolicyName=name, PolicyDocument=document(ALLOW))
    told = await aws.call("iam", "get_role_policy", RoleName="worker", PolicyName="a")
    assert told["PolicyDocument"] == json.loads(document(ALLOW))
    assert (await aws.call("iam", "list_role_policies", RoleName="worker"))["PolicyNames"] == ["a", "b"]
    assert (await aws.refusal("iam", "get_role_policy", RoleName="worker", PolicyName="c"))[1] == (
        "The role policy with name c cannot be found."
    )


async def test_a_customers_policy_is_made_attached_and_deleted(aws: Cloud):
    await role(aws)
    made = (await aws.call("iam", "create_policy", PolicyName="read", PolicyDocument=document(ALLOW)))["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/read"
    await aws.call("iam", "attach_role_policy", RoleName="worker", PolicyArn=arn)
    local = await aws.call("iam", "list_policies", Scope="Local")
    assert [(each["PolicyName"], each["AttachmentCount"]) for each in local["Policies"]] == [("read", 1)]
    assert (await aws.refusal("iam", "delete_policy", PolicyArn=arn))[0] == "DeleteConflict"
    await aws.call("iam", "detach_role_policy", RoleName="worker", PolicyArn=arn)
    assert [v["VersionId"] for v in (await aws.call("iam", "list_policy_versions", PolicyArn=arn))["Versions"]] == [
        "v1"
    ]
    await aws.call("iam", "delete_policy", PolicyArn=arn)
    assert await aws.refusal("iam", "get_policy", PolicyArn=arn) == ("NoSuchEntity", f"Policy {arn} was not found.")


async def test_roles_are_tagged_and_changed(aws: Cloud):
    await role(aws)
    await aws.call("iam", "tag_role", RoleName="worker", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    await aws.call("iam", "untag_role", RoleName="worker", TagKeys=["a"])
    assert (await aws.call("iam", "list_role_tags", RoleName="worker"))["Tags"] == [{"Key": "b", "Value": "2"}]
    await aws.call("iam", "update_role", RoleName="worker", MaxSessionDuration=7200)
    assert (await aws.call("iam", "get_role", RoleName="worker"))["Role"]["MaxSessionDuration"] == 7200
    profiles = await aws.call("iam", "list_instance_profiles_for_role", RoleName="worker")
    assert profiles["InstanceProfiles"] == []


async def test_a_trust_policy_is_replaced_as_a_whole_and_only_by_a_good_one(aws: Cloud):
    await role(aws)
    other = document(ASSUME | {"Principal": {"Service": "events.amazonaws.com"}})
    await aws.call("iam", "update_assume_role_policy", RoleName="worker", PolicyDocument=other)
    told = (await aws.call("iam", "get_role", RoleName="worker"))["Role"]
    assert told["AssumeRolePolicyDocument"] == json.loads(other)
    refused = await aws.refusal("iam", "update_assume_role_policy", RoleName="worker", PolicyDocument="{")
    assert refused == ("MalformedPolicyDocument", "This policy contains invalid Json")
    assert (await aws.call("iam", "get_role", RoleName="worker"))["Role"] == told


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This policy contains invalid Json"),
        ("[" * 40_000, "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        (document(), "Syntax errors in policy."),
        (document(ASSUME | {"Resource": "*"}), "Has prohibited field Resource"),
        (document({"Effect": "Allow", "Action": "sts:AssumeRole"}), "Missing required field Principal"),
        (document(ASSUME | {"Action": "s3:*"}), "AssumeRole policy may only specify STS AssumeRole actions."),
        (document(ASSUME | {"Effect": "allow"}), "Syntax errors in policy."),
        (document(ASSUME | {"What": 1}), "Syntax errors in policy."),
        (document(ASSUME | {"Condition": {"StringEqual": {"a:b": "c"}}}), "Syntax errors in policy."),
        (document(ASSUME | {"Principal": {"Service": "lambda"}}), 'Invalid principal in policy: "SERVICE":"lambda"'),
        (document(ASSUME | {"Principal": {"AWS": "bob"}}), 'Invalid principal in policy: "AWS":"bob"'),
    ],
)
async def test_a_malformed_trust_policy_is_refused(aws: Cloud, text: str, sentence: str):
    assert await aws.refusal("iam", "create_role", RoleName="r", AssumeRolePolicyDocument=text) == (
        "MalformedPolicyDocument",
        sentence,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (document(ALLOW, Version="2008-10-17"), "Policy document must be version 2012-10-17 or greater."),
        (document({"Effect": "Allow", "Resource": "*"}), "Policy statement must contain actions."),
        (document({"Effect": "Allow", "Action": "s3:*"}), "Policy statement must contain resources."),
        (
            document(ALLOW | {"Action": "GetObject"}),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (document(ALLOW | {"Action": "s3:a:b"}), "Actions/Condition can contain only one colon."),
        (document(ALLOW | {"Action": "a a:b"}), "Vendor a a is not valid"),
        (document(ALLOW | {"Resource": "bucket"}), 'Resource bucket must be in ARN format or "*".'),
        (document(ALLOW | {"Principal": "*"}), "Policy document should not specify a principal."),
        (
            document(ALLOW | {"Sid": "x"}, ALLOW | {"Sid": "x"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ],
)
async def test_a_malformed_policy_is_refused(aws: Cloud, text: str, sentence: str):
    assert await aws.refusal("iam", "create_policy", PolicyName="p", PolicyDocument=text) == (
        "MalformedPolicyDocument",
        sentence,
    )


SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s"
EXTERNAL = {"sts:externalid": ("e",)}


@pytest.mark.parametrize(
    ("statements", "service"),
    [
        ([ASSUME], True),
        ([ASSUME | {"Principal": "*"}], True),
        ([ASSUME | {"Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}}], True),
        ([ASSUME | {"Principal": {"Service": "ec2.amazonaws.com"}}], False),
        ([ASSUME | {"Principal": {"AWS": "*"}}], False),
        ([ASSUME | {"Action": "sts:TagSession"}], False),
        ([ASSUME, ASSUME | {"Effect": "Deny"}], False),
        ([ASSUME | {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}], False),
        ([ASSUME | {"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}}], True),
        ([ASSUME | {"Condition": {"DateLessThan": {"aws:CurrentTime": "2099-01-01"}}}], False),
        ([ASSUME, ASSUME | {"Effect": "Deny", "Condition": {"Null": {"a:b": "true"}}}], False),
    ],
)
async def test_lambda_may_assume_what_trusts_it(aws: Cloud, statements: list[dict[str, Any]], service: bool):
    arn = (await role(aws, trust=document(*statements)))["Arn"]
    assert aws.services["iam"].state.roles.assumable_by(arn, "lambda.amazonaws.com") is service


@pytest.mark.parametrize(
    ("principal", "condition", "may"),
    [
        (ACCOUNT, {}, True),
        (f"arn:aws:iam::{ACCOUNT}:root", {}, True),
        (f"arn:aws:iam::{ACCOUNT}:role/path/worker", {}, True),
        (f"arn:aws:iam::{ACCOUNT}:role/other", {}, False),
        (SESSION, {}, True),
        ("999999999999", {}, False),
        (ACCOUNT, {"StringEquals": {"sts:ExternalId": "e"}}, True),
        (ACCOUNT, {"StringEquals": {"sts:ExternalId": "f"}}, False),
        (ACCOUNT, {"StringNotEquals": {"sts:ExternalId": "e"}}, False),
        (ACCOUNT, {"StringLike": {"sts:ExternalId": ["x", "?"]}}, True),
    ],
)
async def test_a_session_may_assume_what_trusts_it(aws: Cloud, principal: str, condition: dict[str, Any], may: bool):
    trust = document(ASSUME | {"Principal": {"AWS": principal}, "Condition": condition})
    arn = (await role(aws, "target", trust))["Arn"]
    caller = Caller(ACCOUNT, SESSION, "AROAX:s", "ASIAX", session_name="s")
    found = aws.services["iam"].state.roles.assumable_by_caller(arn, caller, EXTERNAL)
    assert (found is not None) is may


async def test_quotas_are_kept(aws: Cloud):
    await role(aws)
    names = ["S3", "SQS", "SNS", "DynamoDB", "Kinesis"]
    policies = [f"arn:aws:iam::aws:policy/Amazon{n}{kind}Access" for n in names for kind in ("Full", "ReadOnly")]
    for arn in policies:
        await aws.call("iam", "attach_role_policy", RoleName="worker", PolicyArn=arn)
    assert await aws.refusal("iam", "attach_role_policy", RoleName="worker", PolicyArn=BASIC) == (
        "LimitExceeded",
        "Cannot exceed quota for PoliciesPerRole: 10",
    )
    big = document(ALLOW | {"Resource": ["arn:aws:s3:::" + "x" * 1000] * 9})
    await aws.call("iam", "put_role_policy", RoleName="worker", PolicyName="a", PolicyDocument=big)
    code, sentence = await aws.refusal("iam", "put_role_policy", RoleName="worker", PolicyName="b", PolicyDocument=big)
    assert (code, sentence) == ("LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role worker")
