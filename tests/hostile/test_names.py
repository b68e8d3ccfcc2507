"""A function that looks for names of the host, of the server's files and of other functions' code, in all that it can read.

Not looked at: the files of the interpreter and of its packages, which name the place where they were built or compiled, and
what a process's memory still has of these.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.escape.search import SEARCH
from tests.hostile.arena import RUNTIME, Arena

REPOSITORY: Final = Path(__file__).parents[2]

LOOK: Final = (
    SEARCH
    + r'''
import sys, traceback

def told():
    """What an interpreter says of itself."""
    names = ("prefix", "exec_prefix", "base_prefix", "base_exec_prefix", "executable", "_base_executable", "path", "argv",
             "orig_argv", "flags", "path_importer_cache", "modules", "platlibdir")
    for name in names: yield "sys." + name, repr(getattr(sys, name, None)).encode()
    yield "modules", repr([getattr(module, "__file__", None) for module in list(sys.modules.values())]).encode()
    yield "stack", "".join(traceback.format_stack()).encode()
    try: os.stat("/nowhere")
    except OSError: yield "traceback", traceback.format_exc().encode()
    frame = sys._getframe()
    while frame is not None:
        own = frame.f_globals
        yield "frame", repr([frame.f_code.co_filename, own.get("__file__"), own.get("__spec__")]).encode()
        frame = frame.f_back
    yield "environ", repr(dict(os.environ)).encode()

def handler(event, context):
    found = search(event["words"])
    needles = {word: word[::-1].encode() for word in event["told"]}
    for place, text in (*told(), *links(), *((path, open(path, "rb").read()) for path in readable() )):
        for word, needle in needles.items():
            if needle in text: found.setdefault(word, []).append(place)
    return found

def readable():
    for path in readable_files():
        try:
            with open(path, "rb") as file: file.read(1)
        except OSError: continue
        if not path.endswith(("/clear_refs", "kmsg")) and "/attr/" not in path: yield path
'''
)


@pytest.fixture(scope="module")
def found(arena: Arena) -> dict[str, list[str]]:
    """Where the function finds which word: those of the data directory in its memory, too."""
    for number in range(3):
        arena.deploy(f"other-{number}", f"def handler(event, context): return {number}")
        _ = arena.invoke(f"other-{number}")
    arena.deploy("looks", LOOK, memory_mib=1769, timeout_s=120)
    words = [str(arena.data), *digests(arena)]
    told = [*words, str(REPOSITORY), str(Path(sys.base_prefix).resolve().parent), f"{Path.home()}/"]
    event: Any = {"words": [word[::-1] for word in words], "told": [word[::-1] for word in told]}
    answer = arena.invoke("looks", event)
    assert "FunctionError" not in answer, answer["Payload"]
    return {word[::-1]: places for word, places in answer["Payload"].items()}


def digests(arena: Arena) -> list[str]:
    """The names of all directories of unpacked code, as the server has them on its disk."""
    names = {path.name for path in arena.data.rglob("*") if path.is_dir() and len(path.name) >= 32}
    assert len(names) >= 4, names
    return sorted(names)


def test_a_function_finds_no_name_of_the_host_and_no_digest(found: dict[str, list[str]]) -> None:
    assert found == {}


def test_the_interpreter_is_where_aws_has_it(arena: Arena) -> None:
    arena.deploy(
        "where",
        "import sys\ndef handler(event, context): return [sys.prefix, sys.base_prefix, sys.executable, sys.path]",
    )
    prefix, base_prefix, executable, path = arena.invoke("where")["Payload"]
    name = RUNTIME.removeprefix("python")
    assert (prefix, base_prefix, executable) == ("/var/lang", "/var/lang", f"/var/lang/bin/python{name}")
    library = (f"python{name.replace('.', '')}.zip", RUNTIME, f"{RUNTIME}/lib-dynload")
    assert {f"/var/lang/lib/{entry}" for entry in library} <= set(path)
    assert all(entry.startswith(("/var/", "/opt/")) for entry in path)


def test_an_interpreter_started_by_a_function_works(arena: Arena) -> None:
    arena.deploy(
        "starts",
        "import subprocess, sys, multiprocessing.connection\n"
        "def handler(event, context):\n"
        "    code = 'import ssl, json, sqlite3, ctypes; print(json.dumps(ssl.OPENSSL_VERSION_INFO))'\n"
        "    return subprocess.check_output([sys.executable, '-c', code], text=True)",
    )
    assert "FunctionError" not in arena.invoke("starts")
