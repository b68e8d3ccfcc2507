"""Where environments stand while they wait: a `Slot` for those of one version that may stand in for each other.

A version has a slot for what was started on demand and, if environments are provisioned for it, another one for those.
Where tenants are isolated from each other, each has a slot of its own for as long as it has environments.
Slots live in memory only: after a crash there are no environments, and that is right.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final

from lambent.lambda_.environment.environment import Environment
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.admission import Share
from lambent.lambda_.invoke.rates import Bucket
from lambent.lambda_.limits import REQUESTS_PER_EXECUTION


class Placed:
    """An environment and where it belongs."""

    __slots__ = (
        "born",
        "dismissed",
        "end",
        "environment",
        "gone",
        "idle_since",
        "launched",
        "promised_bytes",
        "slot",
        "worked",
    )

    environment: Environment  # once it is launched

    def __init__(self, slot: Slot, born: float, promised_bytes: int = 0) -> None:
        self.slot: Final = slot
        self.promised_bytes = promised_bytes  # memory that it is expected to take and may not have taken yet
        self.born: Final = born
        self.launched = False
        self.worked = False  # it has answered
        self.idle_since = born
        self.dismissed = False  # it ends instead of becoming idle again
        self.end: Final = asyncio.Event()
        self.gone: Final = asyncio.Event()  # nothing of it is left


class Slot:
    """The environments of one function version with one code and configuration, of one kind."""

    __slots__ = (
        "configuration_id",
        "finishing",
        "idle",
        "kept",
        "live",
        "parent",
        "provisioned",
        "retired",
        "share",
        "tenant",
        "tenants",
        "usual_bytes",
        "version",
        "waiters",
    )

    def __init__(
        self,
        version: FunctionVersion,
        share: Share,
        *,
        kept: Kept | None = None,
        parent: Slot | None = None,
        tenant: str = "",
    ) -> None:
        self.version: Final = version
        self.share: Final = share
        self.configuration_id: Final = version.configuration_id
        self.kept: Final = kept  # None: its environments are started on demand, and end when nobody needs them
        self.provisioned: Slot | None = None  # of the same version
        self.tenants: Final[dict[str, Slot]] = {}  # of the same version, if its tenants are isolated from each other
        self.parent: Final = parent  # only of a tenant's slot: the one that knows it
        self.tenant: Final = tenant
        self.live = 0  # environments that are there or about to be
        self.usual_bytes = 0  # what one of its environments has used at most, of late; 0: nobody knows
        self.retired = False  # the version is changed or gone
        self.idle: Final[list[Placed]] = []  # the last used one at the end, so that the others grow old
        self.finishing: Final[set[Placed]] = set()
        self.waiters: Final[deque[asyncio.Future[Placed]]] = deque()

    def of_tenant(self, tenant: str) -> Slot:
        """The tenant's slot, made if it has none."""
        found = self.tenants.get(tenant)
        if found is None:
            found = self.tenants[tenant] = Slot(self.version, self.share, parent=self, tenant=tenant)
        return found

    def hand_over(self, placed: Placed) -> bool:
        """Give an environment to the invocation that has waited longest for one; False: none waits."""
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(placed)
                return True
        return False

    def use_last(self, placed: Placed) -> None:
        """One that is idle has to be reset before it is of use: others are taken first, and it is given up first."""
        self.idle.remove(placed)
        self.idle.insert(0, placed)

    def tidy(self) -> None:
        """Be forgotten, if this is the slot of a tenant that has no environments."""
        if self.parent is not None and not self.live and self.parent.tenants.get(self.tenant) is self:
            del self.parent.tenants[self.tenant]

    def family(self) -> Iterator[Slot]:
        """Every slot of the version."""
        yield self
        if self.provisioned is not None:
            yield self.provisioned
        yield from self.tenants.values()


class Kept:
    """Of a slot with provisioned environments: which there are, and how many requests a second they take."""

    __slots__ = ("_requests", "environments")

    def __init__(self, now: float) -> None:
        self.environments: Final[set[Placed]] = set()
        self._requests: Final = Bucket(0, 0, now)

    def takes_another(self, now: float) -> bool:
        """Whether one more request is within ten a second for each environment; above that they run on demand."""
        return not self._requests.take(now)

    def changed(self, now: float) -> None:
        """Environments have come or gone."""
        rate = REQUESTS_PER_EXECUTION * len(self.environments)
        self._requests.resize(rate, rate, now)
