"""Statements as AddPermission and AddLayerVersionPermission write them: one Allow, with conditions by operator.

The order of members is AWS's (recorded), since a policy is shown as text. Sources: reference/lambda.md 6
"Permissions"; Lambda API reference, AddPermission.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from lambent.core.policies.document import AWS_PRINCIPAL, SERVICE_PRINCIPAL
from lambent.lambda_.policies.errors import PrincipalInvalid

EVERYONE: Final = "*"
ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)

Statement = Mapping[str, Any]  # as JSON


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; None: no such condition."""

    sid: str
    action: str
    principal: str  # an account, an ARN, a service, or "*"
    source_arn: str | None = None
    source_account: str | None = None
    function_url_auth_type: str | None = None
    event_source_token: str | None = None
    principal_org_id: str | None = None
    invoked_via_function_url: bool | None = None

    def statement(self, resource: str, partition: str = "aws") -> Statement:
        """The statement about the resource with this ARN. Raises PrincipalInvalid."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": _principal(self.principal, partition),
            "Action": self.action,
            "Resource": resource,
        }
        if conditions := self._conditions():
            statement["Condition"] = conditions
        return statement

    def _conditions(self) -> dict[str, dict[str, str]]:
        url = self.invoked_via_function_url
        by_operator: dict[str, dict[str, str | None]] = {
            "StringEquals": {
                "AWS:SourceAccount": self.source_account,
                "lambda:FunctionUrlAuthType": self.function_url_auth_type,
                "lambda:EventSourceToken": self.event_source_token,
                "aws:PrincipalOrgID": self.principal_org_id,
            },
            "ArnLike": {"AWS:SourceArn": self.source_arn},
            "Bool": {"lambda:InvokedViaFunctionUrl": None if url is None else str(url).lower()},
        }
        given = {
            operator: {key: value for key, value in keys.items() if value is not None}
            for operator, keys in by_operator.items()
        }
        return {operator: keys for operator, keys in given.items() if keys}


def _principal(text: str, partition: str) -> str | dict[str, str]:
    if text == EVERYONE:
        return text
    if ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:{partition}:iam::{text}:root"}
    if AWS_PRINCIPAL.fullmatch(text):
        return {"AWS": text}
    if SERVICE_PRINCIPAL.fullmatch(text):
        return {"Service": text}
    raise PrincipalInvalid
