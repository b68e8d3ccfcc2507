"""What guests have written does not reach the terminal as control characters, wherever the command line prints it."""

from __future__ import annotations

import base64
import io
import json
import os
import pty
import subprocess
import sys
import time

import pytest

from lambent.cli.server_log import show_control_characters, write_trace
from lambent.cli.terminal import HIDDEN, visible
from tests.cli.conftest import LAMBENT, Shell
from tests.system.conftest import Server

EVIL = {
    "clears the screen": "\x1b[2J\x1b[1;1H",
    "sets the title": "\x1b]0;owned\x07",
    "C1": "\x9b2J\x9d0;owned\x9c",
    "backspaces": "ok\b\bno",
    "delete": "\x7f",
    "overrides the direction": "\u202egnp.exe\u202c\u2066\u2069\u200f",
    "separators": "\u2028\u2029",
    "tags": "\U000e0041\U000e0042",
    "nul": "\x00",
}
HANDLER = """
import base64, sys
def handler(event, context):
    text = base64.b64decode(event["text"]).decode("utf-8", "surrogatepass")
    if event.get("raise"):
        raise ValueError(text)
    sys.stdout.buffer.write(b"before " + text.encode("utf-8", "surrogatepass") + b" after\\n")
    sys.stdout.flush()
    return text.encode("utf-8", "replace").decode()
"""


def harmless(text: str) -> bool:
    return HIDDEN.search(text) is None


@pytest.fixture(scope="module")
def evil(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A function that prints, raises and answers whatever it is sent."""
    folder = tmp_path_factory.mktemp("code") / "evil"
    folder.mkdir()
    (folder / "app.py").write_text(HANDLER)
    shell = Shell(server.keys | {"AWS_ENDPOINT_URL": server.endpoint})
    runtime = f"python3.{sys.version_info.minor}"
    _ = shell.does("deploy", str(folder), "--runtime", runtime)
    return "evil"


def event(text: str, **more: object) -> str:
    return json.dumps({"text": base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()} | more)


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL.keys())
def test_each_is_shown_as_text(text: str):
    assert harmless(visible(text))
    assert visible(text).encode("ascii", "backslashreplace").decode().isprintable()


def test_what_is_harmless_stays_as_it_is():
    text = "tab\tnewline\nünïcödé 日本語 👩‍👩‍👧 العربية 50\N{DEGREE SIGN}"
    assert visible(text) == text
    assert visible("windows\r\nlines") == "windows\nlines"
    assert visible("over\rwrite") == "over\\x0dwrite"
    assert visible("\ud800") == "\\ud800"


def test_logs_show_control_characters_and_send_them_only_when_told_to(shell: Shell, evil: str):
    text = "".join(EVIL.values()) + "over\rwritten"
    _ = shell.does("invoke", evil, "--payload", event(text))
    for _ in range(50):
        printed = shell.does("logs", evil)
        if "written after" in printed:
            break
        time.sleep(0.1)
    assert harmless(printed)
    assert "before \\x1b[2J\\x1b[1;1H\\x1b]0;owned\\x07\\x9b2J" in printed
    assert "\\u202egnp.exe" in printed
    raw = shell.does("logs", evil, "--raw")
    assert "before \x1b[2J\x1b[1;1H\x1b]0;owned\x07\x9b2J" in raw


def test_the_tail_of_an_invocation_shows_them_too(shell: Shell, evil: str):
    done = shell.run("invoke", evil, "--payload", event(EVIL["clears the screen"]), "--log")
    assert harmless(done.stderr)
    assert "before \\x1b[2J" in done.stderr
    done = shell.run("invoke", evil, "--payload", event(EVIL["clears the screen"]), "--log", "--raw")
    assert "before \x1b[2J" in done.stderr


def test_an_answer_goes_into_a_pipe_as_it_is_and_to_a_terminal_without_control_characters(shell: Shell, evil: str):
    text = EVIL["overrides the direction"] + "\x7f\x9b2J"
    words = [*LAMBENT, "invoke", evil, "--payload", event(text)]
    piped = subprocess.run(words, env=shell.variables, capture_output=True, check=True)
    assert json.loads(piped.stdout) == text
    assert harmless(on_terminal(words, shell))
    assert harmless(on_terminal([*words[:-1], event(text, **{"raise": True})], shell))


def on_terminal(words: list[str], shell: Shell) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, env=shell.variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # EIO: the other end is closed
            break
        written += data
        if not data:
            break
    os.close(ours)
    _ = process.wait(timeout=60)
    assert written
    return written.decode().replace("\r\n", "\n")


def test_errors_are_told_without_them(shell: Shell):
    assert harmless(shell.cannot("logs", "\x1b[2Jname"))
    assert harmless(shell.cannot("invoke", "nobody\x9b2J"))


def test_a_terminal_of_few_letters_is_no_reason_for_a_traceback(shell: Shell, evil: str):
    narrow = Shell(shell.variables | {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"})
    _ = shell.does("invoke", evil, "--payload", event("日本語"))
    for _ in range(50):
        printed = narrow.does("logs", evil)
        if "\\u65e5" in printed:
            break
        time.sleep(0.1)
    assert "before \\u65e5\\u672c\\u8a9e after" in printed


def test_the_servers_own_log_shows_control_characters_of_what_it_quotes():
    shown = show_control_characters(None, "info", {"event": "x", "name": "\x1b[2J", "count": 3})
    assert shown == {"event": "x", "name": "\\x1b[2J", "count": 3}
    target = io.StringIO()
    error = ValueError("\x1b[2J")
    write_trace(target, (ValueError, error, error.__traceback__))
    assert harmless(target.getvalue())
    assert "ValueError: \\x1b[2J" in target.getvalue()
