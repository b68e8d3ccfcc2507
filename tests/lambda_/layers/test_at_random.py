"""Whatever is published, attached, replaced and deleted in whatever order, also across restarts: each function finds at /opt
what its layers make together, and nothing is kept that nobody names."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from lambent.core.errors import AwsError
from tests.lambda_.plane import Plane, plane
from tests.lambda_.zips import zipped

STEPS = 60
RESTARTS = 4
FILES = ("a", "a/b", "a/b/c", "d", "e/f")


class World:
    """What there should be."""

    def __init__(self) -> None:
        self.versions: dict[str, dict[str, str]] = {}  # files by layer version ARN, of those that are not deleted
        self.functions: dict[str, list[dict[str, str]]] = {}  # the files of each layer, by function

    def opt(self, function: str) -> dict[str, str]:
        """The layers of the function laid over each other."""
        merged: dict[str, str] = {}
        for files in self.functions[function]:
            for name in files:
                hidden = [m for m in merged if m.startswith(f"{name}/") or name.startswith(f"{m}/")]
                for other in hidden:
                    del merged[other]
            merged.update(files)
        return merged


@pytest.mark.parametrize("seed", range(6))
async def test_functions_find_their_layers_and_nothing_is_left_over(tmp_path: Path, seed: int) -> None:
    random, world = Random(seed), World()
    for start in range(RESTARTS):
        async with plane(tmp_path, seed=1000 * seed + start) as aws:
            await check(aws, world)
            for _ in range(STEPS):
                await step(aws, world, random)
            await check(aws, world)


async def step(aws: Plane, world: World, random: Random) -> None:
    function = random.choice("fgh")
    layers = random.sample(sorted(world.versions), min(len(world.versions), random.randrange(4)))
    try:
        match random.randrange(6):
            case 0 | 1:
                await publish(aws, world, random)
            case 2 if world.versions:
                name, _, number = random.choice(sorted(world.versions)).rpartition(":")
                await aws("DeleteLayerVersion", LayerName=name, VersionNumber=int(number))
                del world.versions[f"{name}:{number}"]
            case 3:
                await aws.active(function, Layers=layers)
                world.functions[function] = [world.versions[arn] for arn in layers]
            case 4:
                await aws("UpdateFunctionConfiguration", FunctionName=function, Layers=layers)
                await aws.settled(function)
                world.functions[function] = [world.versions[arn] for arn in layers]
            case _:
                await aws("DeleteFunction", FunctionName=function)
                del world.functions[function]
    except AwsError as error:
        assert error.code in (
            "ResourceNotFoundException",
            "ResourceConflictException",
            "InvalidParameterValueException",
        )


async def publish(aws: Plane, world: World, random: Random) -> None:
    files: dict[str, str] = {}
    for name in random.sample(FILES, 2):
        if not any(name.startswith(f"{other}/") or other.startswith(f"{name}/") for other in files):
            files[name] = str(random.randrange(3))
    version = await aws("PublishLayerVersion", LayerName=random.choice("xyz"), Content={"ZipFile": zipped(files)})
    world.versions[version["LayerVersionArn"]] = files


async def check(aws: Plane, world: World) -> None:
    listed = [layer["LayerArn"] for layer in (await aws("ListLayers"))["Layers"]]
    assert listed == sorted({arn.rpartition(":")[0] for arn in world.versions})
    wanted = {version.code.digest for layer in aws.control.layers.listed("123456789012", "eu-central-1")
              for version in layer.versions.values()}  # fmt: skip
    for function in aws.control.functions.everything():
        wanted |= set(function.digests())
        digest = function.latest.opt_digest
        found = {} if digest is None else files_of(aws.control.code.tree(digest))
        assert found == world.opt(function.arn.name)
    assert aws.trees() == wanted


def files_of(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
