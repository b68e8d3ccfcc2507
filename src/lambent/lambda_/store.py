"""The functions there are: rows in the database, and an index in memory that follows them.

Reads (`find` for every invocation, `get`, `listed`) are look-ups in the index. A change is one transaction: the
function is read from its rows, the caller's `decide` computes the next one or raises, the difference is written.
Only when that is committed does the index follow (storage/commits), and then whoever watches is told. So nobody ever
sees a state that was not committed, or half of one.

It does not know AWS's rules; those are in `functions` and in the operations that decide.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

import apsw
import msgspec

from lambent.lambda_.aliases import Alias
from lambent.lambda_.code.quota import CodeQuota
from lambent.lambda_.concurrency.claims import ProvisionedConcurrency, ReservedConcurrency
from lambent.lambda_.errors import FunctionAlreadyExists, FunctionNotFound
from lambent.lambda_.event_invoke_configs import EventInvokeConfig
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.names import FunctionArn, FunctionReference
from lambent.lambda_.parts import NOTHING_ATTACHED, Attached, Part
from lambent.lambda_.policies.policy import Policy
from lambent.lambda_.recursion import RecursionConfig
from lambent.lambda_.rows import QUERIES, text
from lambent.lambda_.runtime_management import RuntimeManagementConfig
from lambent.lambda_.sharing import shared
from lambent.lambda_.signing.configs import CodeSigning
from lambent.lambda_.urls.config import FunctionUrlConfig
from lambent.storage.commits import Commits, Guard, Watcher, Watchers, told
from lambent.storage.queries import Row

VERSION: Final = msgspec.json.Decoder(FunctionVersion)
TAGS: Final = msgspec.json.Decoder(dict[str, str])

PARTS: Final[tuple[type[Part], ...]] = (  # every kind of part there is
    Alias,
    CodeSigning,
    EventInvokeConfig,
    FunctionUrlConfig,
    Policy,
    ProvisionedConcurrency,
    RecursionConfig,
    ReservedConcurrency,
    RuntimeManagementConfig,
)
KINDS: Final[Mapping[str, type[Part]]] = {part.KIND: part for part in PARTS}

Decide = Callable[[apsw.Connection, Function | None], Function | None]  # None: there is none, or shall be none


class Home:
    """The functions of an account in a region."""

    __slots__ = ("by_name", "names")

    def __init__(self) -> None:
        self.by_name: Final[dict[str, Function]] = {}
        self.names: Final[list[str]] = []  # in order

    def put(self, function: Function) -> None:
        if function.arn.name not in self.by_name:
            insort(self.names, function.arn.name)
        self.by_name[function.arn.name] = function

    def drop(self, name: str) -> None:
        del self.by_name[name]
        del self.names[bisect_left(self.names, name)]


class Functions:
    """The index and the way to change it; made by `loaded`."""

    def __init__(self, commits: Commits, quota: CodeQuota) -> None:
        self._commits = commits
        self._quota = quota
        self._homes: dict[tuple[str, str], Home] = {}  # by account and region
        self._contents: Counter[str] = Counter()
        self._watchers: Watchers[Function] = Watchers()

    @staticmethod
    async def loaded(commits: Commits, quota: CodeQuota) -> Functions:
        """The functions in a database migrated by `rows.MIGRATIONS`; `quota` bounds their code."""
        functions = Functions(commits, quota)
        for function in await commits.scan(_all):
            functions._remember(function)
        return functions

    # --- reading -----------------------------------------------------------------------------------------------------

    def find(self, reference: FunctionReference, account: str, region: str) -> Function:
        """The function that a caller of the account in the region means; a look-up, for every invocation.

        Raises FunctionNotFound, FunctionInOtherRegion, FunctionInOtherAccount.
        """
        if reference.region is not None or reference.account is not None:
            reference.located(account, region)
        home = self._homes.get((account, region))
        found = None if home is None else home.by_name.get(reference.name)
        if found is None:
            raise FunctionNotFound(arn=reference.located(account, region))
        return found

    def get(self, arn: FunctionArn) -> Function:
        """The function of this ARN, qualified or not. Raises FunctionNotFound."""
        return _existing(self.known(arn), arn)

    def known(self, arn: FunctionArn) -> Function | None:
        """The function of this ARN, qualified or not, if there is one."""
        home = self._homes.get((arn.account, arn.region))
        return None if home is None else home.by_name.get(arn.name)

    def listed(self, account: str, region: str, first: str = "") -> Iterator[Function]:
        """The functions of the account in the region from the name `first` on, by name; to be read at once."""
        home = self._homes.get((account, region))
        if home is not None:
            for number in range(bisect_left(home.names, first), len(home.names)):
                yield home.by_name[home.names[number]]

    def everything(self) -> Iterator[Function]:
        """All functions there are."""
        for home in list(self._homes.values()):
            yield from list(home.by_name.values())

    def names_content(self, digest: str) -> bool:
        """Whether a version has this content."""
        return digest in self._contents

    def watch(self, watcher: Watcher[Function]) -> None:
        """Call `watcher` after every commit, before whoever asked for the change goes on."""
        self._watchers.add(watcher)

    def follow(self, watcher: Watcher[Function]) -> None:
        """Tell `watcher` of every function that there is, as if it were made now, and then of every commit."""
        for function in self.everything():
            told(watcher, None, function)
        self.watch(watcher)

    # --- changing ----------------------------------------------------------------------------------------------------

    async def create(self, arn: FunctionArn, make: Callable[[int], Function], guard: Guard | None = None) -> Function:
        """Add the function that `make` gives for the last version number of its predecessors.

        Raises FunctionAlreadyExists, CodeStorageExceeded, and what `guard` and `make` raise.
        """

        def decide(connection: apsw.Connection, before: Function | None) -> Function:
            if before is not None:
                raise FunctionAlreadyExists(name=arn.name)
            row = QUERIES.select_last_number.row(connection, **_key(arn))
            return make(0 if row is None else row[0])

        return _existing(await self._commit(arn, decide, guard), arn)

    async def change(
        self, arn: FunctionArn, decide: Callable[[Function], Function], guard: Guard | None = None
    ) -> Function:
        """Let `decide` compute the next state of the function from its present one, in a transaction.

        What `guard` or `decide` raises comes out here and nothing is written. Both run in the database's thread: they
        compute, and touch nothing else. When the caller is cancelled the change may or may not be made; the index tells.
        Raises FunctionNotFound, with `arn` as given, and CodeStorageExceeded.
        """
        return _existing(await self._commit(arn, lambda _, before: decide(_existing(before, arn)), guard), arn)

    async def remove(self, arn: FunctionArn) -> None:
        """Delete the function with all its versions and parts. Raises FunctionNotFound."""

        def decide(_: apsw.Connection, before: Function | None) -> None:
            _existing(before, arn)

        await self._commit(arn, decide, None)

    async def _commit(self, arn: FunctionArn, decide: Decide, guard: Guard | None) -> Function | None:
        def work(connection: apsw.Connection) -> tuple[Function | None, Function | None]:
            before = _loaded(connection, arn)
            if guard is not None:
                guard(connection)
            after = decide(connection, before)
            _write(connection, arn, before, after)
            if after is not None and after.code_size_bytes > (0 if before is None else before.code_size_bytes):
                self._quota.check(connection, arn.account, arn.region)
            return before, after

        _, after = await self._commits.commit(work, lambda change: self._follow(*change))
        return after

    def _follow(self, before: Function | None, after: Function | None) -> None:
        if after is not None:
            self._remember(shared(after))
        elif before is not None:
            self._homes[before.arn.account, before.arn.region].drop(before.arn.name)
        if before is not None:
            self._release(before)
        self._watchers.tell(before, after)

    def _remember(self, function: Function) -> None:
        self._homes.setdefault((function.arn.account, function.arn.region), Home()).put(function)
        self._contents.update(function.digests())

    def _release(self, function: Function) -> None:
        for digest in function.digests():
            self._contents[digest] -= 1
            if not self._contents[digest]:
                del self._contents[digest]


# --- rows ------------------------------------------------------------------------------------------------------------


def _loaded(connection: apsw.Connection, arn: FunctionArn) -> Function | None:
    key = _key(arn)
    row = QUERIES.select_function.row(connection, **key)
    if row is None:
        return None
    return _function(row, QUERIES.select_versions.rows(connection, **key), QUERIES.select_parts.rows(connection, **key))


def _all(connection: apsw.Connection) -> list[Function]:
    """Every function, read one after the other: the rows of ten thousand would leave holes where they were."""
    versions = Following(QUERIES.select_all_versions.each(connection))
    parts = Following(QUERIES.select_all_parts.each(connection))
    return [
        shared(_function(row, versions.of(row[:3]), parts.of(row[:3])))
        for row in QUERIES.select_functions.each(connection)
    ]


class Following:
    """The rows of a query that begin with the key of a function, in the order of functions."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._groups = groupby(rows, key=lambda row: row[:3])
        self._next = next(self._groups, None)

    def of(self, key: Row) -> list[Row]:
        """What the rows of that function say behind its key; it is asked for in the order of functions."""
        if self._next is None or self._next[0] != key:
            return []
        rows = [row[3:] for row in self._next[1]]
        self._next = next(self._groups, None)
        return rows


