"""The functions there are: rows in the database, and an index in memory that follows them.

Reads (`resolve` for every invocation, `get`, `listed`) are look-ups in the index. A change is one transaction: the
function is read from its rows, the caller's `decide` computes the next one or raises, the difference is written.
Only when that is committed does the index follow, in the order of the commits and whether or not the caller still
waits, and then whoever watches is told. So nobody ever sees a state that was not committed, or half of one.

It does not know AWS's rules; those are in `functions` and in the operations that decide.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final

import apsw
import msgspec

from lambent.lambda_.errors import FunctionAlreadyExists, FunctionNotFound
from lambent.lambda_.functions import Function, FunctionVersion
from lambent.lambda_.names import LATEST, FunctionArn, FunctionReference
from lambent.storage.database import Database
from lambent.storage.migrations import migrations_of
from lambent.storage.queries import Row, queries_of

PACKAGE: Final = __name__.rpartition(".")[0]
MIGRATIONS: Final = migrations_of(PACKAGE)
QUERIES: Final = queries_of(PACKAGE)

ENCODER: Final = msgspec.json.Encoder()
VERSION: Final = msgspec.json.Decoder(FunctionVersion)
TAGS: Final = msgspec.json.Decoder(dict[str, str])

Decide = Callable[[apsw.Connection, Function | None], Function | None]  # None: there is none, or shall be none
Watcher = Callable[[Function | None, Function | None], None]  # before and after a commit
Home = tuple[str, str]  # account and region


class Functions:
    """The index and the way to change it; made by `opened`."""

    def __init__(self, database: Database, tasks: asyncio.TaskGroup) -> None:
        self._database = database
        self._tasks = tasks
        self._homes: dict[Home, dict[str, Function]] = {}
        self._invoked: dict[tuple[str, str, str, str | None], FunctionVersion] = {}
        self._contents: Counter[str] = Counter()
        self._watchers: list[Watcher] = []

    # --- reading -----------------------------------------------------------------------------------------------------

    def resolve(self, reference: FunctionReference, account: str, region: str) -> FunctionVersion:
        """The version that an invocation of `reference` runs, whatever its state; a dictionary look-up.

        Raises FunctionNotFound, FunctionInOtherRegion, FunctionInOtherAccount.
        """
        if reference.region is not None or reference.account is not None:
            reference.located(account, region)
        found = self._invoked.get((account, region, reference.name, reference.qualifier))
        if found is None:
            raise FunctionNotFound(arn=reference.located(account, region))
        return found

    def get(self, arn: FunctionArn) -> Function:
        """The function of this ARN, qualified or not. Raises FunctionNotFound."""
        found = self._homes.get((arn.account, arn.region), {}).get(arn.name)
        if found is None:
            raise FunctionNotFound(arn=arn)
        return found

    def listed(self, account: str, region: str) -> list[Function]:
        """All functions of the account in the region, by name."""
        home = self._homes.get((account, region), {})
        return [home[name] for name in sorted(home)]

    def everything(self) -> Iterator[Function]:
        """All functions there are."""
        for home in list(self._homes.values()):
            yield from list(home.values())

    def names_content(self, digest: str) -> bool:
        """Whether a version has this content."""
        return digest in self._contents

    def contents(self) -> list[str]:
        """Every content that a version has."""
        return list(self._contents)

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after every commit, before whoever asked for the change goes on."""
        self._watchers.append(watcher)

    # --- changing ----------------------------------------------------------------------------------------------------

    async def create(self, arn: FunctionArn, make: Callable[[int], Function]) -> Function:
        """Add the function that `make` gives for the last version number of its predecessors.

        Raises FunctionAlreadyExists.
        """

        def decide(connection: apsw.Connection, before: Function | None) -> Function:
            if before is not None:
                raise FunctionAlreadyExists(name=arn.name)
            row = QUERIES.select_last_number.row(connection, **_key(arn))
            return make(0 if row is None else row[0])

        return _existing(await self._commit(arn, decide), arn)

    async def change(self, arn: FunctionArn, decide: Callable[[Function], Function]) -> Function:
        """Let `decide` compute the next state of the function from its present one, in a transaction.

        What `decide` raises comes out here and nothing is written. It runs in the database's thread: it computes, and
        touches nothing else. When the caller is cancelled the change may or may not be made; the index tells.
        Raises FunctionNotFound, with `arn` as given.
        """
        return _existing(await self._commit(arn, lambda _, before: decide(_existing(before, arn))), arn)

    async def remove(self, arn: FunctionArn) -> None:
        """Delete the function with all its versions. Raises FunctionNotFound."""

        def decide(_: apsw.Connection, before: Function | None) -> None:
            _existing(before, arn)

        await self._commit(arn, decide)

    async def _commit(self, arn: FunctionArn, decide: Decide) -> Function | None:
        outcome: asyncio.Future[Function | None] = asyncio.get_running_loop().create_future()
        self._tasks.create_task(self._changed(arn.unqualified, decide, outcome))
        return await outcome

    async def _changed(self, arn: FunctionArn, decide: Decide, outcome: asyncio.Future[Function | None]) -> None:
        """Commit and let the index follow; a task of its own, so that no cancelled caller comes between the two."""

        def work(connection: apsw.Connection) -> tuple[Function | None, Function | None]:
            before = _loaded(connection, arn)
            after = decide(connection, before)
            _write(connection, arn, before, after)
            return before, after

        try:
            before, after = await self._database.write(work)
            self._follow(before, after)
        except Exception as error:  # noqa: BLE001 - whoever asked for the change hears it
            if not outcome.done():
                outcome.set_exception(error)
        else:
            if not outcome.done():
                outcome.set_result(after)

    def _follow(self, before: Function | None, after: Function | None) -> None:
        if before is not None:
            self._forget(before)
        if after is not None:
            self._remember(after)
        for watcher in self._watchers:
            watcher(before, after)

    def _remember(self, function: Function) -> None:
        arn = function.arn
        self._homes.setdefault((arn.account, arn.region), {})[arn.name] = function
        for version in function.invoked():
            self._invoked[arn.account, arn.region, arn.name, version.version] = version
            if version.version == LATEST:
                self._invoked[arn.account, arn.region, arn.name, None] = version
        self._contents.update(function.digests())

    def _forget(self, function: Function) -> None:
        arn = function.arn
        del self._homes[arn.account, arn.region][arn.name]
        for version in function.invoked():
            del self._invoked[arn.account, arn.region, arn.name, version.version]
        del self._invoked[arn.account, arn.region, arn.name, None]
        for digest in function.digests():
            self._contents[digest] -= 1
            if not self._contents[digest]:
                del self._contents[digest]

    async def load(self) -> None:
        """Fill the index from the rows; once, before anything else."""
        for function in await self._database.scan(_all):
            self._remember(function)


