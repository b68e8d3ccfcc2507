"""`lambent sdk` with an npm that only writes down what it was asked."""

import os
import sys
from pathlib import Path

import pytest

from lambent.cli.errors import Failed
from lambent.cli.sdk import install
from lambent.lambda_.runtimes.javascript_sdk import LOCK, MANIFEST, JavaScriptSdk
from tests.cli.conftest import Shell

NPM = f"""\
#!{sys.executable}
import json, os, pathlib, sys
command, *words = sys.argv[1:]
with open(os.environ["ASKED"], "a") as asked:
    mask = os.umask(0)
    print(f"{{mask:04o}}", *sys.argv[1:], file=asked)
if command == os.environ.get("FAILS"):
    sys.exit(7)
for directory in ("dist-types", "dist-cjs"):
    pathlib.Path("node_modules/one", directory).mkdir(parents=True, exist_ok=True)
manifest = json.loads(pathlib.Path("package.json").read_text())
manifest["dependencies"] |= {{word: "1" for word in words if word.startswith("@")}}
pathlib.Path("package.json").write_text(json.dumps(manifest))
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What npm was asked, a line each time."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    return tmp_path / "asked"


FLAGS = "--no-audit --no-fund --no-update-notifier --ignore-scripts --loglevel=error"


def test_it_installs_what_the_lock_file_says_for_guests_to_read_and_no_types(tmp_path: Path, asked: Path) -> None:
    place = JavaScriptSdk(tmp_path / "sdk")
    install(place, [])
    assert asked.read_text() == f"0022 ci {FLAGS}\n"
    assert (place.directory / LOCK.name).read_bytes() == LOCK.read_bytes()
    assert place.modules is not None
    assert sorted(path.name for path in (place.modules / "one").iterdir()) == ["dist-cjs"]
    assert place.is_current()


def test_what_is_added_stays_when_a_new_lambent_installs_anew(tmp_path: Path, asked: Path) -> None:
    place = JavaScriptSdk(tmp_path / "sdk")
    install(place, [])
    install(place, ["@aws-sdk/client-glacier"])
    place.mark.write_text("that of another version")
    install(place, ["@smithy/uuid-of-old"])
    assert asked.read_text().splitlines() == [
        f"0022 ci {FLAGS}",
        f"0022 install {FLAGS} @aws-sdk/client-glacier",
        f"0022 ci {FLAGS}",
        f"0022 install {FLAGS} @aws-sdk/client-glacier @smithy/uuid-of-old",
    ]
    assert place.packages() > {"@aws-sdk/client-glacier", "@smithy/uuid-of-old"}
    assert MANIFEST.read_text().count("glacier") == 0


def test_what_fails_is_not_installed(tmp_path: Path, asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = JavaScriptSdk(tmp_path / "sdk")
    install(place, [])
    monkeypatch.setenv("FAILS", "install")
    with pytest.raises(Failed, match=r"^npm install has failed in .*/sdk, with exit status 7$"):
        install(place, ["@aws-sdk/client-glacier"])
    assert place.modules is None


def test_words_that_are_no_packages_of_awss_never_reach_npm(nowhere: Shell) -> None:
    for word in ("left-pad", "@aws-sdk/../x", "@aws-sdk/client-s3@file:/etc", "git+ssh://x"):
        assert "is no package of AWS's" in nowhere.cannot("sdk", word, status=2)
    assert "unrecognized arguments" in nowhere.cannot("sdk", "--prefix=/", status=2)
