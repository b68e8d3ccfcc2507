"""What policies say of requests: whom they mean, what wins, and on which side the unknown falls."""

from __future__ import annotations

import itertools
import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.core.kernel import Caller
from lambent.core.policies.document import parsed
from lambent.core.policies.evaluation import Asked, Verdict, verdict
from lambent.core.policies.facts import Facts, facts_of
from lambent.core.policies.principals import ANONYMOUS, Requester

ME = "111122223333"
OTHER = "444455556666"
ARN = f"arn:aws:lambda:eu-west-1:{ME}:function:f"
ACTION = "lambda:InvokeFunction"

ROOT = Requester.of(Caller(ME, f"arn:aws:iam::{ME}:root", ME, "AKIA", is_root=True))
USER = Requester.of(Caller(ME, f"arn:aws:iam::{ME}:user/path/eve", "AIDAEVE", "AKIA"))
SESSION = Requester.of(Caller(ME, f"arn:aws:sts::{ME}:assumed-role/worker/s", "AROAWORKER:s", "ASIA", session_name="s"))
SNS = Requester(service="sns.amazonaws.com")
POOL = Requester(federated="cognito-identity.amazonaws.com")
ALL = (ROOT, USER, SESSION, SNS, POOL, ANONYMOUS)
ALLOW: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": ACTION, "Resource": ARN}
DENY = ALLOW | {"Effect": "Deny"}


def say(
    *statements: dict[str, Any],
    requester: Requester = USER,
    action: str = ACTION,
    resource: str | None = ARN,
    facts: Facts | None = None,
    version: str = "2012-10-17",
) -> Verdict:
    text = json.dumps({"Version": version, "Statement": list(statements)})
    return verdict([parsed(text)], Asked(requester, action, resource, facts or Facts()))


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        ("*", ALL),
        ({"AWS": "*"}, (ROOT, USER, SESSION, POOL, ANONYMOUS)),
        ({"AWS": ME}, (ROOT, USER, SESSION)),
        ({"AWS": [OTHER, f"arn:aws:iam::{ME}:root"]}, (ROOT, USER, SESSION)),
        ({"AWS": f"arn:aws:iam::{ME}:user/path/eve"}, (USER,)),
        ({"AWS": f"arn:aws:iam::{ME}:user/*"}, ()),
        ({"AWS": "AIDAEVE"}, (USER,)),
        ({"AWS": f"arn:aws:iam::{ME}:role/worker"}, (SESSION,)),
        ({"AWS": f"arn:aws:iam::{ME}:role/path/to/worker"}, (SESSION,)),
        ({"AWS": f"arn:aws:iam::{OTHER}:role/worker"}, ()),
        ({"AWS": f"arn:aws:sts::{ME}:assumed-role/worker/s"}, (SESSION,)),
        ({"AWS": f"arn:aws:sts::{ME}:assumed-role/worker/t"}, ()),
        ({"AWS": "AROAWORKER"}, (SESSION,)),
        ({"Service": ["s3.amazonaws.com", "sns.amazonaws.com"]}, (SNS,)),
        ({"Service": "s3.amazonaws.com"}, ()),
        ({"Federated": "cognito-identity.amazonaws.com"}, (POOL,)),
        ({"CanonicalUser": "64 digits"}, ()),
        ({"AWS": []}, ()),
    ],
)
def test_a_principal_means_these(principal: object, meant: tuple[Requester, ...]):
    statement = ALLOW | {"Principal": principal}
    assert [who for who in ALL if say(statement, requester=who) is Verdict.ALLOWED] == list(meant)


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        ({"AWS": ME}, (SNS, POOL, ANONYMOUS)),
        ({"AWS": f"arn:aws:iam::{ME}:role/worker"}, (ROOT, USER, SNS, POOL, ANONYMOUS)),
        ("*", ()),
    ],
)
def test_not_principal_means_everyone_else(principal: object, meant: tuple[Requester, ...]):
    statement = {"Effect": "Allow", "NotPrincipal": principal, "Action": "*", "Resource": "*"}
    assert [who for who in ALL if say(statement, requester=who) is Verdict.ALLOWED] == list(meant)