def _function(row: Row, versions: Iterable[Row], parts: Iterable[Row]) -> Function:
    account, region, name, tags, serving, last = row
    by_number = {number: VERSION.decode(document) for number, document in versions}
    return Function(
        arn=FunctionArn(region, account, name),
        latest=_with_configuration_id(by_number.pop(0)),
        serving=None if serving is None else _with_configuration_id(VERSION.decode(serving)),
        published=by_number,
        tags=TAGS.decode(tags),
        last_number=last,
        attached=_attached(parts),
    )


def _with_configuration_id(latest: FunctionVersion) -> FunctionVersion:
    """$LATEST with its configuration_id, for which a row that is older than the field has its revision."""
    if latest.configuration_id:
        return latest
    return msgspec.structs.replace(latest, configuration_id=latest.revision_id)


def _attached(parts: Iterable[Row]) -> Attached:
    found: dict[tuple[type[Part], str], Part] = {}
    for kind, qualifier, document in parts:
        found[KINDS[kind], qualifier] = msgspec.json.decode(document, type=KINDS[kind])
    return found or NOTHING_ATTACHED


def _write(connection: apsw.Connection, arn: FunctionArn, before: Function | None, after: Function | None) -> None:
    """Write what `after` has and `before` has not."""
    key = _key(arn)
    if after is None:
        QUERIES.delete_function.run(connection, **key)
        return
    if before is None or before.tags != after.tags or before.serving != after.serving:
        serving = None if after.serving is None else text(after.serving)
        QUERIES.put_function.run(connection, **key, tags=text(after.tags), serving=serving)
    old = {0: before.latest, **before.published} if before is not None else {}
    new = {0: after.latest, **after.published}
    for number in old.keys() - new.keys():
        QUERIES.delete_version.run(connection, **key, number=number)
    for number, version in new.items():
        if old.get(number) != version:
            QUERIES.put_version.run(connection, **key, number=number, document=text(version))
    _write_parts(connection, key, before.attached if before is not None else NOTHING_ATTACHED, after.attached)
    if before is None or before.last_number != after.last_number:
        QUERIES.put_last_number.run(connection, **key, last=after.last_number)


def _write_parts(connection: apsw.Connection, key: dict[str, str], old: Attached, new: Attached) -> None:
    for kind, qualifier in old.keys() - new.keys():
        QUERIES.delete_part.run(connection, **key, kind=kind.KIND, qualifier=qualifier)
    for (kind, qualifier), part in new.items():
        if old.get((kind, qualifier)) != part:
            QUERIES.put_part.run(connection, **key, kind=kind.KIND, qualifier=qualifier, document=text(part))


def _key(arn: FunctionArn) -> dict[str, str]:
    return {"account": arn.account, "region": arn.region, "name": arn.name}


def _existing(function: Function | None, arn: FunctionArn) -> Function:
    if function is None:
        raise FunctionNotFound(arn=arn)
    return function
