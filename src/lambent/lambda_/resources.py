"""Resources that are no function's: layer versions, event source mappings, code signing configurations.

One `Resources` for each kind: documents by account, region and key, as rows and as an index in memory that follows them,
under the same promise as `store`: whoever reads sees what was committed, and nothing else. What a document means, its noun
knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

import apsw
import msgspec

from lambent.core.arn import Arn
from lambent.lambda_.rows import QUERIES, text
from lambent.storage.commits import Commits, Guard, Watcher, Watchers, told

R = TypeVar("R", bound=msgspec.Struct)


class Place(NamedTuple):
    """Where a resource stands."""

    account: str
    region: str
    key: str

    @staticmethod
    def of(arn: Arn) -> Place:
        """Where the resource of this ARN stands, if there is one: its key is its id."""
        return Place(arn.account, arn.region, arn.resource_id)


class Resources(Generic[R]):
    """All resources of one kind; made by `loaded`."""

    def __init__(self, commits: Commits, kind: str, type_: type[R]) -> None:
        self.kind: Final = kind
        self._commits: Final = commits
        self._decoder: Final = msgspec.json.Decoder(type_)
        self._homes: Final[dict[tuple[str, str], dict[str, R]]] = {}
        self._watchers: Final[Watchers[R]] = Watchers()

    @staticmethod
    async def loaded(commits: Commits, kind: str, type_: type[R]) -> Resources[R]:
        """The resources whose rows have this kind, which never changes."""
        resources = Resources(commits, kind, type_)
        decode = resources._decoder.decode
        for account, region, key, resource in await commits.scan(
            lambda connection: [
                (*place, decode(document)) for *place, document in QUERIES.select_resources.each(connection, kind=kind)
            ]
        ):
            resources._homes.setdefault((account, region), {})[key] = resource
        return resources

    def get(self, account: str, region: str, key: str) -> R | None:
        return self._homes.get((account, region), {}).get(key)

    def listed(self, account: str, region: str) -> list[R]:
        """All of the account in the region, by key."""
        home = self._homes.get((account, region), {})
        return [home[key] for key in sorted(home)]

    def everything(self) -> Iterator[R]:
        """All there are, of every account and region."""
        for home in list(self._homes.values()):
            yield from list(home.values())

    def watch(self, watcher: Watcher[R]) -> None:
        """Call `watcher` with before and after of every change that was committed, before whoever asked for it goes on."""
        self._watchers.add(watcher)

    def follow(self, watcher: Watcher[R]) -> None:
        """Tell `watcher` of everything that there is, as if it were made now, and then of every commit."""
        for resource in self.everything():
            told(watcher, None, resource)
        self.watch(watcher)

    async def change(
        self, place: Place, decide: Callable[[R | None], R | None], guard: Guard | None = None
    ) -> R | None:
        """Let `decide` compute the next state from the present one in a transaction; None: there is none, or shall be none.

        What `guard` or `decide` raises comes out here and nothing is written. Both run in the database's thread: they
        compute, and touch nothing else.
        """

        def work(connection: apsw.Connection) -> tuple[R | None, R | None]:
            if guard is not None:
                guard(connection)
            key = {"kind": self.kind, **place._asdict()}
            row = QUERIES.select_resource.row(connection, **key)
            before = None if row is None else self._decoder.decode(row[0])
            after = decide(before)
            if after is not None:
                QUERIES.put_resource.run(connection, **key, document=text(after))
            elif before is not None:
                QUERIES.delete_resource.run(connection, **key)
            return before, after

        _, after = await self._commits.commit(work, lambda change: self._follow(place, *change))
        return after

    def _follow(self, place: Place, before: R | None, after: R | None) -> None:
        home = self._homes.setdefault((place.account, place.region), {})
        if after is not None:
            home[place.key] = after
        else:
            home.pop(place.key, None)
        self._watchers.tell(before, after)