def test_a_statement_that_names_nobody_allows_nobody():
    nobody = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert say(nobody) is Verdict.NOTHING
    assert say(ALLOW, nobody | {"Effect": "Deny"}) is Verdict.DENIED


@pytest.mark.parametrize(
    ("element", "covered"),
    [
        ({"Action": "lambda:invokefunction"}, True),
        ({"Action": "lambda:Invoke*"}, True),
        ({"Action": ["lambda:GetFunction", "*"]}, True),
        ({"Action": "lambda:InvokeFunctionUrl"}, False),
        ({"NotAction": "lambda:Get*"}, True),
        ({"NotAction": ["lambda:Get*", "LAMBDA:*"]}, False),
        ({}, False),
    ],
)
def test_actions_have_wildcards_and_no_case(element: dict[str, Any], covered: bool):
    statement = {"Effect": "Allow", "Principal": "*", "Resource": "*"} | element
    assert (say(statement) is Verdict.ALLOWED) is covered


@pytest.mark.parametrize(
    ("element", "covered"),
    [
        ({"Resource": ARN}, True),
        ({"Resource": ARN + ":*"}, False),
        ({"Resource": [ARN + ":prod", "arn:aws:lambda:*"]}, True),
        ({"Resource": ARN.upper()}, False),
        ({"NotResource": ARN + ":prod"}, True),
        ({"NotResource": ["x", ARN]}, False),
        ({}, True),  # what it hangs on
        ({"Resource": "arn:aws:lambda:eu-west-1:*:function:${aws:username}"}, False),
    ],
)
def test_resources_have_wildcards_and_case(element: dict[str, Any], covered: bool):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*"} | element
    assert (say(statement) is Verdict.ALLOWED) is covered


def test_an_explicit_deny_wins_wherever_it_stands():
    assert say(ALLOW) is Verdict.ALLOWED
    assert say(ALLOW, DENY) is say(DENY, ALLOW) is say(DENY) is Verdict.DENIED
    assert say(ALLOW, DENY | {"Principal": {"AWS": OTHER}}) is Verdict.ALLOWED
    other, text = parsed(json.dumps({"Statement": DENY})), parsed(json.dumps({"Statement": ALLOW}))
    assert verdict([text, other], Asked(USER, ACTION, ARN)) is Verdict.DENIED
    assert verdict([], Asked(USER, ACTION, ARN)) is Verdict.NOTHING


@pytest.mark.parametrize(
    "unknown",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "x"}}},
        {"Condition": {"StringLike": {"lambda:EventSourceToken": "${aws:username}"}}},
        {"Resource": "arn:aws:lambda:eu-west-1:*:function:${aws:username}"},
        {"Principal": {"CanonicalUser": "64 digits"}},
    ],
)
def test_what_cannot_be_told_allows_nothing_and_denies(unknown: dict[str, Any]):
    facts = Facts().and_of({"lambda:EventSourceToken": "t"})
    assert say(ALLOW | unknown, facts=facts) is Verdict.NOTHING
    assert say(ALLOW, DENY | unknown, facts=facts) is Verdict.DENIED
    elsewhere = DENY | unknown | {"Action": "lambda:GetFunction"}  # what is plainly something else is not touched
    assert say(ALLOW, elsewhere, facts=facts) is Verdict.ALLOWED


def test_what_is_known_of_whoever_asks_can_be_asked_for():
    facts = facts_of(SESSION, region="eu-west-1", now=1_767_225_600.0)
    condition = {
        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ME}:role/worker"},
        "StringEquals": {
            "aws:PrincipalAccount": ME,
            "aws:PrincipalType": "AssumedRole",
            "aws:RequestedRegion": "eu-west-1",
            "aws:userid": "AROAWORKER:s",
        },
        "DateEquals": {"aws:CurrentTime": "2026-01-01T00:00:00Z"},
        "NumericEquals": {"aws:EpochTime": 1_767_225_600},
        "Bool": {"aws:PrincipalIsAWSService": False},
        "Null": {"aws:PrincipalOrgID": True, "aws:SourceVpce": True, "aws:SourceArn": True},
    }
    assert say(ALLOW | {"Condition": condition}, requester=SESSION, facts=facts) is Verdict.ALLOWED
    assert [who.type for who in (ROOT, USER, SNS, ANONYMOUS)] == ["Account", "User", None, "Anonymous"]


