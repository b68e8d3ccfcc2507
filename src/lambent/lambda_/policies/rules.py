"""What the policy of a function may say, besides being one.

Every statement means somebody, names actions of Lambda, and is about the function (or the version or the alias) that
it hangs on. None may let in everybody: where the principal is "*", a condition has to say whose requests are meant,
with a value that is not itself a wildcard; to be called through a function URL is such a condition, because to
publish a URL is a decision of its own. Sources: the model's documentation of PublicPolicyException; AWS Config
developer guide, "lambda-function-public-access-prohibited"; Lambda developer guide, "Working with resource-based
policies in Lambda".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from lambent.core.policies import globs
from lambent.core.policies.conditions import VARIABLE
from lambent.core.policies.document import (
    AWS_PRINCIPAL,
    SERVICE_PRINCIPAL,
    WITH_VARIABLES,
    Document,
    Flaw,
    PolicyMalformed,
    Principals,
    Statement,
    parsed,
)
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.policies.errors import PolicyInvalid, PolicyPublic

FLAWS: Final[Mapping[Flaw, str]] = {
    Flaw.NOT_JSON: "it is not JSON",
    Flaw.SYNTAX: "it breaks the grammar of policies",
    Flaw.REPEATED_SID: "statement ids must be unique",
}
NARROWING: Final = {  # conditions that can tell whose requests are meant
    *("aws:sourcearn", "aws:sourceaccount", "aws:sourceowner", "aws:sourceorgid", "aws:sourceorgpaths"),
    *("aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:userid"),
    *("aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"),
    *("lambda:functionurlauthtype", "lambda:invokedviafunctionurl", "lambda:eventsourcetoken"),
}
NARROWING_OPERATORS: Final = {
    *("StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "Bool", "IpAddress"),
    *("ForAnyValue:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:ArnEquals", "ForAnyValue:ArnLike"),
}


def checked(text: str, arn: FunctionArn) -> Document:
    """A whole document for the resource of this ARN. Raises PolicyInvalid, PolicyPublic."""
    try:
        document = parsed(text)
    except PolicyMalformed as malformed:
        raise PolicyInvalid(reason=FLAWS[malformed.flaw]) from None
    for statement in document.statements:
        _check_elements(statement)
        _check_principals(statement.principals or statement.not_principals or {})
        _check_actions((*statement.actions, *statement.not_actions))
        _check_resources((*statement.resources, *statement.not_resources), arn)
    if document.version == WITH_VARIABLES and VARIABLE in text:
        raise PolicyInvalid(reason="policy variables are not supported by this version of Lambent")
    refuse_public(document)
    return document


def refuse_public(document: Document) -> None:
    """Raises PolicyPublic when a statement lets in everybody."""
    if any(_is_public(statement) for statement in document.statements):
        raise PolicyPublic


def _check_elements(statement: Statement) -> None:
    elements = {
        "Principal": statement.principals or statement.not_principals,
        "Action": statement.actions or statement.not_actions,
        "Resource": statement.resources or statement.not_resources,
    }
    for element, value in elements.items():
        if not value:
            raise PolicyInvalid(reason=f"a statement has no {element}")


def _check_principals(principals: Principals) -> None:
    patterns = {"AWS": AWS_PRINCIPAL, "Service": SERVICE_PRINCIPAL}
    for kind, names in principals.items():
        if not names:
            raise PolicyInvalid(reason="a statement has no Principal")
        if kind == "CanonicalUser":
            raise PolicyInvalid(reason="a function has no canonical users")
        pattern = patterns.get(kind)
        for name in names:
            if pattern is not None and not pattern.fullmatch(name):
                raise PolicyInvalid(reason=f"the principal {name} is none")


def _check_actions(actions: Iterable[str]) -> None:
    for action in actions:
        if action != "*" and not action.lower().startswith("lambda:"):
            raise PolicyInvalid(reason=f"{action} is not an action of Lambda")


def _check_resources(resources: Iterable[str], arn: FunctionArn) -> None:
    whole = f"{arn.unqualified}:"
    for resource in resources:
        about_a_version = arn.qualifier is None and resource.startswith(whole)
        if not about_a_version and not globs.matches(resource, str(arn)):
            raise PolicyInvalid(reason=f"the resource {resource} is not {arn}")


def _is_public(statement: Statement) -> bool:
    if statement.effect != "Allow":
        return False
    principals = statement.principals or {}
    everybody = "*" in principals or "*" in principals.get("AWS", ()) or bool(statement.not_principals)
    return everybody and not any(
        operator in NARROWING_OPERATORS and key.lower() in NARROWING and values and all(map(_is_fixed, values))
        for operator, keys in (statement.conditions or {}).items()
        for key, values in keys.items()
    )


def _is_fixed(value: str) -> bool:
    """Whether the value tells somebody from everybody; of an ARN, its account or its resource has to."""
    if value.startswith("arn:"):
        return any(map(_is_literal, value.split(":", 5)[4:]))
    return _is_literal(value) and not value.endswith("/0") and value.lower() != "false"


def _is_literal(text: str) -> bool:
    return bool(text) and not set(text) & set("*?")
