"""How functions are named: every accepted form of a FunctionName, and the ARN that all of them mean.

A caller may write `name`, `123456789012:function:name` (a partial ARN), or the whole ARN, each with `:qualifier`,
and most operations take the qualifier as a member of its own too. `FunctionReference.of` reads all of these into one
value, once per distinct spelling (it is on the path of every invocation, so the last few thousand are remembered);
`located` then checks that it is a name in the caller's account and region and gives the `FunctionArn`.

It does not know which functions exist. Sources: reference/lambda.md 1.3; the pattern is that of the model's
NamespacedFunctionName, with its groups named.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import msgspec

from lambent.lambda_.errors import (
    FunctionInOtherAccount,
    FunctionInOtherRegion,
    FunctionNameMalformed,
    FunctionNotFound,
    QualifierMismatch,
)

PARTITION: Final = "aws"  # the only one that there is here
LATEST: Final = "$LATEST"
LATEST_PUBLISHED: Final = "$LATEST.PUBLISHED"
REMEMBERED: Final = 8192  # spellings kept parsed; each is at most 256 + 128 characters

FORM: Final = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
    re.ASCII,
)


def place_of(qualifier: str) -> str:
    """A key by which qualifiers are sorted: $LATEST, the versions by number, the aliases by name."""
    if qualifier == LATEST:
        return ""
    return f"1{int(qualifier):012d}" if qualifier.isdecimal() else f"2{qualifier}"


class FunctionArn(msgspec.Struct, frozen=True, cache_hash=True):
    """`arn:aws:lambda:<region>:<account>:function:<name>`, with `:<qualifier>` when it names a version or an alias."""

    region: str
    account: str
    name: str
    qualifier: str | None = None
    partition: str = PARTITION

    def __str__(self) -> str:
        tail = "" if self.qualifier is None else f":{self.qualifier}"
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}{tail}"

    @property
    def unqualified(self) -> FunctionArn:
        return self if self.qualifier is None else FunctionArn(self.region, self.account, self.name)

    def qualified(self, qualifier: str) -> FunctionArn:
        """The ARN of one version (`$LATEST` too) or alias of the function."""
        return FunctionArn(self.region, self.account, self.name, qualifier, self.partition)


class FunctionReference(msgspec.Struct, frozen=True):
    """What a caller wrote; region and account are None where the form leaves them to the caller's own."""

    name: str
    qualifier: str | None = None
    region: str | None = None
    account: str | None = None

    @staticmethod
    def of(function_name: str, qualifier: str | None = None) -> FunctionReference:
        """Read any accepted form.

        The length of the name is for CreateFunction to check; AWS minds it nowhere else (recorded). Raises
        FunctionNameMalformed, QualifierMismatch, FunctionNotFound (of another partition).
        """
        return _read(function_name, qualifier)

    def located(self, account: str, region: str) -> FunctionArn:
        """Return the ARN it means for a caller of `account` in `region`.

        Raises FunctionInOtherRegion, FunctionInOtherAccount: what the policies of a function open to other accounts, an
        operation asks `operations.context.function_for`.
        """
        if self.region is not None and self.region != region:
            raise FunctionInOtherRegion(other=self.region, region=region)
        if self.account is not None and self.account != account:
            raise FunctionInOtherAccount
        return FunctionArn(region, account, self.name, self.qualifier)


@lru_cache(REMEMBERED)
def _read(function_name: str, qualifier: str | None) -> FunctionReference:
    form = FORM.fullmatch(function_name)
    if form is None:
        raise FunctionNameMalformed(name=function_name)
    if form["partition"] not in (None, "", PARTITION):
        raise FunctionNotFound(arn=function_name)
    name, own = form["name"], form["qualifier"]
    if own is not None and qualifier is not None and own != qualifier:
        raise QualifierMismatch
    return FunctionReference(name, own or qualifier, form["region"], form["account"])
