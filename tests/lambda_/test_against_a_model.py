"""Random sequences of control-plane calls do what a small model of Lambda says, also across restarts and crashes.

Every step calls Lambent and `reference_model` with the same members and compares the answers, or the codes with which both
refuse. A restart closes everything and opens it again; a crash opens a copy of the directory as the disk holds it while the
old one is still running, which is what kill -9 leaves. After both, everything that was acknowledged must be there.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lambent.core.errors import AwsError
from tests.lambda_.plane import ARN, ROLE, Plane, plane
from tests.lambda_.reference_model import Members, Model, Refused
from tests.lambda_.zips import zipped

LONG = os.environ.get("LAMBENT_TEST_EXAMPLES")  # how many sequences, other ones every time; without it a few, the same
pytestmark = pytest.mark.timeout(3600 if LONG else 120)

CONTENTS = [zipped({"app.py": f"x = {number}"}) for number in range(3)]

names = some.sampled_from(["a", "b"])
qualifiers = some.sampled_from(["$LATEST", "1", "2", "3", "live", "beta"])
versions = some.sampled_from(["$LATEST", "1", "2", "3", "4"])
aliases = some.sampled_from(["live", "beta"])
contents = some.sampled_from(CONTENTS)
configurations = some.fixed_dictionaries(
    {},
    optional={
        "Timeout": some.integers(1, 900),
        "MemorySize": some.integers(128, 10_240),
        "Description": some.sampled_from(["", "one", "zwei ☃"]),
        "Environment": some.fixed_dictionaries({"Variables": some.sampled_from([{"KEY": "1"}, {"KEY": "ü"}])}),
    },
)
tags = some.dictionaries(some.sampled_from(["k1", "k2", "k3"]), some.sampled_from(["", "v"]), min_size=1, max_size=3)
events = some.sampled_from([{"MaximumRetryAttempts": 0}, {"MaximumEventAgeInSeconds": 60}, {"MaximumRetryAttempts": 2}])
routings = some.one_of(
    some.none(),
    some.just(cast("Members", {})),
    some.builds(lambda v: {"AdditionalVersionWeights": {v: 0.5}}, some.sampled_from(["1", "2", "3"])),
)


def given(**members: object) -> Members:
    """Without what is None."""
    return {member: value for member, value in members.items() if value is not None}


class ControlPlane(RuleBasedStateMachine):
    """Lambent and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.starts = 0
        self.root = Path(tempfile.mkdtemp(prefix="lambent-model-"))

    @initialize()
    def start(self) -> None:
        self.directory = self.root / "0"
        self.directory.mkdir()
        self.runner.run(self.open())

    async def open(self) -> None:
        self.stack = AsyncExitStack()
        self.starts += 1
        self.aws: Plane = await self.stack.enter_async_context(plane(self.directory, seed=self.starts))

    def both(self, operation: str, **members: object) -> None:
        """Call both and compare."""
        self.runner.run(self.compared(operation, members))

    async def compared(self, operation: str, members: Members) -> None:
        try:
            predicted: Members | Refused = getattr(self.model, operation)(**members)
        except Refused as refused:
            predicted = refused
        try:
            answer = await self.aws(operation, **members)
        except AwsError as error:
            assert isinstance(predicted, Refused), f"{operation} {members} was refused: {error.code} {error}"
            assert error.code == predicted.code, f"{operation} {members}: {error}"
        else:
            assert not isinstance(predicted, Refused), f"{operation} {members} must be refused as {predicted}"
            assert_holds(answer, predicted)
        await self.settle()

    async def settle(self) -> None:
        for name in self.model.functions:
            await self.aws.settled(name)

    # --- functions, versions, aliases

    @rule(name=names, content=contents, publish=some.booleans(), configuration=configurations, tags=tags)
    def create(self, name: str, content: bytes, publish: bool, configuration: Members, tags: Members) -> None:
        required = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
        self.both(
            "CreateFunction",
            FunctionName=name,
            Code={"ZipFile": content},
            Publish=publish,
            Tags=tags,
            **required,
            **configuration,
        )

    @rule(name=names, content=contents, publish=some.booleans())
    def update_code(self, name: str, content: bytes, publish: bool) -> None:
        self.both("UpdateFunctionCode", FunctionName=name, ZipFile=content, Publish=publish)

    @rule(name=names, configuration=configurations)
    def update_configuration(self, name: str, configuration: Members) -> None:
        self.both("UpdateFunctionConfiguration", FunctionName=name, **configuration)

    @rule(name=names, sha=some.sampled_from([None, None, "wrong"]))
    def publish(self, name: str, sha: str | None) -> None:
        self.both("PublishVersion", FunctionName=name, **given(CodeSha256=sha))

    @rule(name=names, qualifier=some.one_of(qualifiers, some.none()))
    def delete(self, name: str, qualifier: str | None) -> None:
        self.both("DeleteFunction", FunctionName=name, **given(Qualifier=qualifier))

    @rule(name=names, alias=aliases, version=versions, routing=routings)
    def create_alias(self, name: str, alias: str, version: str, routing: Members | None) -> None:
        members = given(RoutingConfig=routing)
        self.both("CreateAlias", FunctionName=name, Name=alias, FunctionVersion=version, **members)

    @rule(name=names, alias=aliases, version=some.one_of(versions, some.none()), routing=routings)
    def update_alias(self, name: str, alias: str, version: str | None, routing: Members | None) -> None:
        members = given(FunctionVersion=version, RoutingConfig=routing)
        self.both("UpdateAlias", FunctionName=name, Name=alias, **members)

    @rule(name=names, alias=aliases)
    def delete_alias(self, name: str, alias: str) -> None:
        self.both("DeleteAlias", FunctionName=name, Name=alias)

    # --- what hangs on them

    @rule(name=names, qualifier=qualifiers, config=events, operation=some.sampled_from(["Put", "Update"]))
    def configure_events(self, name: str, qualifier: str, config: Members, operation: str) -> None:
        self.both(f"{operation}FunctionEventInvokeConfig", FunctionName=name, Qualifier=qualifier, **config)

    @rule(name=names, qualifier=qualifiers)
    def forget_events(self, name: str, qualifier: str) -> None:
        self.both("DeleteFunctionEventInvokeConfig", FunctionName=name, Qualifier=qualifier)

    @rule(name=names, loop=some.sampled_from(["Allow", "Terminate"]))
    def allow_recursion(self, name: str, loop: str) -> None:
        self.both("PutFunctionRecursionConfig", FunctionName=name, RecursiveLoop=loop)

    @rule(name=names, tags=tags)
    def tag(self, name: str, tags: Members) -> None:
        self.both("TagResource", Resource=ARN + name, Tags=tags)

    @rule(name=names, tags=tags)
    def untag(self, name: str, tags: Members) -> None:
        self.both("UntagResource", Resource=ARN + name, TagKeys=list(tags))

    @rule(name=names, qualifier=some.one_of(some.none(), qualifiers), sid=some.sampled_from(["s1", "s2"]))
    def permit(self, name: str, qualifier: str | None, sid: str) -> None:
        whom = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        self.both("AddPermission", FunctionName=name, StatementId=sid, **given(Qualifier=qualifier), **whom)

    @rule(name=names, qualifier=some.one_of(some.none(), qualifiers), sid=some.sampled_from(["s1", "s2"]))
    def forbid(self, name: str, qualifier: str | None, sid: str) -> None:
        assume(qualifier != "$LATEST")
        self.both("RemovePermission", FunctionName=name, StatementId=sid, **given(Qualifier=qualifier))

    @rule(
        name=names,
        alias=some.one_of(some.none(), aliases),
        auth=some.sampled_from(["NONE", "AWS_IAM"]),
        operation=some.sampled_from(["Create", "Update"]),
    )
    def give_an_address(self, name: str, alias: str | None, auth: str, operation: str) -> None:
        members = given(Qualifier=alias)
        self.both(f"{operation}FunctionUrlConfig", FunctionName=name, AuthType=auth, **members)

    @rule(name=names, alias=some.one_of(some.none(), aliases))
    def take_the_address(self, name: str, alias: str | None) -> None:
        self.both("DeleteFunctionUrlConfig", FunctionName=name, **given(Qualifier=alias))

    @rule(name=names, executions=some.sampled_from([0, 5, 450, 451, 900, 901]))
    def reserve(self, name: str, executions: int) -> None:
        self.both("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=executions)

    @rule(name=names)
    def share(self, name: str) -> None:
        self.both("DeleteFunctionConcurrency", FunctionName=name)

    # --- reading, and what must survive

    @rule(name=names, qualifier=qualifiers)
    def read(self, name: str, qualifier: str) -> None:
        self.both("GetFunctionConfiguration", FunctionName=name, Qualifier=qualifier)
        self.both("GetFunctionEventInvokeConfig", FunctionName=name, Qualifier=qualifier)

    def read_everything(self) -> None:
        self.both("ListFunctions")
        self.both("GetAccountSettings")
        for name in ("a", "b"):
            self.both("ListVersionsByFunction", FunctionName=name)
            self.both("ListAliases", FunctionName=name)
            self.both("ListFunctionEventInvokeConfigs", FunctionName=name)
            self.both("GetFunctionRecursionConfig", FunctionName=name)
            self.both("ListTags", Resource=ARN + name)
            self.both("ListFunctionUrlConfigs", FunctionName=name)
            self.both("GetFunctionConcurrency", FunctionName=name)
        for name, function in self.model.functions.items():
            for qualifier in (None, *function.versions, *function.aliases):
                self.runner.run(self.policies_compared(name, qualifier))

    async def policies_compared(self, name: str, qualifier: str | None) -> None:
        expected = self.model.Statements(FunctionName=name, Qualifier=qualifier)
        try:
            policy = (await self.aws("GetPolicy", FunctionName=name, **given(Qualifier=qualifier)))["Policy"]
        except AwsError as error:
            assert error.code == "ResourceNotFoundException"
            policy = '{"Statement": []}'
        assert [statement["Sid"] for statement in json.loads(policy)["Statement"]] == expected

    @precondition(lambda self: self.model.functions)
    @rule()
    def restart(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.run(self.open())
        self.read_everything()

    @precondition(lambda self: self.model.functions)
    @rule()
    def crash(self) -> None:
        left = self.root / str(self.starts)
        shutil.copytree(self.directory, left, symlinks=True)
        self.runner.run(self.stack.aclose())
        self.directory = left
        self.runner.run(self.open())
        self.read_everything()

    def teardown(self) -> None:
        if self.starts:
            self.read_everything()
            self.runner.run(self.stack.aclose())
        self.runner.close()
        remove(self.root)


def remove(root: Path) -> None:
    """Remove what has read-only directories in it."""
    for directory in (root, *root.rglob("*")):
        if directory.is_dir() and not directory.is_symlink():
            directory.chmod(0o700)
    shutil.rmtree(root)


def assert_holds(answer: Any, predicted: Any) -> None:
    """Everything that the model predicts is in the answer; lists are of the same length."""
    if isinstance(predicted, dict):
        for member, value in cast("Members", predicted).items():
            assert member in answer, f"{member} is missing in {answer}"
            assert_holds(answer[member], value)
    elif isinstance(predicted, list):
        assert len(answer) == len(cast("list[Any]", predicted)), f"{answer} is not {predicted}"
        for one, other in zip(cast("Iterable[Any]", answer), cast("Iterable[Any]", predicted), strict=True):
            assert_holds(one, other)
    else:
        assert answer == predicted


TestControlPlane = ControlPlane.TestCase
TestControlPlane.settings = settings(
    max_examples=int(LONG or 25),
    stateful_step_count=50,
    deadline=None,
    derandomize=LONG is None,
    suppress_health_check=[HealthCheck.too_slow],  # on a busy machine
)
