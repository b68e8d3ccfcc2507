"""A secret that others know, or can guess, is not used; and none is ever written by halves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lambent.core.ids import Ids
from lambent.services.sts.access_keys import RootKey
from lambent.storage.directory import DataDirectory, held
from lambent.storage.errors import DiskFull, SecretDamaged, SecretExposed, SecretUnreadable, StorageError

Harm = Callable[[Path], None]
ROOT = os.geteuid() == 0


def session_key(data: DataDirectory) -> object:
    return data.random_key("session.key", 32, Ids().random_bytes)


def links_key(data: DataDirectory) -> object:
    return data.random_key("links.key", 32, Ids().random_bytes)


def root_key(data: DataDirectory) -> object:
    return RootKey.of(data, "000000000000", Ids())


READERS = {"session.key": session_key, "links.key": links_key, "root.key": root_key}


def written(content: bytes) -> Harm:
    return lambda file: void(file.write_bytes(content))


def moded(mode: int) -> Harm:
    return lambda file: file.chmod(mode)


def void(_: object) -> None: ...


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def lengthened(file: Path) -> None:
    file.write_bytes(b"\n" * 2 + file.read_bytes() * 2)


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def replaced_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir(mode=0o700)


def replaced_by_a_symlink(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def replaced_by_a_dangling_symlink(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def replaced_by_a_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file, 0o600)


def given_away(file: Path) -> None:
    os.chown(file, 65534, -1)


DAMAGED: dict[str, Harm] = {
    "empty": written(b""),
    "one byte": written(b"x"),
    "shortened": shortened,
    "lengthened": lengthened,
    "huge": written(os.urandom(5000)),
    "zeros": zeroed,
    "one letter": written(b"A" * 32),
}
EXPOSED: dict[str, Harm] = {f"{mode:o}": moded(mode) for mode in (0o640, 0o604, 0o660, 0o666, 0o620, 0o610, 0o777)}
NO_FILE: dict[str, Harm] = {
    "directory": replaced_by_a_directory,
    "symlink": replaced_by_a_symlink,
    "dangling symlink": replaced_by_a_dangling_symlink,
    "fifo": replaced_by_a_fifo,
} | ({"another user's": given_away} if ROOT else {})
CASES: list[tuple[str, Harm, type[StorageError]]] = [
    *((name, harm, SecretDamaged) for name, harm in DAMAGED.items()),
    *((name, harm, SecretExposed) for name, harm in EXPOSED.items()),
    *((name, harm, SecretUnreadable) for name, harm in NO_FILE.items()),
]


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(("harm", "error"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_secret_that_is_not_in_order_is_refused_with_the_way_back(
    tmp_path: Path, name: str, harm: Harm, error: type[StorageError]
):
    with held(tmp_path) as data:
        READERS[name](data)
        harm(tmp_path / name)
        with pytest.raises(error) as caught:
            READERS[name](data)
        assert str(tmp_path / name) in str(caught.value)
        assert "remove it" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"{}",
        b'"AKIA"',
        b'{"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "account": "000000000000"}',
        b'{"access_key_id": 1, "secret_access_key": 2, "account": 3}',
        b'{"access_key_id": null, "secret_access_key": null, "account": null}',
        b'{"access_key_id": "", "secret_access_key": "", "account": ""}',
        b'{"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "", "account": "000000000000"}',
        b'{"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "short", "account": "000000000000"}',
        b'{"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "%s", "account": "000000000000"}'
        % (b"x" * 40),
        b'{"access_key_id": "AKIA", "secret_access_key": "%s", "account": "000000000000"}' % bytes(range(65, 91)) * 2,
        b"\xff\xfe\x00",
        b"[" * 4000,
    ],
)
def test_a_root_key_of_another_form_is_refused(tmp_path: Path, content: bytes):
    with held(tmp_path) as data:
        data.secret("root.key", lambda: content)
        with pytest.raises(SecretDamaged, match=r"root\.key is damaged"):
            root_key(data)


@pytest.mark.parametrize("name", READERS)
def test_a_secret_in_order_is_read_back_whoever_made_it(tmp_path: Path, name: str):
    with held(tmp_path) as data:
        first = READERS[name](data)
        (tmp_path / name).chmod(0o400)
        assert READERS[name](data) == first


def test_an_older_root_key_is_read_as_it_is(tmp_path: Path):
    content = b'{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"%s","account":"000000000000"}'
    with held(tmp_path) as data:
        data.secret("root.key", lambda: content % b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        assert root_key(data) == RootKey(
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "000000000000"
        )


KILLED = """
import os, signal, sys
from pathlib import Path
from lambent.storage.directory import held

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

with held(Path(sys.argv[1])) as data:
    if sys.argv[2] == "replace":
        Path.replace = die
    else:
        setattr(os, sys.argv[2], die)
    data.random_key("session.key", 32, os.urandom)
"""


@pytest.mark.parametrize("step", ["open", "fdopen", "fsync", "replace"])
def test_a_kill_while_a_secret_is_made_leaves_none(tmp_path: Path, step: str):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), step], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "session.key").exists()
    with held(tmp_path) as data:
        assert len(data.random_key("session.key", 32, os.urandom)) == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lambent.lock", "session.key"]


def test_a_full_disk_leaves_no_secret_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with held(tmp_path) as data:
        with pytest.raises(DiskFull, match=r"session\.key cannot be written"):
            session_key(data)
        assert [path.name for path in tmp_path.iterdir()] == ["lambent.lock"]
