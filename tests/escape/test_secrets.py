"""A guest that looks in its own memory, and wherever else it can read, for what guests before it were given."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from lambent.sandbox.contract import Assignment, Mount
from tests.contract.stage import Puppet, Stage
from tests.escape.search import SEARCH

VICTIMS: Final = 12
KINDS: Final = (
    "variable",
    "large-variable",
    "key-id",
    "secret-key",
    "token",
    "arn",
    "stream",
    "argument",
    "digest",
    "layer",
    "event",
    "answer",
    "line",
    "tmp",
)


class Secrets:
    """The values of one victim, each a word that nobody else has."""

    def __init__(self) -> None:
        self.of: Final = {kind: uuid.uuid4().hex for kind in KINDS}

    def assignment(self, stage: Stage, directory: Path, way: str) -> Assignment:
        code, layer = directory / self.of["digest"], directory / self.of["layer"]
        for place in (code, layer):
            place.mkdir(parents=True)
        usual = stage.assignment(way)
        return replace(
            usual,
            mounts=(Mount(code, "/var/task"), Mount(layer, "/opt")),
            argv=(*usual.argv, self.of["argument"]),
            environment={
                **usual.environment,
                "PASSWORD": self.of["variable"],
                "LARGE": (self.of["large-variable"] + " ") * 80,
                "AWS_ACCESS_KEY_ID": self.of["key-id"],
                "AWS_SECRET_ACCESS_KEY": self.of["secret-key"],
                "AWS_SESSION_TOKEN": self.of["token"],
                "ARN": f"arn:aws:lambda:eu-west-1:000000000000:function:{self.of['arn']}",
                "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/11/29/[$LATEST]{self.of['stream']}",
            },
        )

    async def play(self, puppet: Puppet) -> None:
        """Handle an event, answer, write a log line and a file in /tmp."""
        answer = await puppet.does(f"""
            print("{self.of["line"]}", flush=True)
            open("/tmp/{self.of["tmp"]}", "w").write("{self.of["tmp"]}")
            event = {{"event": "{self.of["event"]}"}}
            return "{self.of["answer"]}"
        """)
        assert answer == self.of["answer"]


async def victims(stage: Stage, directory: Path, template: str) -> list[Secrets]:
    """Guests that have been given secrets: some have gone, some have been followed in their sandbox, some are still there."""
    secrets: list[Secrets] = []
    for number in range(VICTIMS):
        secret = Secrets()
        assignment = secret.assignment(stage, directory, template)
        if number % 2:
            sandbox = await stage.backend.start(stage.templates[template], assignment)
        else:
            waiting = await stage.backend.prepare(stage.templates[template])
            sandbox = await stage.backend.assign(waiting, assignment)
        puppet = await stage.keep(sandbox).connected()
        await secret.play(puppet)
        if number % 3 == 1:
            await sandbox.kill()
        elif number % 3 == 2:
            await sandbox.vacate()
            again = await stage.keep(await stage.backend.restart(sandbox, assignment)).connected()
            await secret.play(again)
        secrets.append(secret)
    return secrets


async def started(stage: Stage, template: str, how: str, assignment: Assignment) -> Puppet:
    """A guest by one of the ways there are."""
    kind = stage.templates[template]
    if how == "waiting":
        sandbox = await stage.backend.assign(await stage.backend.prepare(kind), assignment)
    else:
        sandbox = await stage.backend.start(kind, assignment)
    if how == "restarted":
        await stage.keep(sandbox).connected()
        await sandbox.vacate()
        sandbox = await stage.backend.restart(sandbox, assignment)
    return await stage.keep(sandbox).connected()


async def finds(puppet: Puppet, words: list[str]) -> dict[str, Any]:
    """The words that the guest finds, and where."""
    reversed_words = [word[::-1] for word in words]
    found = await puppet.does(f"{SEARCH}\nreturn search({reversed_words!r})")
    return {word[::-1]: places for word, places in found.items()}


@pytest.mark.parametrize("how", ["waiting", "direct", "restarted"])
@pytest.mark.parametrize("template", ["fork", "rehearsed", "boot", "exec"])
async def test_nothing_of_earlier_guests_is_in_a_later_one(
    stage: Stage, tmp_path: Path, template: str, how: str
) -> None:
    before = await victims(stage, tmp_path / "victims", template)
    own = Secrets()
    later = await started(stage, template, how, own.assignment(stage, tmp_path / "own", template))
    await own.play(later)
    kinds = {word: kind for secret in before for kind, word in secret.of.items()}
    control = {own.of[kind]: kind for kind in ("variable", "event", "tmp")}
    found = await finds(later, [*kinds, *control])
    assert set(control) <= set(found), "the search finds nothing, not even what is the guest's own"
    assert {kinds[word]: places for word, places in found.items() if word in kinds} == {}


@pytest.mark.parametrize("template", ["fork", "boot"])
async def test_a_sandbox_that_waits_while_others_are_assigned_learns_nothing(
    stage: Stage, tmp_path: Path, template: str
) -> None:
    waiting = [await stage.backend.prepare(stage.templates[template]) for _ in range(2)]
    before = await victims(stage, tmp_path / "victims", template)
    own = Secrets().assignment(stage, tmp_path / "own", template)
    words = [word for secret in before for word in secret.of.values()]
    for one in waiting:
        later = await stage.keep(await stage.backend.assign(one, own)).connected()
        assert await finds(later, words) == {}


@pytest.mark.parametrize("template", ["fork", "boot", "exec"])
async def test_a_guest_has_only_descriptors_that_are_its_own(stage: Stage, tmp_path: Path, template: str) -> None:
    """Its null, its output twice, what the puppet connected; nobody else's assignment, pidfd, control group or namespace."""
    await victims(stage, tmp_path / "victims", template)
    guest = await stage.puppet(template)
    seen = await guest.does("""
        import os
        seen = {}
        for name in os.listdir("/proc/self/fd"):
            try: seen[int(name)] = os.readlink("/proc/self/fd/" + name).split(":")[0]
            except OSError: pass
        return sorted(seen.items())
    """)
    assert [kind for number, kind in seen if number < 3] == ["/dev/null", "pipe", "pipe"]
    assert {kind for number, kind in seen if number > 2} <= {"socket"}
    assert len([kind for number, kind in seen if number > 2]) <= 1


async def test_no_process_that_guests_are_forked_from_holds_anything_of_a_guest(stage: Stage, tmp_path: Path) -> None:
    """Seen from outside, as root: the spawner's memory, while its guests run."""
    if os.geteuid() != 0:
        pytest.skip("only root may read another process's memory")
    before = await victims(stage, tmp_path / "victims", "fork")
    guest = await stage.puppet("fork")
    status = Path(f"/proc/{guest.sandbox.pid}/status").read_text()
    [spawner] = [line.split()[1] for line in status.splitlines() if line.startswith("PPid:")]
    memory = _memory_of(spawner)
    for secret in before:
        for kind, word in secret.of.items():
            assert word.encode() not in memory, kind


def _memory_of(process: str) -> bytes:
    pieces: list[bytes] = []
    with Path(f"/proc/{process}/mem").open("rb", 0) as file:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            where, rights, *_ = line.split()
            if rights[0] != "r" or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in where.split("-"))
            _ = file.seek(start)
            pieces.append(file.read(end - start))
    return b"\0".join(pieces)
