"""No start removes a package on the word of a database that may be the wrong one, and what is removed can be had back."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lambent.core.clock import FakeClock
from lambent.core.errors import AwsError
from lambent.lambda_.code.graveyard import GRAVE_TERM_S, remove
from lambent.lambda_.code.marker import DISPUTE, FILE
from lambent.lambda_.code.store import GRAVES_S
from lambent.storage.errors import DatabaseDamaged
from tests.lambda_.plane import ACCOUNT, REGION, Plane, plane
from tests.lambda_.zips import HELLO, OTHER

FIRST, SECOND = (hashlib.sha256(content).hexdigest() for content in (HELLO, OTHER))
BOTH = {FIRST, SECOND}

Harm = Callable[[Path, Path], None]  # to the data directory, with another one at hand


@asynccontextmanager
async def filled(directory: Path) -> AsyncGenerator[Plane]:
    """Two functions of two packages; a backup of the database lies in `backup`, made when there was only the first."""
    directory.mkdir(parents=True, exist_ok=True)
    async with plane(directory) as aws:
        await aws.active("f", HELLO)
    shutil.copytree(directory, directory / "backup", ignore=shutil.ignore_patterns("code"))
    async with plane(directory, seed=1) as aws:
        await aws.active("g", OTHER)
        yield aws


def copied_if_there(source: str, target: str) -> None:
    """What is written under another name first may be gone by the time it is its turn to be copied."""
    with suppress(FileNotFoundError):
        _ = shutil.copy2(source, target)


async def copied_while_running(directory: Path) -> Path:
    """A data directory as a `kill -9` leaves it: nothing was closed."""
    async with filled(directory / "running"):
        for number in range(20):
            shutil.copytree(directory / "running", directory / f"killed-{number}", copy_function=copied_if_there)
            if (directory / f"killed-{number}" / "lambda.db-wal").stat().st_size:
                return directory / f"killed-{number}"
    raise AssertionError("there was no -wal")


def database_files(directory: Path) -> list[Path]:
    return [path for path in directory.glob("lambda.db*") if path.is_file()]


def remove_database(data: Path, _: Path) -> None:
    for file in database_files(data):
        file.unlink()


def empty_database(data: Path, other: Path) -> None:
    remove_database(data, other)
    (data / "lambda.db").touch()


def restore_backup(data: Path, other: Path) -> None:
    remove_database(data, other)
    shutil.copy(data / "backup" / "lambda.db", data / "lambda.db")


def take_anothers_database(data: Path, other: Path) -> None:
    remove_database(data, other)
    shutil.copy(other / "lambda.db", data / "lambda.db")


def take_anothers_code(data: Path, other: Path) -> None:
    mark = (other / "code" / FILE).read_bytes()
    (data / "code" / FILE).write_bytes(mark)


WRONG: list[Harm] = [remove_database, empty_database, restore_backup, take_anothers_database]


@pytest.mark.parametrize("harm", [*WRONG, take_anothers_code])
async def test_a_wrong_database_takes_no_package_away_and_the_right_one_finds_all(tmp_path: Path, harm: Harm) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    async with filled(data):
        pass
    async with filled(other):
        pass
    shutil.copytree(data, tmp_path / "safe")
    harm(data, other)
    for start in range(3):  # also after it was used, and has counted further than the right one
        with capture_logs() as lines:
            async with plane(data, seed=2 + start) as aws:
                assert aws.zips() == aws.trees() == BOTH
                assert aws.graves() == set()
                for number in range(20):
                    await aws.active(f"new-{start}-{number}", HELLO)
                for number in range(20):
                    await aws("DeleteFunction", FunctionName=f"new-{start}-{number}")
                assert aws.zips() == BOTH
        refusals = [line for line in lines if line["event"] == "code.not_collected"]
        assert [line["log_level"] for line in refusals] == ["error"]
        assert "--adopt-code" in refusals[0]["way_back"]
        assert refusals[0]["reason"] in (data / "code" / DISPUTE).read_text()
    for file in database_files(data):
        file.unlink()
    shutil.copy(tmp_path / "safe" / "lambda.db", data / "lambda.db")
    shutil.copy(tmp_path / "safe" / "code" / FILE, data / "code" / FILE)
    async with plane(data, seed=9) as aws:
        assert [(await aws.settled(name))["State"] for name in "fg"] == ["Active", "Active"]
        assert not (data / "code" / DISPUTE).exists()
        await aws("DeleteFunction", FunctionName="g")
        assert (aws.zips(), aws.graves()) == ({FIRST}, {SECOND})


async def test_the_operator_may_say_that_the_database_is_the_right_one(tmp_path: Path) -> None:
    async with filled(tmp_path):
        pass
    restore_backup(tmp_path, tmp_path)
    with capture_logs() as lines:
        async with plane(tmp_path, seed=2, adopt_code=True) as aws:
            assert (aws.zips(), aws.graves()) == ({FIRST}, {SECOND})
            assert not (tmp_path / "code" / DISPUTE).exists()
    swept = next(line for line in lines if line["event"] == "code.swept")
    assert (swept["packages"], swept["bytes"]) == (1, len(OTHER))
    assert Path(swept["graveyard"]).is_dir()
    async with plane(tmp_path, seed=3) as aws:  # it need not be said twice
        await aws("DeleteFunction", FunctionName="f")
        assert aws.zips() == set()


async def test_a_database_that_lost_its_wal_is_not_believed(tmp_path: Path) -> None:
    data = await copied_while_running(tmp_path)
    (data / "lambda.db-wal").unlink()
    (data / "lambda.db-shm").unlink(missing_ok=True)
    async with plane(data, seed=3) as aws:
        assert aws.zips() == BOTH
        assert (data / "code" / DISPUTE).exists()


async def test_a_killed_server_finds_everything_and_collects_as_ever(tmp_path: Path) -> None:
    data = await copied_while_running(tmp_path)
    async with plane(data, seed=3) as aws:
        assert aws.zips() == BOTH
        await aws("DeleteFunction", FunctionName="f")
        assert (aws.zips(), aws.graves()) == ({SECOND}, {FIRST})


async def test_a_wal_of_another_database_ends_in_a_sentence_or_in_doubt_and_harms_neither(tmp_path: Path) -> None:
    data, other = await copied_while_running(tmp_path / "a"), await copied_while_running(tmp_path / "b")
    for name in ("lambda.db-wal", "lambda.db-shm"):
        shutil.copy(other / name, data / name)
    before = {file.name: file.read_bytes() for file in database_files(data) if not file.name.endswith("shm")}
    try:
        async with plane(data, seed=3) as aws:
            assert aws.zips() == BOTH
            assert aws.graves() == set()
    except DatabaseDamaged as error:
        assert "lambda.db" in str(error)
        assert before.items() <= {file.name: file.read_bytes() for file in database_files(data)}.items()


@pytest.mark.parametrize("at", [0, 2 * 4096, 3 * 4096])  # page 2 is the map that only a vacuum reads
async def test_a_damaged_database_ends_in_a_sentence_that_names_the_way_back(tmp_path: Path, at: int) -> None:
    async with filled(tmp_path):
        pass
    with (tmp_path / "lambda.db").open("r+b") as file:
        file.seek(at)
        file.write(b"\xa5" * 4096)
    zips = sorted((tmp_path / "code" / "zips").rglob("*"))
    with pytest.raises((DatabaseDamaged, BaseExceptionGroup)) as caught:
        async with plane(tmp_path, seed=2):
            pass
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, DatabaseDamaged)
    assert str(tmp_path / "lambda.db") in str(error)
    assert "Restore it from a backup" in str(error)
    assert sorted((tmp_path / "code" / "zips").rglob("*")) == zips


@pytest.mark.parametrize("mark", [None, b"", b"{", b"null", b'{"identity": 1}', b"\x00" * 90])
async def test_without_a_readable_mark_a_database_is_believed_if_it_takes_nothing_away(
    tmp_path: Path, mark: bytes | None
) -> None:
    def unmark() -> None:
        file = tmp_path / "code" / FILE
        file.unlink()
        if mark is not None:
            file.write_bytes(mark)

    async with filled(tmp_path):
        pass
    unmark()
    async with plane(tmp_path, seed=2) as aws:  # it names every package
        assert not (tmp_path / "code" / DISPUTE).exists()
        assert aws.zips() == BOTH
    assert (tmp_path / "code" / FILE).read_bytes().startswith(b'{"identity"')
    unmark()
    restore_backup(tmp_path, tmp_path)
    async with plane(tmp_path, seed=3) as aws:  # it does not
        assert (tmp_path / "code" / DISPUTE).exists()
        assert aws.zips() == BOTH


async def test_a_mark_that_cannot_be_written_lags_behind_and_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filled(tmp_path):
        pass
    mark = (tmp_path / "code" / FILE).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lambent.lambda_.code.marker.write_whole", full)
    with capture_logs() as lines:
        async with plane(tmp_path, seed=2) as aws:
            await aws("DeleteFunction", FunctionName="f")
            assert aws.graves() == {FIRST}
    assert "code.mark_not_written" in {line["event"] for line in lines}
    assert (tmp_path / "code" / FILE).read_bytes() == mark
    async with plane(tmp_path, seed=3) as aws:
        await aws("DeleteFunction", FunctionName="g")
        assert aws.graves() == BOTH


async def test_what_is_deleted_lies_in_its_grave_for_its_term(tmp_path: Path) -> None:
    clock = FakeClock()
    async with plane(tmp_path, clock=clock) as aws:
        await aws.active()
        await aws("DeleteFunction", FunctionName="f")
        assert (aws.zips(), aws.graves()) == (set(), {FIRST})
        grave = aws.control.code.graveyard.of(FIRST)
        assert grave is not None
        assert grave.read_bytes() == HELLO
        clock.advance(GRAVE_TERM_S - 1)
        await until_looked_at(clock)
        assert aws.graves() == {FIRST}
        while aws.graves():  # the test's timeout ends a wait in vain
            clock.advance(GRAVES_S)
            await until_looked_at(clock)


async def until_looked_at(clock: FakeClock) -> None:
    for _ in range(50):
        await clock.sleep(0)


@pytest.mark.parametrize("last", ["commit", "mark", "grave", "tree"])
async def test_a_deletion_that_a_kill_cut_short_is_finished_by_the_next_start(tmp_path: Path, last: str) -> None:
    """What a `kill -9` leaves after each step: the commit, the mark, the grave of the zip, and the removal of the tree."""
    async with filled(tmp_path):
        pass
    code = tmp_path / "code"
    shutil.copytree(code, tmp_path / "before")
    async with plane(tmp_path, seed=2) as aws:
        await aws("DeleteFunction", FunctionName="f")
    if last in ("commit", "mark"):
        mark = (code / FILE).read_bytes()
        remove(code)
        shutil.copytree(tmp_path / "before", code)
        if last == "mark":
            (code / FILE).write_bytes(mark)
    elif last == "grave":
        shutil.copytree(tmp_path / "before" / "trees" / FIRST, code / "trees" / FIRST)
    async with plane(tmp_path, seed=3) as aws:
        assert not (code / DISPUTE).exists()
        assert aws.zips() == aws.trees() == {SECOND}
        assert aws.graves() == {FIRST}


async def test_what_is_wanted_again_comes_out_of_its_grave(tmp_path: Path) -> None:
    async with filled(tmp_path) as aws:
        await aws("DeleteFunction", FunctionName="f")
        assert aws.graves() == {FIRST}
        await aws.active("h", HELLO)  # uploaded again: the grave is not needed
        assert (aws.zips(), aws.graves()) == (BOTH, set())
        await aws("DeleteFunction", FunctionName="h")
    restore_backup(tmp_path, tmp_path)  # in which f was not deleted
    async with plane(tmp_path, seed=2) as aws:
        assert aws.zips() == aws.trees() == BOTH
        assert aws.graves() == set()
        assert (await aws.settled("f"))["State"] == "Active"


async def test_a_lost_package_is_told_in_awss_form_and_uploading_it_again_helps(tmp_path: Path) -> None:
    async with filled(tmp_path):
        pass
    remove(tmp_path / "code" / "zips" / FIRST[:2])
    remove(tmp_path / "code" / "trees" / FIRST)
    with capture_logs() as lines:
        async with plane(tmp_path, seed=2) as aws:
            lost = next(line for line in lines if line["event"] == "code.lost")
            assert lost["of"] == [str(aws.invoked("f").arn)]
            assert "UpdateFunctionCode" in lost["way_back"]
            with pytest.raises(AwsError) as caught:
                await aws.control.code.restore(FIRST)
            assert (caught.value.code, caught.value.status) == ("InvalidZipFileException", 502)
            await aws("UpdateFunctionCode", FunctionName="f", ZipFile=HELLO)
            assert (await aws.settled("f"))["LastUpdateStatus"] == "Successful"
            await aws.control.code.restore(FIRST)
            assert aws.zips() == aws.trees() == BOTH


async def test_a_lost_package_of_a_layer_is_told_with_the_versions_that_need_it(tmp_path: Path) -> None:
    async with plane(tmp_path) as aws:
        for name in ("l", "l", "m"):
            await aws("PublishLayerVersion", LayerName=name, Content={"ZipFile": HELLO})
        await aws("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    remove(tmp_path / "code" / "zips" / FIRST[:2])
    remove(tmp_path / "code" / "trees" / FIRST)
    with capture_logs() as lines:
        async with plane(tmp_path, seed=2):
            lost = next(line for line in lines if line["event"] == "code.lost")
    layer = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer"
    assert lost["of"] == [f"{layer}:l:2", f"{layer}:m:1"]


async def test_a_damaged_zip_is_not_unpacked(tmp_path: Path) -> None:
    async with filled(tmp_path):
        pass
    zip_file = tmp_path / "code" / "zips" / FIRST[:2] / FIRST
    zip_file.unlink()
    zip_file.write_bytes(OTHER)
    remove(tmp_path / "code" / "trees" / FIRST)
    async with plane(tmp_path, seed=2) as aws:
        assert aws.trees() == {SECOND}
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=HELLO)
        await aws.settled("f")
        assert zip_file.read_bytes() == HELLO
