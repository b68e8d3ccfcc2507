"""`lambent up`: how it starts, refuses to start, and stops."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.system.conftest import started, stopped
from tests.system.test_first_function import descendants

STOP_S = 3  # what is promised


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_told_to_and_leaves_nothing(tmp_path: Path, number: signal.Signals):
    server = started(tmp_path / "data")
    below = descendants(server.process.pid)
    server.process.send_signal(number)
    assert server.process.wait(timeout=STOP_S) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in below)
    assert list(Path("/sys/fs/cgroup").rglob(f"lambent-{server.process.pid}-*")) == []


def test_the_probe_leaves_neither_process_nor_group(tmp_path: Path):
    server = started(tmp_path / "data")
    try:
        deadline = time.monotonic() + 30  # only against hanging: it goes in the background
        while descendants(server.process.pid) and time.monotonic() < deadline:
            os.sched_yield()
        assert descendants(server.process.pid) == []
        trees = Path("/sys/fs/cgroup").rglob(f"lambent-{server.process.pid}-*")
        assert [group for tree in trees for group in tree.iterdir() if group.is_dir() and group.name != "server"] == []
    finally:
        server.process.terminate()
        server.process.wait(timeout=STOP_S)


def test_an_address_that_it_cannot_have_is_told(nowhere: Shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = nowhere.cannot("up", "--port", str(taken.getsockname()[1]))
    assert "is in use by another program" in said
    assert "cannot listen on 192.0.2.1" in nowhere.cannot("up", "--host", "192.0.2.1", "--port", "0")


def test_a_setting_that_cannot_be_is_a_wrong_call(nowhere: Shell):
    assert "setting port" in nowhere.cannot("up", "--port", "many", status=2)
    assert "setting s3_endpoint" in nowhere.cannot("up", "--s3-endpoint", "127.0.0.1:9000", status=2)
    nowhere.variables["LAMBENT_PROT"] = "1"
    assert "unknown setting prot" in nowhere.cannot("up", status=2)


@pytest.mark.parametrize("host", ["0.0.0.0", "0", ""])
def test_open_on_a_network_wants_a_second_flag(nowhere: Shell, host: str):
    """Any name of the network's addresses is refused; on loopback, and where signatures are verified, nothing is asked."""
    assert "--open-to-network" in nowhere.cannot("up", "--auth", "open", "--host", host, "--port", "0")


@pytest.mark.parametrize(
    "flags", [("--host", "127.9.9.9"), ("--host", "0.0.0.0", "--open-to-network"), ("--host", "localhost")]
)
def test_open_starts_where_it_was_said_to(tmp_path: Path, flags: tuple[str, ...]):
    server = started(tmp_path / "data", "--auth", "open", "--sandbox", "process", *flags)
    assert stopped(server) == 0


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "said", "reached"),
    [("::1", "[::1]", ("[::1]",)), ("[::1]", "[::1]", ("[::1]",)), ("::", "[::]", ("[::1]", "127.0.0.1"))],
)
def test_it_listens_on_ipv6_and_says_so_as_a_url(tmp_path: Path, host: str, said: str, reached: tuple[str, ...]):
    server = started(tmp_path / "data", "--sandbox", "process", "--host", host)
    try:
        begin, _, port = server.endpoint.rpartition(":")
        assert begin == f"http://{said}"
        for address in reached:
            caller = server._replace(endpoint=f"http://{address}:{port}").client("sts").get_caller_identity()
            assert caller["Arn"].endswith(":root")
    finally:
        assert stopped(server) == 0


def test_open_on_ipv6_means_loopback_too(nowhere: Shell, tmp_path: Path):
    assert "--open-to-network" in nowhere.cannot("up", "--auth", "open", "--host", "::", "--port", "0")
    assert stopped(started(tmp_path / "data", "--auth", "open", "--sandbox", "process", "--host", "::1")) == 0


def test_an_ipv6_address_that_it_cannot_have_is_told_as_an_address(nowhere: Shell):
    assert "cannot listen on [2001:db8::1]:0" in nowhere.cannot("up", "--host", "2001:db8::1", "--port", "0")


@pytest.mark.parametrize("name", ["state.db", "logs.db"])
def test_a_directory_in_place_of_a_database_is_told(nowhere: Shell, tmp_path: Path, name: str):
    (tmp_path / "lambent.lock").touch()
    (tmp_path / name).mkdir()
    for command in (("up", "--port", "0", "--sandbox", "process"), ("doctor",)):
        done = nowhere.run(*command, "--data", str(tmp_path))
        assert f"{tmp_path / name} is a directory, where Lambent keeps a file" in done.stdout + done.stderr


def test_origins_and_hosts_in_another_form_are_a_wrong_call(nowhere: Shell):
    for origins in ("*", "app.example.com", "https://a.test/path", "https://a.test https://b.test"):
        assert "setting allowed_origins" in nowhere.cannot("up", "--allowed-origins", origins, status=2)
    for hosts in ("*", "http://a.test", "a.test:80", "*.*.test", "a*.test"):
        assert "setting allowed_hosts" in nowhere.cannot("up", "--allowed-hosts", hosts, status=2)
