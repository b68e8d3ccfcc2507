"""What functions claim of the concurrent executions that an account has in a region.

A function claims what is reserved for it, and if nothing is, the sum of what is provisioned for its versions and aliases;
within a reservation, provisioned concurrency costs the account nothing more. The rest is what AWS calls unreserved, and is
what all functions without a reservation share. Sources: reference/lambda.md 5; Lambda developer guide, "Configuring
provisioned concurrency" ("counts towards a function's reserved concurrency and Regional quotas"); GetAccountSettings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import apsw

from lambent.lambda_.functions import Function
from lambent.lambda_.limits import UNRESERVED_MIN, AccountLimits
from lambent.lambda_.names import FunctionArn
from lambent.lambda_.parts import Part
from lambent.lambda_.rows import QUERIES


class ReservedConcurrency(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How many invocations of a function may run at once; 0 stops it. It hangs on the function itself."""

    KIND: ClassVar[str] = "reserved-concurrency"

    executions: int


class ProvisionedConcurrency(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How many environments are kept initialised for the version or the alias that it hangs on."""

    KIND: ClassVar[str] = "provisioned-concurrency"

    executions: int
    modified_at: float  # Unix epoch seconds


def reserved(function: Function) -> int | None:
    """What is reserved for the function; None when nothing is."""
    part = function.part(ReservedConcurrency)
    return None if part is None else part.executions


def provisioned(function: Function, *, but: str | None = None) -> int:
    """What is provisioned for its versions and aliases together; `but` leaves out that of one qualifier."""
    parts = function.parts(ProvisionedConcurrency)
    return sum(part.executions for qualifier, part in parts.items() if qualifier != but)


def unreserved(functions: Iterable[Function], limits: AccountLimits) -> int:
    """What is left of the account's executions when each of its functions has what it claims."""
    claims = ((reserved(function), function) for function in functions)
    claimed = sum(provisioned(function) if kept is None else kept for kept, function in claims)
    return limits.concurrent_executions - claimed


class Available:
    """What one function may claim, counted in the transaction of the change: pass `count` as its guard."""

    def __init__(self, arn: FunctionArn, limits: AccountLimits) -> None:
        self._arn: Final = arn
        self._limit: Final = limits.concurrent_executions
        self.minimum: Final = min(UNRESERVED_MIN, self._limit)  # what has to be left to the others
        self.executions = 0  # of the account, less what other functions claim

    def count(self, connection: apsw.Connection) -> None:
        """Add up the claims of the others, of this moment."""
        account, region, name = self._arn.account, self._arn.region, self._arn.name
        row = QUERIES.select_claimed.row(connection, account=account, region=region, but=name)
        self.executions = self._limit - (row[0] if row is not None else 0)

    def leaves_too_little(self, claimed: int) -> bool:
        """Whether less than the minimum would be left if the function claimed so much."""
        return self.executions - claimed < self.minimum