# --- against a naive reference: every unknown key is tried with every value it might have --------------------------------


KEYS = ("a:known", "a:absent", "aws:unknown")
VALUES = ("x", "y", "z")


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    values = st.lists(st.sampled_from([*VALUES, "*", "?"]), min_size=1, max_size=2)
    operators = [
        *("StringEquals", "StringNotEquals", "StringLike", "StringNotLikeIfExists", "ForAllValues:StringEquals"),
        *("ForAnyValue:StringNotEquals", "StringEqualsIfExists"),
    ]
    return {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Principal", "NotPrincipal"])): draw(
            st.sampled_from(["*", {"AWS": ME}, {"AWS": OTHER}, {"Service": "sns.amazonaws.com"}])
        ),
        draw(st.sampled_from(["Action", "NotAction"])): draw(st.sampled_from(["*", ACTION, "lambda:Get*", "a:B"])),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(st.sampled_from(["*", ARN, ARN + ":*", "arn:?"])),
        "Condition": draw(
            st.dictionaries(
                st.sampled_from(operators), st.dictionaries(st.sampled_from(KEYS), values, max_size=2), max_size=2
            )
        ),
    }


def naive_condition(operator: str, given_: tuple[str, ...], wanted: list[str]) -> bool:
    def one(value: str) -> bool:
        like = any(fnmatchcase(value, each) if "Like" in operator else value == each for each in wanted)
        return not like if "Not" in operator else like

    if operator.startswith("ForAllValues:"):
        return all(map(one, given_))
    if not given_:
        return operator.endswith("IfExists") or ("Not" in operator and not operator.startswith("ForAnyValue:"))
    return any(map(one, given_))


def naive_matches(statement: dict[str, Any], requester: Requester, facts: dict[str, tuple[str, ...]]) -> bool:
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    named = principal == "*" or principal in ({"AWS": requester.account}, {"Service": requester.service})
    if named is ("NotPrincipal" in statement):
        return False
    for element, value in (("Action", ACTION), ("Resource", ARN)):
        pattern = statement.get(element) or statement[f"Not{element}"]
        if fnmatchcase(value, pattern) is (f"Not{element}" in statement):
            return False
    return all(
        naive_condition(operator, facts[key], wanted)
        for operator, keys in statement["Condition"].items()
        for key, wanted in keys.items()
    )


def naive_verdict(policy: list[dict[str, Any]], requester: Requester, facts: dict[str, tuple[str, ...]]) -> Verdict:
    said = {each["Effect"] for each in policy if naive_matches(each, requester, facts)}
    return Verdict.DENIED if "Deny" in said else Verdict.ALLOWED if "Allow" in said else Verdict.NOTHING


@given(st.lists(statements(), min_size=1, max_size=4), st.sampled_from([USER, SNS]), st.sampled_from(VALUES))
def test_a_verdict_is_that_of_the_naive_reference(policy: list[dict[str, Any]], who: Requester, value: str):
    found = say(*policy, requester=who, facts=Facts({"a:known": (value,)}))
    possible = {
        naive_verdict(policy, who, {"a:known": (value,), "a:absent": (), "aws:unknown": unknown})
        for count in (0, 1)
        for unknown in itertools.product((*VALUES, "w"), repeat=count)
    }
    if not any("aws:unknown" in keys for each in policy for keys in each["Condition"].values()):
        assert possible == {found}
    elif found is Verdict.ALLOWED:
        assert possible == {Verdict.ALLOWED}  # it is allowed whatever the unknown value is
