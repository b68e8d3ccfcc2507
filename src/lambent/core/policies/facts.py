"""What is known of a request: the condition keys with their values.

A key is one of three things. It is given. Or it is absent: a key of a service (`lambda:...`, `sts:...`) that the
service did not give, or one of the global keys that belong to what Lambent has not (organisations, VPC endpoints,
MFA, federation) or that only the services have that act for somebody (`aws:SourceArn`). Every other global key is
unknown: AWS would have a value there, and we have none, so nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from lambent.core.policies.principals import Requester

GLOBAL: Final = "aws:"
ABSENT_UNLESS_GIVEN: Final = frozenset(
    {
        *("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner"),
        *("aws:principalorgid", "aws:principalorgpaths", "aws:resourceorgid", "aws:resourceorgpaths"),
        *("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpcsourceip"),
        *("aws:multifactorauthpresent", "aws:multifactorauthage"),
        *("aws:federatedprovider", "aws:sourceidentity", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"),
        *("aws:principalservicename", "aws:principalservicenameslist"),
    }
)


class Facts(msgspec.Struct, frozen=True):
    """The keys that are given, in lower case, each with its values."""

    given: Mapping[str, tuple[str, ...]] = {}

    def of(self, key: str) -> tuple[str, ...] | None:
        """The values of a key, in whatever case; none at all when it is absent, None when that is unknown."""
        key = key.lower()
        found = self.given.get(key)
        if found is None and (key in ABSENT_UNLESS_GIVEN or not key.startswith(GLOBAL)):
            return ()
        return found

    def and_of(self, given: Mapping[str, str | None]) -> Facts:
        """These and others of one value each; None leaves a key out."""
        more = {key.lower(): (value,) for key, value in given.items() if value is not None}
        return Facts({**self.given, **more})


def facts_of(requester: Requester, *, region: str, now: float) -> Facts:
    """What is known of whoever asks, and when; `now` in Unix epoch seconds."""
    return Facts().and_of(
        {
            "aws:CurrentTime": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            "aws:EpochTime": str(int(now)),
            "aws:RequestedRegion": region,
            "aws:PrincipalArn": requester.principal_arn,
            "aws:PrincipalAccount": requester.account,
            "aws:PrincipalType": requester.type,
            "aws:PrincipalIsAWSService": str(requester.service is not None).lower(),
            "aws:PrincipalServiceName": requester.service,
            "aws:ViaAWSService": "false",
            "aws:userid": requester.principal_id,
        }
    )
