"""The compiled part of simplejson for Pythons that are not the server's: where it is looked for, how it is fetched."""

import sysconfig
import zipfile
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from lambent.lambda_.runtimes.speedups import Speedups

VERSION = "4.3.0"
PLATFORM = sysconfig.get_platform().replace("-", "_").replace(".", "_")
METADATA = f"Metadata-Version: 2.1\nName: simplejson\nVersion: {VERSION}\n"


@pytest.fixture
def package(tmp_path: Path) -> Distribution:
    """An installed simplejson that is compiled for 3.11."""
    installed = tmp_path / "site-packages"
    (installed / "simplejson").mkdir(parents=True)
    (installed / "simplejson" / "_speedups.cpython-311-x86_64-linux-gnu.so").touch()
    information = installed / f"simplejson-{VERSION}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(METADATA)
    return PathDistribution(information)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip finds instead of PyPI."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def wheel(index: Path, python: str, *, compiled: bool = True) -> None:
    tag = f"cp{python.replace('.', '')}"
    tags = f"{tag}-{tag}-{PLATFORM}" if compiled else "py3-none-any"
    information = f"simplejson-{VERSION}.dist-info"
    with zipfile.ZipFile(index / f"simplejson-{VERSION}-{tags}.whl", "w") as archive:
        archive.writestr("simplejson/__init__.py", "")
        if compiled:
            archive.writestr(f"simplejson/_speedups.cpython-{tag[2:]}-x86_64-linux-gnu.so", b"\x7fELF")
        archive.writestr(f"{information}/METADATA", METADATA)
        archive.writestr(f"{information}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n")
        archive.writestr(f"{information}/RECORD", "")


def test_the_servers_own_python_has_what_is_installed_and_others_have_none(
    tmp_path: Path, package: Distribution
) -> None:
    speedups = Speedups(tmp_path / "home", package)
    assert speedups.directory("3.11") == tmp_path / "site-packages"
    assert speedups.directory("3.12") is None


def test_what_is_missing_is_fetched_once_for_each_python(tmp_path: Path, package: Distribution, index: Path) -> None:
    wheel(index, "3.10")
    wheel(index, "3.13")
    speedups = Speedups(tmp_path / "home", package)
    assert list(speedups.fetch(["3.10", "3.11", "3.13"])) == []
    for python in ("3.10", "3.13"):
        directory = tmp_path / "home" / f"simplejson-{VERSION}" / f"python{python}"
        assert speedups.directory(python) == directory
        assert (directory / f"simplejson-{VERSION}.dist-info" / "METADATA").exists()
    for file in index.iterdir():
        file.unlink()
    assert list(speedups.fetch(["3.10", "3.11", "3.13"])) == []  # nobody is asked


def test_without_an_index_the_reason_is_given_and_nothing_is_left(
    tmp_path: Path, package: Distribution, index: Path
) -> None:
    speedups = Speedups(tmp_path / "home", package)
    assert list(speedups.fetch(["3.12"])) == [("3.12", f"No matching distribution found for simplejson=={VERSION}")]
    assert speedups.directory("3.12") is None
    assert list((tmp_path / "home" / f"simplejson-{VERSION}").iterdir()) == []


def test_an_index_that_is_not_there_is_the_reason(
    tmp_path: Path, package: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    failed = list(Speedups(tmp_path / "home", package).fetch(["3.12"]))
    assert failed == [("3.12", "pip cannot reach the package index")]


def test_a_wheel_without_compiled_code_is_not_taken(tmp_path: Path, package: Distribution, index: Path) -> None:
    wheel(index, "3.12", compiled=False)
    speedups = Speedups(tmp_path / "home", package)
    assert list(speedups.fetch(["3.12"])) == [("3.12", "the index has it without its compiled part")]
    assert speedups.directory("3.12") is None
