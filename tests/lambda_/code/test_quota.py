"""The code storage quota: what all versions of functions and layers take together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from lambent.lambda_.code.quota import CodeQuota, CodeStorageExceeded, code_size_bytes
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.resources import Place, Resources
from lambent.lambda_.rows import MIGRATIONS
from lambent.storage.commits import committing
from lambent.storage.database import opened
from lambent.storage.migrations import Migration
from lambent.storage.sql import execute
from tests.lambda_.plane import ACCOUNT, REGION, Plane, plane
from tests.lambda_.zips import HELLO, OTHER, zipped

LARGE = zipped({"app.py": "def handler(event, context): pass\n", "noise": bytes(range(256)) * 40}, compression=0)


def room_for(size_bytes: int) -> AccountLimits:
    return AccountLimits(total_code_size_bytes=size_bytes)


async def used(plane: Plane) -> int:
    """What GetAccountSettings tells."""
    return (await plane("GetAccountSettings"))["AccountUsage"]["TotalCodeSize"]


async def refused(call: Any) -> None:
    with pytest.raises(CodeStorageExceeded) as caught:
        await call
    assert (caught.value.code, caught.value.text) == ("CodeStorageExceededException", "Code storage limit exceeded.")


async def test_a_function_that_has_no_room_is_not_created_and_leaves_nothing(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(len(HELLO) + len(OTHER) - 1)) as aws:
        assert (await aws("GetAccountSettings"))["AccountLimit"]["TotalCodeSize"] == len(HELLO) + len(OTHER) - 1
        await aws.active("f", HELLO)
        await refused(aws.create("g", OTHER))
        assert [one["FunctionName"] for one in (await aws("ListFunctions"))["Functions"]] == ["f"]
        assert len(aws.trees()) == 1
        assert await used(aws) == len(HELLO)


async def test_the_last_byte_may_be_used_and_deleting_gives_room(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(len(HELLO))) as aws:
        await aws.active("f", HELLO)
        await refused(aws("PublishVersion", FunctionName="f"))
        await aws("UpdateFunctionConfiguration", FunctionName="f", Description="takes no room")
        await aws.settled("f")
        await aws("DeleteFunction", FunctionName="f")
        assert await used(aws) == 0
        await aws.create("g", HELLO)


async def test_new_code_counts_by_what_it_takes_more(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(len(LARGE))) as aws:
        await aws.active("f", HELLO)
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=LARGE)
        await aws.settled("f")
        assert await used(aws) == len(LARGE)
        await refused(aws.create("g", HELLO))
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=HELLO)
        await aws.settled("f")
        await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=LARGE + b"", Publish=True))
        assert (await aws.settled("f"))["CodeSize"] == len(HELLO)


async def test_every_version_counts_until_it_is_deleted(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(2 * len(HELLO))) as aws:
        await aws.active("f", HELLO, Publish=True)
        assert await used(aws) == 2 * len(HELLO)
        await aws("PublishVersion", FunctionName="f")  # nothing has changed, so nothing is added
        await aws("UpdateFunctionConfiguration", FunctionName="f", Description="another")
        await aws.settled("f")
        await refused(aws("PublishVersion", FunctionName="f"))
        await aws("DeleteFunction", FunctionName="f", Qualifier="1")
        assert (await aws("PublishVersion", FunctionName="f"))["Version"] == "2"


async def test_of_many_at_once_as_many_are_created_as_there_is_room_for(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(5 * len(HELLO))) as aws:
        made = await asyncio.gather(*(aws.create(f"f{n}", HELLO) for n in range(12)), return_exceptions=True)
        assert sum(isinstance(one, CodeStorageExceeded) for one in made) == 7
        assert await used(aws) == 5 * len(HELLO)


class Layer(msgspec.Struct, frozen=True):
    """As the rows of layers are."""

    versions: dict[str, dict[str, Any]]


def layer(*sizes: int) -> Callable[[Any], Layer]:
    return lambda _: Layer({str(n): {"code": {"digest": "x", "size_bytes": size}} for n, size in enumerate(sizes)})


async def test_the_rows_of_layers_count_and_those_of_other_resources_do_not(tmp_path: Path):
    async with opened(tmp_path / "a.db", MIGRATIONS, "memory") as database, committing(database) as commits:
        layers = await Resources[Layer].loaded(commits, "layer", Layer)
        others = await Resources[Layer].loaded(commits, "other", Layer)

        def size() -> int:
            return database.read(lambda connection: code_size_bytes(connection, ACCOUNT, REGION))

        place = Place(ACCOUNT, REGION, "l")
        await others.change(place, layer(100))
        await layers.change(Place(ACCOUNT, "us-east-1", "l"), layer(1000))
        assert size() == 0
        await layers.change(place, layer(3, 4))
        assert size() == 7
        await layers.change(place, layer(3, 4, 5))
        assert size() == 12
        with pytest.raises(CodeStorageExceeded):
            await layers.change(
                place,
                layer(3, 4, 5, 6),
                guard=lambda connection: CodeQuota(17).check(connection, ACCOUNT, REGION, more_bytes=6),
            )
        await layers.change(place, layer())
        assert size() == 0
        await layers.change(place, layer(8))
        await layers.change(place, lambda _: None)
        assert size() == 0


async def test_code_that_was_there_before_the_sum_was_kept_counts(tmp_path: Path):
    def fill(connection: apsw.Connection) -> None:
        insert = (
            f"INSERT INTO functions VALUES ('{ACCOUNT}', '{REGION}', 'f', '{{}}', NULL);"
            f"INSERT INTO function_versions VALUES ('{ACCOUNT}', '{REGION}', 'f', 0, :code);"
            f"INSERT INTO resources VALUES ('layer', '{ACCOUNT}', '{REGION}', 'l', :layer);"
        )
        code = {"code": {"digest": "x", "size_bytes": 5}}
        layer = {"versions": {"1": code, "2": code}}
        execute(connection, insert, {"code": json.dumps(code), "layer": json.dumps(layer)})

    async with opened(tmp_path / "a.db", older(), "memory") as database:
        await database.write(fill)
    async with opened(tmp_path / "a.db", MIGRATIONS, "memory") as database:
        assert database.read(lambda connection: code_size_bytes(connection, ACCOUNT, REGION)) == 15


def older() -> list[Migration]:
    """The schema before the sum was kept."""
    return list(takewhile(lambda one: "code_sizes" not in one.sql, MIGRATIONS))


async def test_layers_and_functions_share_the_room(tmp_path: Path):
    async with plane(tmp_path, limits=room_for(2 * len(HELLO))) as aws:
        await aws.active("f", HELLO)
        await aws("PublishLayerVersion", LayerName="l", Content={"ZipFile": HELLO})
        await refused(aws("PublishLayerVersion", LayerName="l", Content={"ZipFile": HELLO}))
        await refused(aws.create("g", HELLO))
        assert await used(aws) == 2 * len(HELLO)
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        assert (await aws("PublishLayerVersion", LayerName="l", Content={"ZipFile": HELLO}))["Version"] == 2
