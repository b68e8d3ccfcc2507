"""Calls in any order, with restarts in between, against a model that is a dictionary."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.core.errors import AwsError
from lambent.lambda_.sources.kinds import Kind
from tests.lambda_.plane import ARN, Plane, plane
from tests.lambda_.sources.examples import NEEDED

Mapping = dict[str, Any]

FUNCTIONS = ["f", "f:1", "g"]
KINDS = [Kind.SQS, Kind.KINESIS, Kind.MSK, Kind.MQ]
SIZES = {"BatchSize": st.integers(1, 10), "Enabled": st.booleans(), "FunctionName": st.sampled_from(FUNCTIONS)}
WHICH = st.integers(0, 9)  # of the mappings there are

STEPS = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(FUNCTIONS), st.sampled_from(KINDS), st.booleans()),
    st.tuples(st.just("update"), WHICH, st.fixed_dictionaries({}, optional=SIZES)),
    st.tuples(st.just("delete"), WHICH),
    st.tuples(st.just("restart")),
)


class Model:
    """What the calls have left, and what must be refused."""

    def __init__(self) -> None:
        self.mappings: dict[str, Mapping] = {}

    def taken(self, function: str, kind: Kind, but: str | None = None) -> bool:
        return any(
            (mapping["function"], mapping["kind"]) == (function, kind)
            for uuid, mapping in self.mappings.items()
            if uuid != but
        )

    def pick(self, which: int) -> str | None:
        return sorted(self.mappings)[which % len(self.mappings)] if self.mappings else None


async def attempted(aws: Plane, operation: str, **members: object) -> dict[str, Any] | None:
    """None: there is one already, which is the only refusal that is expected."""
    try:
        return await aws(operation, **members)
    except AwsError as error:
        assert error.code == "ResourceConflictException"
        return None


async def step(aws: Plane, model: Model, name: str, *arguments: Any) -> None:
    if name == "create":
        function, kind, enabled = arguments
        made = await attempted(
            aws, "CreateEventSourceMapping", FunctionName=function, Enabled=enabled, BatchSize=5, **NEEDED[kind]
        )
        assert (made is None) is model.taken(function, kind)
        if made is not None:
            model.mappings[made["UUID"]] = {"function": function, "kind": kind, "enabled": enabled, "size": 5}
        return
    uuid = model.pick(arguments[0])
    if uuid is None:
        return
    mapping = model.mappings[uuid]
    await aws.mapped(uuid)
    if name == "delete":
        assert (await aws("DeleteEventSourceMapping", UUID=uuid))["State"] == "Deleting"
        await aws.mapped(uuid)
        del model.mappings[uuid]
        return
    changes = arguments[1]
    function = changes.get("FunctionName", mapping["function"])
    changed = await attempted(aws, "UpdateEventSourceMapping", UUID=uuid, **changes)
    assert (changed is None) is model.taken(function, mapping["kind"], but=uuid)
    if changed is not None:
        mapping |= {"function": function, "enabled": changes.get("Enabled", mapping["enabled"])}
        mapping["size"] = changes.get("BatchSize", mapping["size"])


async def compare(aws: Plane, model: Model) -> None:
    """Get and List say what the model says, also of what is still on its way."""
    listed = (await aws("ListEventSourceMappings"))["EventSourceMappings"]
    assert [mapping["UUID"] for mapping in listed] == sorted(model.mappings)
    for shown in listed:
        mapping = model.mappings[shown["UUID"]]
        assert await aws("GetEventSourceMapping", UUID=shown["UUID"]) == shown
        assert (shown["FunctionArn"], shown["BatchSize"]) == (ARN + mapping["function"], mapping["size"])
    for function in FUNCTIONS:
        found = (await aws("ListEventSourceMappings", FunctionName=function))["EventSourceMappings"]
        ours = {uuid for uuid, mapping in model.mappings.items() if mapping["function"] == function}
        assert {mapping["UUID"] for mapping in found} == ours


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=25))
async def test_calls_in_any_order_and_restarts_leave_what_was_acknowledged(steps: list[tuple[Any, ...]]) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as directory:
        async with AsyncExitStack() as on:
            aws = await on.enter_async_context(plane(Path(directory)))
            await aws.active("f", Publish=True)
            await aws.active("g")
            for number, (name, *arguments) in enumerate(steps):
                if name == "restart":
                    await on.aclose()
                    aws = await on.enter_async_context(plane(Path(directory), seed=number + 1))
                else:
                    await step(aws, model, name, *arguments)
                await compare(aws, model)
            for uuid, mapping in model.mappings.items():
                settled = await aws.mapped(uuid)
                assert settled is not None
                assert settled["State"] == ("Enabled" if mapping["enabled"] else "Disabled")
