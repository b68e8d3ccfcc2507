"""Who may run now: the concurrent executions of an account and of its functions, and how many requests come a second.

    the account's executions in a region
    ├── a pool for each function with a reservation: what it reserved, and no more
    └── one pool for all others: what is left

Within a pool, the places of environments that are kept initialised (provisioned concurrency) are not given to others: an
invocation that runs on demand needs a place beside them, one that runs on such an environment has its place. Nothing waits
here: what is above a limit is throttled, as in AWS, and the caller tries again. Each pool takes ten requests a second for
each of its executions; those on provisioned environments have a rate of their own.

The numbers follow the functions' rows at once (`follow`). What already runs goes on running, and counts where its function
counts now: so a pool may hold more than its limit for a while, and admits nothing until it does not. Sources:
reference/lambda.md 2.4, 5; Lambda developer guide, "Understanding Lambda function scaling".
"""

from __future__ import annotations

import math
from typing import Final

from lambent.core.clock import Clock
from lambent.core.errors import AwsError
from lambent.lambda_.concurrency.claims import reserved
from lambent.lambda_.functions import Function
from lambent.lambda_.invoke.errors import (
    CallerRateLimitExceeded,
    ConcurrentInvocationLimitExceeded,
    FunctionInvocationRateLimitExceeded,
    ReservedFunctionConcurrentInvocationLimitExceeded,
    ReservedFunctionInvocationRateLimitExceeded,
    TenantEnvironmentsExceeded,
)
from lambent.lambda_.invoke.rates import Bucket
from lambent.lambda_.limits import (
    REQUESTS_PER_EXECUTION,
    SCALING_ENVIRONMENTS,
    SCALING_S,
    TENANT_ENVIRONMENTS_PER_EXECUTION,
)
from lambent.lambda_.names import FunctionArn


def requests_of(executions: int, now: float) -> Bucket:
    """The rate of requests that so many concurrent executions take; a second's worth may come at once."""
    rate = REQUESTS_PER_EXECUTION * executions
    return Bucket(rate, rate, now)


def seconds(wait_s: float) -> int:
    """As Retry-After tells it."""
    return max(1, math.ceil(wait_s))


class Pool:
    """Concurrent executions that are counted together."""

    __slots__ = ("exceeded", "in_use", "limit", "on_demand", "provisioned", "requests", "too_often")

    def __init__(self, limit: int, requests: Bucket, exceeded: type[AwsError], too_often: type[AwsError]) -> None:
        self.limit = limit
        self.requests: Final = requests
        self.exceeded: Final = exceeded
        self.too_often: Final = too_often
        self.on_demand = 0  # invocations that run, or are about to, but on provisioned environments
        self.provisioned = 0  # environments that are kept initialised
        self.in_use = 0  # those of them that run an invocation


class Share:
    """What one function has of a pool."""

    __slots__ = ("in_use", "of_tenants", "on_demand", "pool", "provisioned", "starts")

    def __init__(self, pool: Pool, starts: Bucket) -> None:
        self.pool = pool
        self.starts: Final = starts
        self.on_demand = 0
        self.provisioned = 0
        self.in_use = 0
        self.of_tenants = 0  # environments, at work or idle, of a function whose tenants are isolated

    def enter(self, now: float) -> None:
        """Count an invocation that needs a place; `leave` it once. Raises the pool's throttles."""
        pool = self.pool
        if pool.on_demand + pool.provisioned >= pool.limit:
            raise pool.exceeded
        wait_s = pool.requests.take(now)
        if wait_s:
            raise pool.too_often(seconds=seconds(wait_s))
        pool.on_demand += 1
        self.on_demand += 1

    def leave(self) -> None:
        self.pool.on_demand -= 1
        self.on_demand -= 1

    def use(self) -> bool:
        """Count an invocation on a provisioned environment, to be `unuse`d once; False: the pool is full of others."""
        pool = self.pool
        if pool.on_demand + pool.in_use >= pool.limit:
            return False
        pool.in_use += 1
        self.in_use += 1
        return True

    def unuse(self) -> None:
        self.pool.in_use -= 1
        self.in_use -= 1

    def keep(self, more: int) -> None:
        """Count provisioned environments that came, or went if `more` is negative."""
        self.pool.provisioned += more
        self.provisioned += more

    def start(self, now: float) -> None:
        """Count an environment that is started on demand.

        Raises TenantEnvironmentsExceeded, FunctionInvocationRateLimitExceeded.
        """
        if self.of_tenants and self.of_tenants >= int(self.pool.limit * TENANT_ENVIRONMENTS_PER_EXECUTION):
            raise TenantEnvironmentsExceeded
        wait_s = self.starts.take(now)
        if wait_s:
            raise FunctionInvocationRateLimitExceeded(seconds=seconds(wait_s))

    def move(self, pool: Pool) -> None:
        """Be part of another pool, with all that runs."""
        for old, sign in ((self.pool, -1), (pool, 1)):
            old.on_demand += sign * self.on_demand
            old.provisioned += sign * self.provisioned
            old.in_use += sign * self.in_use
        self.pool = pool


class Admission:
    """The pools of every account and region, and the share of every function that was invoked."""

    def __init__(self, concurrent_executions: int, clock: Clock) -> None:
        self._limit: Final = concurrent_executions
        self._clock: Final = clock
        self._homes: Final[dict[tuple[str, str], Pool]] = {}  # what is unreserved, by account and region
        self._shares: Final[dict[FunctionArn, Share]] = {}  # by unqualified ARN

    def share(self, arn: FunctionArn) -> Share:
        """The share of a function, by its ARN, qualified or not."""
        arn = arn.unqualified
        found = self._shares.get(arn)
        if found is None:
            starts = Bucket(SCALING_ENVIRONMENTS / SCALING_S, SCALING_ENVIRONMENTS, self._clock.monotonic())
            found = self._shares[arn] = Share(self._home(arn), starts)
        return found

    def follow(self, before: Function | None, after: Function | None) -> None:
        """A function's row has changed: its limits hold from now on."""
        function = after or before
        assert function is not None
        old, new = (None if at is None else reserved(at) for at in (before, after))
        if old != new:
            home = self._home(function.arn)
            home.limit += (old or 0) - (new or 0)
            self.share(function.arn).move(home if new is None else self._reserved(new))
        if after is None:
            self._shares.pop(function.arn, None)

    def _reserved(self, executions: int) -> Pool:
        return Pool(
            executions,
            requests_of(executions, self._clock.monotonic()),
            ReservedFunctionConcurrentInvocationLimitExceeded,
            ReservedFunctionInvocationRateLimitExceeded,
        )

    def _home(self, arn: FunctionArn) -> Pool:
        found = self._homes.get((arn.account, arn.region))
        if found is None:
            requests = requests_of(self._limit, self._clock.monotonic())
            found = Pool(self._limit, requests, ConcurrentInvocationLimitExceeded, CallerRateLimitExceeded)
            self._homes[arn.account, arn.region] = found
        return found