@asynccontextmanager
async def opened(database: Database) -> AsyncGenerator[Functions]:
    """The functions of `database`, migrated by MIGRATIONS; leaving waits for the changes under way."""
    async with asyncio.TaskGroup() as tasks:
        functions = Functions(database, tasks)
        await functions.load()
        yield functions


# --- rows ------------------------------------------------------------------------------------------------------------


def _loaded(connection: apsw.Connection, arn: FunctionArn) -> Function | None:
    key = _key(arn)
    row = QUERIES.select_function.row(connection, **key)
    if row is None:
        return None
    return _function(row, [(number, document) for number, document in QUERIES.select_versions.rows(connection, **key)])


def _all(connection: apsw.Connection) -> list[Function]:
    documents: dict[tuple[str, str, str], list[tuple[int, str]]] = {}
    for account, region, name, number, document in QUERIES.select_all_versions.each(connection):
        documents.setdefault((account, region, name), []).append((number, document))
    return [_function(row, documents[row[0], row[1], row[2]]) for row in QUERIES.select_functions.each(connection)]


def _function(row: Row, documents: list[tuple[int, str]]) -> Function:
    account, region, name, tags, serving, last = row
    versions = {number: VERSION.decode(document) for number, document in documents}
    return Function(
        arn=FunctionArn(region, account, name),
        latest=versions.pop(0),
        serving=None if serving is None else VERSION.decode(serving),
        published=versions,
        tags=TAGS.decode(tags),
        last_number=last,
    )


def _write(connection: apsw.Connection, arn: FunctionArn, before: Function | None, after: Function | None) -> None:
    """Write what `after` has and `before` has not."""
    key = _key(arn)
    if after is None:
        QUERIES.delete_function.run(connection, **key)
        return
    if before is None or before.tags != after.tags or before.serving != after.serving:
        tags, serving = _text(after.tags), None if after.serving is None else _text(after.serving)
        QUERIES.put_function.run(connection, **key, tags=tags, serving=serving)
    old = {0: before.latest, **before.published} if before is not None else {}
    new = {0: after.latest, **after.published}
    for number in old.keys() - new.keys():
        QUERIES.delete_version.run(connection, **key, number=number)
    for number, version in new.items():
        if old.get(number) != version:
            QUERIES.put_version.run(connection, **key, number=number, document=_text(version))
    if before is None or before.last_number != after.last_number:
        QUERIES.put_last_number.run(connection, **key, last=after.last_number)


def _key(arn: FunctionArn) -> dict[str, str]:
    return {"account": arn.account, "region": arn.region, "name": arn.name}


def _existing(function: Function | None, arn: FunctionArn) -> Function:
    if function is None:
        raise FunctionNotFound(arn=arn)
    return function


def _text(value: object) -> str:
    return ENCODER.encode(value).decode()
