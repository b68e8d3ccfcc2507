"""The namespaces are looked at, and then the guest, before any attack."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from tests.contract.stage import Puppet, Stage

HOST_NAMESPACE: Final = "LAMBENT_TEST_HOST_PID_NAMESPACE"
CAPABILITIES: Final = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def in_outer_namespaces() -> bool:
    host = os.environ.get(HOST_NAMESPACE)
    return host is not None and host != str(Path("/proc/self/ns/pid").readlink())


collect_ignore_glob = [] if in_outer_namespaces() else ["test_*.py"]


@pytest.fixture
async def attacker(stage: Stage, request: pytest.FixtureRequest) -> Puppet:
    """A guest that has been found powerless; `stage.puppet`'s facts may be given as the fixture's parameter."""
    puppet = await stage.puppet("fork", **getattr(request, "param", {}))
    await require_powerless(puppet)
    return puppet


async def require_powerless(puppet: Puppet) -> None:
    """A harmless look: the guest is not root, has no capabilities, and sees no process but its own."""
    assert in_outer_namespaces()
    text = await puppet.does("return open('/proc/self/status').read()")
    status = {name: value.split() for name, _, value in (line.partition(":") for line in text.splitlines())}
    assert "0" not in status["Uid"], "the guest is root"
    assert all(int(status[kind][0], 16) == 0 for kind in CAPABILITIES), "the guest has capabilities"
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]
    pids = await puppet.does("import os; return [int(name) for name in os.listdir('/proc') if name.isdigit()]")
    assert max(pids) <= 3, "the guest sees processes that are not its own"
    assert os.getpid() < 1000 or os.getpid() not in pids
