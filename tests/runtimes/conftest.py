"""Real interpreters run real functions here, against a Runtime API that the test plays.

Over the process backend, or in native sandboxes.
"""

import asyncio
import os
import textwrap
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from lambent.lambda_.environment.splitter import Event as LogEvent
from lambent.lambda_.environment.splitter import Splitter
from lambent.lambda_.runtimes.catalogue import CATALOGUE
from lambent.lambda_.runtimes.interpreters import Interpreter, Interpreters, Missing, home_of_interpreters
from lambent.lambda_.runtimes.javascript_sdk import JavaScriptSdk
from lambent.lambda_.runtimes.templates import Launcher
from lambent.lambda_.runtimes.variables import FunctionFacts
from lambent.sandbox.contract import RUNTIME_API_PORT, Backend, Exit, Sandbox, Unavailable
from lambent.sandbox.native.backend import NativeConfig, native
from lambent.sandbox.process.backend import process
from tests.runtimes.runtime_api import Event, Post, RuntimeApi, runtime_api

PATIENCE_S = 30
FOR_TESTS = Path(__file__).parents[2] / ".build" / "interpreters"  # where `make test` puts some


@dataclass
class Run:
    """A function that runs, and what it has said until now."""

    sandbox: Sandbox
    api: RuntimeApi

    async def post(self) -> Post:
        return await asyncio.to_thread(self.api.posts.get, timeout=PATIENCE_S)

    async def posts(self, count: int) -> list[Post]:
        return [await self.post() for _ in range(count)]

    async def idle(self) -> None:
        assert await asyncio.to_thread(self.api.idle.wait, PATIENCE_S)

    async def exited(self) -> Exit:
        async with asyncio.timeout(PATIENCE_S):
            return await self.sandbox.exited()

    def output(self) -> str:
        """What it has written, each event with its newline; complete after its end, and of an invocation after its answer."""
        return "".join(event.removesuffix("\n") + "\n" for event in self.events())

    def events(self) -> list[str]:
        """The events of its log, as `output` has them."""
        return events_in(self.written())

    def written(self) -> bytes:
        """All that is in its pipe."""
        written = b""
        while True:
            try:
                piece = os.read(self.sandbox.output, 65536)
            except BlockingIOError:
                break
            if not piece:
                break
            written += piece
        return written


def events_in(written: bytes) -> list[str]:
    """What the log has of what a guest wrote."""
    log = Events()
    splitter = Splitter(log, framed=True)
    splitter.feed(written)
    splitter.end()
    return log.events


class Events:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def guest_lines(self, lines: bytes) -> None:
        self.events += [line + "\n" for line in lines.decode().split("\n")[:-1]]

    def guest_events(self, events: Sequence[LogEvent]) -> None:
        self.events += [text.decode() for _, text in events]


Start = Callable[..., AbstractAsyncContextManager[Run]]
Launchers = Callable[..., Launcher]  # of a runtime, over a backend, with an SDK for JavaScript or none


@pytest.fixture(scope="session")
def interpreter() -> Callable[[str], Interpreter | None]:
    """The interpreter of a runtime on this machine; skips the test that needs one which is missing."""
    known: dict[str, Interpreter | Missing | None] = {}

    def found(runtime_id: str) -> Interpreter | None:
        if runtime_id not in known:
            places = [FOR_TESTS, home_of_interpreters(os.environ)]
            search = Interpreters(os.environ, places).find(CATALOGUE[runtime_id])
            with ThreadPoolExecutor(1) as elsewhere:  # the test that asks has a running loop
                known[runtime_id] = elsewhere.submit(asyncio.run, search).result()
        answer = known[runtime_id]
        if isinstance(answer, Missing):
            pytest.skip(answer.reason)
        return answer

    return found


@pytest.fixture(scope="session")
def launcher(interpreter: Callable[[str], Interpreter | None]) -> Launchers:
    made: dict[tuple[str, str], Launcher] = {}

    def for_runtime(runtime_id: str, backend: Backend, sdk: JavaScriptSdk | None = None) -> Launcher:
        if sdk is not None:
            return Launcher(CATALOGUE[runtime_id], interpreter(runtime_id), backend.visible, sdk)
        key = (runtime_id, backend.name)
        if key not in made:
            made[key] = Launcher(CATALOGUE[runtime_id], interpreter(runtime_id), backend.visible)
        return made[key]

    return for_runtime


@pytest.fixture
def start(tmp_path: Path, launcher: Launchers) -> Start:
    """Starts a function: `files` by name, the events it will get, and whether its interpreter has been started ahead."""
    return starter(tmp_path, launcher, process)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def native_backend() -> AsyncGenerator[Backend]:
    try:
        async with native(NativeConfig(limits="enforced" if os.geteuid() == 0 else "best-effort")) as backend:
            yield backend
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture
def start_isolated(tmp_path: Path, launcher: Launchers, native_backend: Backend) -> Start:
    """As `start`, in a native sandbox."""
    return starter(tmp_path, launcher, lambda: nullcontext(native_backend))


def starter(
    tmp_path: Path,
    launcher: Launchers,
    opened: Callable[[], AbstractAsyncContextManager[Backend]],
) -> Start:
    @asynccontextmanager
    async def started(
        runtime_id: str,
        files: Mapping[str, str],
        *events: Event,
        handler: str = "app.handler",
        variables: Mapping[str, str] | None = None,
        layers: Mapping[str, str] | None = None,
        ahead: bool = True,
        statuses: list[int] | None = None,
        sdk: JavaScriptSdk | None = None,
        **facts: object,
    ) -> AsyncIterator[Run]:
        code_dir = written(tmp_path / "task", files)
        layers_dir = written(tmp_path / "opt", layers) if layers is not None else None
        function = facts_of(code_dir, layers_dir, handler, variables or {})
        async with opened() as backend:
            made = launcher(runtime_id, backend, sdk)
            assignment = made.assignment(msgspec.structs.replace(function, **facts))
            assignment = msgspec.structs.replace(assignment, fresh=assignment.fresh or not ahead)
            template = made.template_of("", assignment.limits.memory_mib)
            sandbox = await backend.start(template, assignment)
            with runtime_api(*events, statuses=statuses or [], listener=sandbox.listeners[RUNTIME_API_PORT]) as api:
                yield Run(sandbox, api)
            await sandbox.kill()
            for listener in sandbox.listeners.values():
                listener.close()
            os.close(sandbox.output)

    return started


def facts_of(
    code_dir: Path, layers_dir: Path | None = None, handler: str = "app.handler", variables: Mapping[str, str] = {}
) -> FunctionFacts:
    return FunctionFacts(
        name="f",
        version="$LATEST",
        handler=handler,
        memory_mib=128,
        region="us-east-1",
        log_group="/aws/lambda/f",
        log_stream="2026/11/24/[$LATEST]0123456789abcdef0123456789abcdef",
        code_dir=code_dir,
        layers_dir=layers_dir,
        variables=variables,
        credentials=None,
    )


def written(directory: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    directory.mkdir(exist_ok=True)
    return directory
