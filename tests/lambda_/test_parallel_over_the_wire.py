"""Fifty clients change the same three functions over the wire while they read them: each read is of one moment.

What is compared of two answers is what may not differ however the calls were interleaved: a published version is what it
was, one revision is one state, an alias leads to a version, and whatever was attached before a function was created is not
attached to it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.lambda_.conftest import Aws
from tests.lambda_.zips import zipped

CLIENTS: Final = 50
CALLS: Final = 12
NAMES: Final = ("a", "b", "c")
CONTENTS: Final = [zipped({"app.py": f"x = {number}"}) for number in range(3)]
RECORDED: Final = ("CodeSha256", "Timeout", "Description", "Role", "Handler", "LastModified")
STATES: Final = {  # State and LastUpdateStatus that go together
    ("Pending", None),
    ("Active", "Successful"),
    ("Active", "InProgress"),
}

Answer = dict[str, Any]


class Ledger:
    """What all clients have seen and done; its methods raise AssertionError for what cannot be."""

    def __init__(self) -> None:
        self.numbers: Final = itertools.count()  # each names something that nobody else names
        self.created: Final[dict[str, float]] = {}  # by a function's description: when its creation was asked for
        self.attached: Final[dict[str, float]] = {}  # by what was attached: when that was acknowledged
        self._versions: Final[dict[tuple[str, str], list[Any]]] = {}
        self._revisions: Final[dict[str, list[Any]]] = {}

    def saw(self, version: Answer) -> None:
        """A configuration, in an answer of whatever operation."""
        kept = [version.get(member) for member in RECORDED]
        if version["Version"] != "$LATEST":
            assert self._versions.setdefault((version["FunctionName"], version["Version"]), kept) == kept
        assert self._revisions.setdefault(version["RevisionId"], kept) == kept
        if "State" in version:
            state = (version["State"], version.get("LastUpdateStatus"))
            assert state in STATES, version
            assert (version.get("StateReasonCode") == "Creating") == (state[0] == "Pending"), version
            in_progress = state[1] == "InProgress"
            assert (version.get("LastUpdateStatusReasonCode") == "Creating") == in_progress, version

    def belongs(self, thing: str, description: str) -> None:
        """Something hangs on the function with this description, which was there before it was read and after it."""
        acknowledged = self.attached.get(thing)
        assert acknowledged is None or acknowledged >= self.created[description], (thing, description)


class Client:
    """One of the fifty."""

    def __init__(self, boto: Any, role: str, ledger: Ledger, seed: int) -> None:
        self.boto: Final = boto
        self.role: Final = role
        self.ledger: Final = ledger
        self.random: Final = Random(seed)

    def run(self) -> None:
        writes = [self.create] * 4  # else there is hardly ever a function to do the rest to
        writes += [self.update_code, self.configure, self.publish, self.alias, self.move_alias, self.permit]
        writes += [self.configure_events, self.delete_version, self.tag, self.invoke, self.delete]
        reads = [self.read_versions, self.read_alias, self.read_what_hangs_on_it]
        for _ in range(CALLS):
            action = self.random.choice(writes if self.random.random() < 0.7 else reads)
            try:
                action(self.random.choice(NAMES))
            except ClientError as error:
                documented(self.boto, error)

    # --- writing -----------------------------------------------------------------------------------------------------

    def create(self, name: str) -> None:
        description = f"number {next(self.ledger.numbers)}"
        self.ledger.created[description] = time.monotonic()
        self.ledger.saw(
            self.boto.create_function(
                FunctionName=name,
                Runtime="provided.al2023",
                Handler="x",
                Role=self.role,
                Code={"ZipFile": self.random.choice(CONTENTS)},
                Description=description,
                Publish=self.random.random() < 0.7,
            )
        )

    def update_code(self, name: str) -> None:
        content = self.random.choice(CONTENTS)
        self.ledger.saw(self.boto.update_function_code(FunctionName=name, ZipFile=content, Publish=True))

    def configure(self, name: str) -> None:
        timeout = self.random.randrange(1, 900)
        self.ledger.saw(self.boto.update_function_configuration(FunctionName=name, Timeout=timeout))

    def publish(self, name: str) -> None:
        self.ledger.saw(self.boto.publish_version(FunctionName=name))

    def alias(self, name: str) -> None:
        alias = f"alias-{next(self.ledger.numbers)}"
        self.boto.create_alias(FunctionName=name, Name=alias, FunctionVersion=self.some_version(name))
        self.ledger.attached[alias] = time.monotonic()

    def move_alias(self, name: str) -> None:
        aliases = self.boto.list_aliases(FunctionName=name)["Aliases"]
        if aliases:
            alias, version = self.random.choice(aliases)["Name"], self.some_version(name)
            moved = self.boto.update_alias(FunctionName=name, Name=alias, FunctionVersion=version)
            assert moved["FunctionVersion"] == version

    def permit(self, name: str) -> None:
        sid = f"statement-{next(self.ledger.numbers)}"
        self.boto.add_permission(
            FunctionName=name, StatementId=sid, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )
        self.ledger.attached[sid] = time.monotonic()

    def configure_events(self, name: str) -> None:
        age = 60 + next(self.ledger.numbers)
        self.boto.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=age)
        self.ledger.attached[f"events of {age}"] = time.monotonic()

    def delete_version(self, name: str) -> None:
        """One that an alias names, if there is one: it must stay for as long as the alias does."""
        aliased = [alias["FunctionVersion"] for alias in self.boto.list_aliases(FunctionName=name)["Aliases"]]
        number = self.random.choice(aliased) if aliased else self.some_version(name)
        self.boto.delete_function(FunctionName=name, Qualifier=number)

    def tag(self, name: str) -> None:
        arn = self.boto.get_function_configuration(FunctionName=name)["FunctionArn"]
        self.boto.tag_resource(Resource=arn, Tags={"k": "v"})

    def invoke(self, name: str) -> None:
        answer = self.boto.invoke(FunctionName=name, Qualifier=self.some_version(name), InvocationType="DryRun")
        assert answer["StatusCode"] == 204

    def delete(self, name: str) -> None:
        self.boto.delete_function(FunctionName=name)

    # --- reading -----------------------------------------------------------------------------------------------------

    def some_version(self, name: str) -> str:
        """The number of one that was there just now."""
        return self.random.choice(self.boto.list_versions_by_function(FunctionName=name)["Versions"])["Version"]

    def read_versions(self, name: str) -> None:
        listed = self.boto.list_versions_by_function(FunctionName=name)["Versions"]
        numbers = [version["Version"] for version in listed]
        assert numbers[0] == "$LATEST"
        assert [int(number) for number in numbers[1:]] == sorted({int(number) for number in numbers[1:]})
        for version in listed:
            self.ledger.saw(version)
            self.ledger.saw(self.boto.get_function_configuration(FunctionName=name, Qualifier=version["Version"]))

    def read_alias(self, name: str) -> None:
        """An alias that is there leads to a version that is there: what may be missing is the alias."""
        for alias in self.boto.list_aliases(FunctionName=name)["Aliases"][:3]:
            try:
                found = self.boto.get_function(FunctionName=name, Qualifier=alias["Name"])["Configuration"]
            except ClientError as error:
                documented(self.boto, error)
                arn = error.response["Error"]["Message"].rpartition("function:")[2]
                assert arn in (name, f"{name}:{alias['Name']}"), error
            else:
                assert found["FunctionArn"].endswith(f":{alias['Name']}")
                self.ledger.saw(found)

    def read_what_hangs_on_it(self, name: str) -> None:
        """What hangs on a function that is the same before and after was attached to it, and to none before it."""
        before = self.boto.get_function_configuration(FunctionName=name)
        found = [alias["Name"] for alias in self.boto.list_aliases(FunctionName=name)["Aliases"]]
        configs = self.boto.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"]
        found += [f"events of {config['MaximumEventAgeInSeconds']}" for config in configs]
        try:
            policy = json.loads(self.boto.get_policy(FunctionName=name)["Policy"])
            found += [statement["Sid"] for statement in policy["Statement"]]
        except ClientError as error:
            documented(self.boto, error)
        after = self.boto.get_function_configuration(FunctionName=name)
        if before["Description"] == after["Description"]:
            for thing in found:
                self.ledger.belongs(thing, before["Description"])


def documented(boto: Any, error: ClientError) -> None:
    """Raises AssertionError for an error that the model does not have for the operation."""
    shapes = boto.meta.service_model.operation_model(error.operation_name).error_shapes
    assert error.response["Error"]["Code"] in {shape.name for shape in shapes} - {"ServiceException"}, error


async def test_fifty_clients_over_the_wire_never_see_a_half_made_state(aws: Aws) -> None:
    ledger = Ledger()
    clients = [Client(aws.awslambda, aws.role, ledger, seed) for seed in range(CLIENTS)]
    await together([client.run for client in clients])
    assert len(ledger.created) > CLIENTS / 10
    assert len(ledger.attached) > CLIENTS / 10
    last = Client(aws.awslambda, aws.role, ledger, CLIENTS)
    for name in NAMES:
        await aws.blocking(lambda name=name: successor_has_nothing(last, name))


async def together(calls: list[Callable[[], None]]) -> None:
    """All at once, each in a thread; boto3 blocks."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(calls)) as threads:
        running = [loop.run_in_executor(threads, call) for call in calls]
        ended = await asyncio.gather(
            *running, return_exceptions=True
        )  # the server is on this loop: all have to end first
    for failure in ended:
        if failure is not None:
            raise failure


def successor_has_nothing(client: Client, name: str) -> None:
    """A function that takes the place of one that had everything begins with nothing of it."""
    boto = client.boto
    for action in (client.create, client.alias, client.permit, client.configure_events, client.tag, client.delete):
        try:
            action(name)
        except ClientError as error:
            assert action == client.create, error  # it is there already
    made = boto.create_function(
        FunctionName=name, Runtime="provided.al2023", Handler="x", Role=client.role, Code={"ZipFile": CONTENTS[0]}
    )
    assert boto.list_aliases(FunctionName=name)["Aliases"] == []
    assert boto.list_function_event_invoke_configs(FunctionName=name)["FunctionEventInvokeConfigs"] == []
    assert [version["Version"] for version in boto.list_versions_by_function(FunctionName=name)["Versions"]] == [
        "$LATEST"
    ]
    assert boto.list_tags(Resource=made["FunctionArn"])["Tags"] == {}
    try:
        raise AssertionError(boto.get_policy(FunctionName=name))
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"
