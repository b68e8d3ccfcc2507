"""Whole documents: what they may say, and that both families of operations speak of the same policy."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.errors import AwsError
from lambent.core.kernel import Caller
from lambent.core.policies.document import parsed
from lambent.core.policies.evaluation import Asked, Verdict, verdict
from lambent.core.policies.principals import Requester
from lambent.lambda_.limits import POLICY_MAX_BYTES
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.policies.documents import compact, understood
from lambent.lambda_.policies.errors import PolicyInvalid, PolicyPublic, PolicyTooLong
from lambent.lambda_.policies.rules import checked
from tests.lambda_.plane import ACCOUNT, ARN, REGION, Plane, plane, refused

F = ARN + "f"
OTHER = "111122223333"
INVOKE = "lambda:InvokeFunction"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": INVOKE, "Resource": F}
MISMATCH = (
    "PreconditionFailedException",
    (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetResourcePolicy API to retrieve the latest Revision Id"
    ),
)


@pytest.fixture
async def aws(tmp_path: Path) -> AsyncGenerator[Plane]:
    async with plane(tmp_path) as made:
        await made.active()
        await made("PublishVersion", FunctionName="f")
        await made("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
        yield made


def document(*statements: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | fields, indent=1)


async def put(aws: Plane, text: str, arn: str = F, **members: str) -> dict[str, Any]:
    return await aws("PutResourcePolicy", ResourceArn=arn, Policy=text, **members)


@pytest.mark.parametrize("arn", [F, F + ":1", F + ":live"])
async def test_a_document_reads_back_by_both_families(aws: Plane, arn: str):
    text = document(ALLOW | {"Resource": arn}, ALLOW | {"Effect": "Deny", "Resource": arn, "Sid": "no"}, Id="mine")
    made = await put(aws, text, arn)
    assert json.loads(made["Policy"]) == json.loads(text)
    assert made["Policy"] == json.dumps(json.loads(text), separators=(",", ":"))
    assert await aws("GetResourcePolicy", ResourceArn=arn) == made
    assert await aws("GetPolicy", FunctionName=arn) == made


async def test_a_document_replaces_what_was_added_and_can_be_added_to(aws: Plane):
    permission: dict[str, Any] = {"Action": INVOKE, "Principal": "s3.amazonaws.com"}
    await aws("AddPermission", FunctionName="f", StatementId="old", **permission)
    await put(aws, json.dumps({"Version": "2012-10-17", "Statement": ALLOW | {"Sid": "one"}}))
    await aws("AddPermission", FunctionName="f", StatementId="new", **permission)
    shown = json.loads((await aws("GetResourcePolicy", ResourceArn=F))["Policy"])
    assert [each["Sid"] for each in shown["Statement"]] == ["one", "new"]
    assert "Id" not in shown
    await aws("RemovePermission", FunctionName="f", StatementId="one")
    await aws("RemovePermission", FunctionName="f", StatementId="new")
    assert (await refused(aws("GetResourcePolicy", ResourceArn=F)))[0] == "ResourceNotFoundException"


async def test_a_revision_guards_the_document(aws: Plane):
    stale = "00000000-0000-4000-8000-000000000000"
    assert await refused(put(aws, document(ALLOW), RevisionId=stale)) == MISMATCH
    own = (await aws("GetFunctionConfiguration", FunctionName="f"))["RevisionId"]  # counts while there is no policy
    first = (await put(aws, document(ALLOW), RevisionId=own))["RevisionId"]
    second = (await put(aws, document(ALLOW), RevisionId=first))["RevisionId"]
    assert await refused(put(aws, document(ALLOW), RevisionId=first)) == MISMATCH
    assert await refused(aws("DeleteResourcePolicy", ResourceArn=F, RevisionId=first)) == MISMATCH
    await aws("DeleteResourcePolicy", ResourceArn=F, RevisionId=second)
    assert await refused(aws("DeleteResourcePolicy", ResourceArn=F)) == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


async def test_only_functions_versions_and_aliases_that_exist_have_policies(aws: Plane):
    sentences = {
        ARN + "g": f"Function not found: {ARN}g",
        F + ":9": f"Function not found: {F}:9",
        F + ":nobody": f"Cannot find alias arn: {F}:nobody",
        F + ":$LATEST": "We currently do not support adding policies for $LATEST.",
        F.replace(REGION, "us-east-1"): f"Functions from 'us-east-1' are not reachable in this region ('{REGION}')",
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:runtime/x": "The resource you requested does not exist.",
    }
    for arn, sentence in sentences.items():
        text = document(ALLOW | {"Resource": "*"})
        assert (await refused(put(aws, text, arn)))[1] == sentence
        assert (await refused(aws("DeleteResourcePolicy", ResourceArn=arn)))[1] == sentence
    elsewhere = F.replace(ACCOUNT, OTHER)
    assert (await refused(aws("GetResourcePolicy", ResourceArn=elsewhere)))[0] == "AccessDeniedException"


HERE = FunctionArn(REGION, ACCOUNT, "f")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not JSON"),
        ("[" * 20_000, "it is not JSON"),
        ('{"a":' * 4_000, "it is not JSON"),
        ("[]", "it breaks the grammar of policies"),
        (document(), "it breaks the grammar of policies"),
        (document(ALLOW).replace('"Effect"', '"Effect": "Deny", "Effect"'), "it breaks the grammar of policies"),
        (document(ALLOW | {"Condition": {"Equals": {"a:b": "c"}}}), "it breaks the grammar of policies"),
        (document(ALLOW | {"Sid": "x"}, ALLOW | {"Sid": "x"}), "statement ids must be unique"),
        (document(ALLOW | {"Principal": {"AWS": []}}), "a statement has no Principal"),
        (document({k: v for k, v in ALLOW.items() if k != "Principal"}), "a statement has no Principal"),
        (document({k: v for k, v in ALLOW.items() if k != "Action"}), "a statement has no Action"),
        (document({k: v for k, v in ALLOW.items() if k != "Resource"}), "a statement has no Resource"),
        (document(ALLOW | {"Principal": {"AWS": "bob"}}), "the principal bob is none"),
        (document(ALLOW | {"Principal": {"Service": "*"}}), "the principal * is none"),
        (document(ALLOW | {"Principal": {"CanonicalUser": "x"}}), "a function has no canonical users"),
        (document(ALLOW | {"Action": "s3:GetObject"}), "s3:GetObject is not an action of Lambda"),
        (document(ALLOW | {"Resource": ARN + "g"}), f"the resource {ARN}g is not {F}"),
        (document(ALLOW | {"Resource": ARN + "f2:*"}), f"the resource {ARN}f2:* is not {F}"),
        (document(ALLOW | {"Resource": F + ":*"}), None),
        (document(ALLOW | {"Resource": F + "*"}), None),
        (document(ALLOW | {"Action": ["lambda:*", "*"], "Resource": "*"}), None),
        (
            document(ALLOW | {"Condition": {"StringEquals": {"aws:userid": "${aws:userid}"}}}),
            "policy variables are not",
        ),
    ],
)
def test_a_document_is_about_a_function_and_somebody(text: str, reason: str | None):
    if reason is None:
        checked(text, HERE)
        return
    with pytest.raises(PolicyInvalid, match="The resource policy is not valid: ") as caught:
        checked(text, HERE)
    assert reason in caught.value.text


@pytest.mark.parametrize(
    ("element", "is_public"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [OTHER, "*"]}}, True),
        ({"Principal": "*", "Effect": "Deny"}, False),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}}, False),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": "*"}}}, True),
        ({"Principal": "*", "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": OTHER}}}, True),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:SourceAccount": OTHER}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:SourceAccount": []}}}, True),
        ({"Principal": "*", "Condition": {"Null": {"aws:SourceAccount": "false"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": REGION}}}, True),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{OTHER}:*"}}}, False),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}}, False),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}}, True),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws*"}}}, True),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, False),
        ({"Principal": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}}, True),
        ({"Principal": "*", "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}, False),
        ({"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}, False),
        ({"Principal": "*", "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}}, True),
    ],
)
def test_a_document_does_not_let_in_everybody(element: dict[str, Any], is_public: bool):
    text = document(ALLOW | element)
    if not is_public:
        checked(text, HERE)
        return
    with pytest.raises(PolicyPublic):
        checked(text, HERE)


def test_not_principal_lets_in_everybody_else():
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": INVOKE, "Resource": F}
    with pytest.raises(PolicyPublic):
        checked(document(statement), HERE)
    checked(document(statement | {"Effect": "Deny"}), HERE)


def test_a_document_is_as_large_as_what_is_kept_of_it():
    text = document(ALLOW | {"Condition": {"StringEquals": {"a:b": "é" * (POLICY_MAX_BYTES // 2)}}})
    with pytest.raises(PolicyTooLong, match=r"is bigger than the limit \(20480\)"):
        compact(text)


VALUES = st.text(max_size=5) | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()


@given(st.dictionaries(st.text(max_size=5), VALUES | st.lists(VALUES, max_size=3), max_size=3), st.booleans())
def test_what_is_kept_means_what_was_written(keys: dict[str, Any], as_list: bool):
    statement = ALLOW | {"Condition": {"StringLike": keys}}
    text = json.dumps({"Statement": [statement] if as_list else statement})
    kept = compact(text)
    assert compact(kept) == kept
    if not any(isinstance(value, int | float | list) for value in keys.values()):  # numbers may be written otherwise
        assert parsed(kept) == parsed(text)


ODD = st.sampled_from(
    [
        "*",
        "?",
        "",
        "Allow",
        "Deny",
        INVOKE,
        F,
        F + ":*",
        OTHER,
        "2012-10-17",
        "s3.amazonaws.com",
        "\ud800",
        "${a}",
        10**30,
    ]
)
ELEMENTS = ["Version", "Id", "Statement", "Sid", "Effect", "Principal", "AWS", "Action", "Resource", "Condition"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ODD,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*ELEMENTS, "NotPrincipal", "Bool", "Null", "a:b"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(ELEMENTS), JSON, max_size=3).map(
        lambda fields: json.dumps({"Statement": [ALLOW | fields]} | ({"Id": fields["Id"]} if "Id" in fields else {}))
    )
    | JSON.map(json.dumps)
)
def test_any_text_is_kept_or_refused_and_what_is_kept_can_be_asked(text: str):
    try:
        checked(text, HERE)
        kept = compact(text)
    except AwsError:
        return
    asked = Asked(Requester.of(Caller(OTHER, f"arn:aws:iam::{OTHER}:root", OTHER, "AKIA", is_root=True)), INVOKE, F)
    assert verdict([understood(kept)], asked) in Verdict
