"""Many clients at once on the same functions: what each is told is true, and nobody sees a half-made state."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

from lambent.core.errors import AwsError
from tests.lambda_.plane import Plane, plane
from tests.lambda_.zips import zipped

CLIENTS = 50
CALLS = 8
NAMES = ("a", "b", "c")
CONTENTS = [zipped({"app.py": f"x = {number}"}) for number in range(3)]
EXPECTED = {"ResourceConflictException", "ResourceNotFoundException"}


async def test_fifty_clients_never_see_a_half_made_state(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await asyncio.gather(*(client(aws, Random(number)) for number in range(CLIENTS)))
        for name in NAMES:
            if name in {function["FunctionName"] for function in (await aws("ListFunctions"))["Functions"]}:
                await aws.settled(name)
        before = await everything(aws)
        wanted = {digest for function in aws.control.functions.everything() for digest in function.digests()}
        assert aws.trees() == wanted
    async with plane(tmp_path, seed=1) as aws:
        assert await everything(aws) == before


async def client(aws: Plane, random: Random) -> None:
    for _ in range(CALLS):
        name = random.choice(NAMES)
        try:
            match random.randrange(6):
                case 0:
                    await aws.create(name, random.choice(CONTENTS), Publish=random.random() < 0.5)
                case 1:
                    await aws("UpdateFunctionCode", FunctionName=name, ZipFile=random.choice(CONTENTS))
                case 2:
                    await aws("UpdateFunctionConfiguration", FunctionName=name, Timeout=random.randrange(1, 900))
                case 3:
                    await aws("PublishVersion", FunctionName=name)
                case 4:
                    await aws("DeleteFunction", FunctionName=name)
                case _:
                    await consistent(aws, name)
        except AwsError as error:
            assert error.code in EXPECTED, error
        await asyncio.sleep(0)


async def consistent(aws: Plane, name: str) -> None:
    """Whatever is listed can be got, is invoked as it says, and has its code."""
    listed = (await aws("ListVersionsByFunction", FunctionName=name))["Versions"]
    assert listed[0]["Version"] == "$LATEST"
    for version in listed:
        got = await aws("GetFunctionConfiguration", FunctionName=name, Qualifier=version["Version"])
        assert got["CodeSha256"] == version["CodeSha256"]
        invoked = aws.invoked(name, version["Version"])
        assert aws.control.code.tree(invoked.code_digest).is_dir()


async def everything(aws: Plane) -> list[object]:
    functions = (await aws("ListFunctions", FunctionVersion="ALL"))["Functions"]
    return [await aws("GetFunction", FunctionName=function["FunctionArn"]) for function in functions]


async def test_of_many_creations_at_once_one_succeeds(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        outcomes = await asyncio.gather(
            *(aws.create("f", CONTENTS[number % 3]) for number in range(20)), return_exceptions=True
        )
        created = [outcome for outcome in outcomes if isinstance(outcome, dict)]
        assert len(created) == 1
        assert {outcome.code for outcome in outcomes if isinstance(outcome, AwsError)} == {"ResourceConflictException"}
        assert (await aws.settled())["CodeSha256"] == created[0]["CodeSha256"]
        assert len(aws.trees()) == 1


async def test_a_caller_who_leaves_does_not_keep_the_index_from_following(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        await aws.active()
        call = asyncio.ensure_future(aws("TagResource", Resource=aws.invoked().invoked_arn(None), Tags={"a": "1"}))
        await asyncio.sleep(0)
        call.cancel()
        while not (await aws("ListTags", Resource=aws.invoked().invoked_arn(None)))["Tags"]:
            await asyncio.sleep(0)
