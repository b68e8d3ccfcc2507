"""What a function sees of its package: modes, names and links as the archive has them, in a real sandbox."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lambda_.zips import archived, entry, link
from tests.system.conftest import Server, deployed, started, stopped

PYTHON = f"python3.{sys.version_info.minor}"
HELLO = "def handler(event, context):\n    return 'hello'\n"
TELL = """
import os
def told(path):
    try:
        return open(path).read()
    except OSError as error:
        return error.errno
def handler(event, context):
    return [told(path) for path in event]
"""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = started(tmp_path_factory.mktemp("data"), "--sandbox", "native")
    yield running
    assert stopped(running) == 0


def invoked(client: Any, name: str, event: object = None) -> tuple[str | None, Any]:
    response = client.invoke(FunctionName=name, Payload=json.dumps(event))
    return response.get("FunctionError"), json.loads(response["Payload"].read())


@pytest.mark.parametrize("mode", [0o100600, 0o100640, 0o100000, 0o100700])
def test_a_module_that_others_may_not_read_cannot_be_imported(native: Server, mode: int):
    name = f"closed-{mode:o}"
    client = deployed(native, name, PYTHON, "app.handler", archived([(entry("app.py", mode), HELLO)]))
    error, answer = invoked(client, name)
    assert (error, "Permission denied" in json.dumps(answer)) == ("Unhandled", True)


@pytest.mark.parametrize("mode", [0o100604, 0o100444, 0o600, 0])
def test_one_that_others_may_read_or_that_has_no_mode_can(native: Server, mode: int):
    name = f"open-{mode:o}"
    client = deployed(native, name, PYTHON, "app.handler", archived([(entry("app.py", mode), HELLO)]))
    assert invoked(client, name) == (None, "hello")


def test_what_lies_in_a_closed_directory_cannot_be_read_and_layers_keep_their_modes(native: Server):
    client = native.client("lambda")
    layers = [
        client.publish_layer_version(LayerName=name, Content={"ZipFile": archived(entries)})["LayerVersionArn"]
        for name, entries in {
            "one": [(entry("one/closed", 0o100600), "secret"), (entry("one/open"), "open")],
            "two": [(entry("two/", 0o040700), ""), (entry("two/file"), "secret")],
        }.items()
    ]
    package = archived([(entry("app.py"), TELL), (entry("dir/", 0o040700), ""), (entry("dir/file"), "secret")])
    client = deployed(native, "directories", PYTHON, "app.handler", package, Layers=layers)
    paths = ["/var/task/dir/file", "/opt/one/closed", "/opt/one/open", "/opt/two/file"]
    assert invoked(client, "directories", paths) == (None, [13, 13, "open", 13])


def test_links_lead_where_the_function_sees_them_lead(native: Server, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    for directory in (*tmp_path.parents[:-2], tmp_path):
        directory.chmod(directory.stat().st_mode | 0o055)
    outside = os.path.relpath(secret, "/var/task")
    package = archived(
        [
            (entry("app.py"), TELL),
            (entry("here"), "of the package"),
            link("absolute", "/var/task/here"),
            link("out", str(secret)),
            link("up", f"{'../' * 20}{secret}"),
            link("relative", outside),
            link("lib", "/etc"),
        ]
    )
    client = deployed(native, "links", PYTHON, "app.handler", package)
    paths = [f"/var/task/{name}" for name in ("absolute", "out", "up", "relative")]
    assert invoked(client, "links", paths) == (None, ["of the package", 2, 2, 2])


def test_a_bootstrap_that_links_to_the_hosts_files_is_the_guests_to_find(native: Server):
    client = deployed(native, "entry", "provided.al2023", "x", archived([link("bootstrap", "/root/.profile")]))
    error, answer = invoked(client, "entry")
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ExitError")


def test_strange_names_are_files_and_of_a_name_twice_the_last_counts(native: Server):
    names = ["app.py", "c:x", "pkg\\mod.py"]
    code = "import os\ndef handler(event, context):\n    return sorted(os.listdir('/var/task'))\n"
    entries = [(entry("app.py"), HELLO), (entry("c:x"), ""), (entry("pkg\\mod.py"), ""), (entry("app.py"), code)]
    client = deployed(native, "names", PYTHON, "app.handler", archived(entries))
    assert invoked(client, "names") == (None, names)
