"""The stage each test plays on, for each backend; one that this machine cannot have is skipped with its reason."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path

import pytest

from lambent.sandbox.contract import Backend, Unavailable
from lambent.sandbox.process.backend import process
from tests.contract.stage import Stage, staged

BACKENDS = ("native", "process")


def chosen(name: str) -> AbstractAsyncContextManager[Backend]:
    if name == "process":
        return process()
    if sys.platform != "linux":
        pytest.skip("native sandboxes are made of Linux's namespaces")
    backend = import_module("lambent.sandbox.native.backend")
    return backend.native(backend.NativeConfig(limits="enforced" if os.geteuid() == 0 else "best-effort"))


@pytest.fixture(params=BACKENDS)
def backend_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def stage(backend_name: str, tmp_path: Path) -> AsyncGenerator[Stage]:
    try:
        async with chosen(backend_name) as backend, staged(backend, tmp_path) as stage:
            yield stage
    except Unavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture
def isolated(stage: Stage) -> Stage:
    """The stage of a backend that isolates."""
    if stage.backend.name == "process":
        pytest.skip("the process backend does not isolate")
    return stage
