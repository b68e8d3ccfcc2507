"""What becomes of several layers at /opt, and that what is made of them comes and goes as other trees do."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from lambent.lambda_.layers.merging import merge
from tests.lambda_.plane import ACCOUNT, REGION, Plane, plane
from tests.lambda_.zips import HELLO, OTHER, zipped

LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:"


def tree(root: Path, files: Mapping[str, str | None]) -> Path:
    """A tree as a package unpacks to: None makes a directory, "-> x" a symlink, "#!" an executable file."""
    root.mkdir()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.mkdir()
        elif text.startswith("-> "):
            path.symlink_to(text.removeprefix("-> "))
        else:
            path.write_text(text)
            path.chmod(0o555 if text.startswith("#!") else 0o444)
    return root


def found(root: Path) -> dict[str, str | None]:
    """The same of a tree: its files, symlinks and empty directories."""
    seen: dict[str, str | None] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            seen[name] = f"-> {path.readlink()}"
        elif path.is_file():
            seen[name] = path.read_text()
        elif not any(path.iterdir()):
            seen[name] = None
    return seen


def merged(tmp_path: Path, *layers: Mapping[str, str | None]) -> dict[str, str | None]:
    trees = [tree(tmp_path / f"layer-{number}", files) for number, files in enumerate(layers)]
    root = tmp_path / "merged"
    root.mkdir()
    merge(trees, root)
    for number, files in enumerate(layers):
        assert found(tmp_path / f"layer-{number}").keys() >= files.keys()  # the layers stay as they are
    return found(root)


def test_directories_come_together_and_the_later_file_wins(tmp_path: Path) -> None:
    one = {"bin/a": "#!1", "lib/x/same": "1", "lib/x/one": "1"}
    two = {"lib/x/same": "2", "lib/y": "2", "empty": None}
    three = {"lib/x/same": "3"}
    expected = {"bin/a": "#!1", "empty": None, "lib/x/one": "1", "lib/x/same": "3", "lib/y": "2"}
    assert merged(tmp_path, one, two, three) == expected


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ({"a/b": "1", "a/c/d": "1"}, {"a": "2"}, {"a": "2"}),
        ({"a": "1"}, {"a/b": "2"}, {"a/b": "2"}),
        ({"a": "-> b", "b/c": "1"}, {"a/d": "2"}, {"a/d": "2", "b/c": "1"}),
        ({"a": "-> b", "b": "1"}, {"a": "2"}, {"a": "2", "b": "1"}),
        ({"a/b": "1"}, {"a": "-> c", "c/d": "2"}, {"a": "-> c", "c/d": "2"}),
        ({"a": "-> b"}, {"a": "-> c"}, {"a": "-> c"}),
        ({"a": None}, {"a": None}, {"a": None}),
    ],
)
def test_where_two_kinds_meet_the_later_takes_the_place_of_the_earlier(
    tmp_path: Path,
    earlier: Mapping[str, str | None],
    later: Mapping[str, str | None],
    expected: Mapping[str, str | None],
) -> None:
    assert merged(tmp_path, earlier, later) == expected


def test_nothing_is_written_through_a_symlink_that_leads_out_when_merged(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    up = {"x/out": "-> b/../../host", "x/b/file": "1"}  # inside its own layer: x/b is a directory there
    turned = {"x/b": "-> ..", "x/out/written": "2"}  # and this one stays inside its own, too
    assert merged(tmp_path, up, turned) == {"x/b": "-> ..", "x/out/written": "2"}
    assert list((tmp_path / "host").iterdir()) == []


def test_files_are_the_layers_own_and_directories_have_the_mode_of_the_last_layer(tmp_path: Path) -> None:
    layers = [
        tree(tmp_path / "a", {"bin/run": "#!", "both/x": "1"}),
        tree(tmp_path / "b", {"lib/data": "x", "both/y": "2"}),
    ]
    layers[0].joinpath("both").chmod(0o700)
    layers[0].joinpath("bin").chmod(0o711)
    layers[1].joinpath("lib").chmod(0o555)
    (tmp_path / "merged").mkdir()
    merge(layers, tmp_path / "merged")
    run, data = tmp_path / "merged/bin/run", tmp_path / "merged/lib/data"
    assert run.samefile(layers[0] / "bin/run")
    assert data.samefile(layers[1] / "lib/data")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (run, data)] == [0o555, 0o444]
    for name, mode in {".": 0o755, "bin": 0o711, "lib": 0o555, "both": 0o755}.items():
        assert stat.S_IMODE((tmp_path / "merged" / name).stat().st_mode) == mode


@pytest.mark.parametrize("number", [errno.EMLINK, errno.EPERM])
def test_where_no_more_links_can_be_made_of_a_file_it_is_copied(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "link", full)
    assert merged(tmp_path, {"a": "#!1"}, {"b": "2"}) == {"a": "#!1", "b": "2"}
    assert stat.S_IMODE((tmp_path / "merged/a").stat().st_mode) == 0o555


# In the code store


async def layer(aws: Plane, name: str, files: Mapping[str, bytes | str]) -> str:
    version = await aws("PublishLayerVersion", LayerName=name, Content={"ZipFile": zipped(files)})
    return version["LayerVersionArn"]


def opt(aws: Plane, name: str = "f") -> Path:
    digest = aws.invoked(name).opt_digest
    assert digest is not None
    return aws.control.code.tree(digest)


async def test_functions_with_the_same_layers_share_one_tree_which_the_last_takes_along(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        one, two = await layer(aws, "one", {"x": "1", "one": ""}), await layer(aws, "two", {"x": "2"})
        await aws.active("f", Layers=[one, two])
        await aws.active("g", OTHER, Layers=[one, two])
        assert opt(aws, "f") == opt(aws, "g")
        assert found(opt(aws)) == {"one": "", "x": "2"}
        await aws.active("h", OTHER, Layers=[two, one])
        assert found(opt(aws, "h")) == {"one": "", "x": "1"}
        assert len(aws.trees()) == 2 + 2 + 2  # code, layers, merged
        await aws("DeleteFunction", FunctionName="f")
        assert found(opt(aws, "g")) == {"one": "", "x": "2"}
        shared = opt(aws, "g")
        await aws("DeleteFunction", FunctionName="g")
        assert not shared.exists()
        assert found(opt(aws, "h")) == {"one": "", "x": "1"}


async def test_a_function_with_one_layer_sees_the_layers_own_tree_and_one_without_sees_none(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        one = await layer(aws, "one", {"x": "1"})
        await aws.active("f", Layers=[one])
        await aws.active("g")
        version = aws.control.layers.listed(ACCOUNT, REGION)[0].latest
        assert aws.invoked("f").opt_digest == version.code.digest
        assert aws.invoked("g").opt_digest is None
        assert len(aws.trees()) == 2


@pytest.mark.parametrize("lost", ["merged", "everything"])
async def test_what_a_crash_took_is_made_again_at_the_next_start(tmp_path: Path, lost: str) -> None:
    async with plane(tmp_path) as aws:
        layers = [await layer(aws, "one", {"d/x": "1", "d/y": "1"}), await layer(aws, "two", {"d/x": "2"})]
        await aws.active(Layers=layers)
        await aws("PublishVersion", FunctionName="f")
        await aws("DeleteLayerVersion", LayerName="one", VersionNumber=1)
        trees, merged_tree = aws.trees(), opt(aws)
    for path in merged_tree.parent.iterdir():
        if path == merged_tree or lost == "everything":
            path.rename(path.with_name(f".old-{path.name}"))
    async with plane(tmp_path, seed=1) as aws:
        assert aws.trees() == trees
        assert found(opt(aws)) == {"d/x": "2", "d/y": "1"}
        await aws("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        await aws.settled()
        assert merged_tree.exists()  # version 1 has it
        await aws("DeleteFunction", FunctionName="f", Qualifier="1")
        assert not merged_tree.exists()


async def test_an_update_that_fails_leaves_what_serves_its_layers(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        one, two = await layer(aws, "one", {"x": "1"}), await layer(aws, "two", {"y": "2"})
        await aws.active(Layers=[one, two])
        before = opt(aws)
        await aws("UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.12", Layers=[])
        assert (await aws.settled())["LastUpdateStatus"] == "Failed"
        assert opt(aws) == before
        assert before.exists()


async def test_a_layer_and_a_package_of_the_same_content_are_kept_once(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        version = await aws("PublishLayerVersion", LayerName="l", Content={"ZipFile": HELLO})
        await aws.active(content=HELLO, Layers=[version["LayerVersionArn"]])
        assert len(aws.trees()) == 1
        await aws("DeleteFunction", FunctionName="f")
        assert len(aws.trees()) == 1
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=1)
        assert aws.trees() == set()
