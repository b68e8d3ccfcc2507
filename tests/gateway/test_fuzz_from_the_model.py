"""Whatever is sent to an operation: an answer of AWS's kind, never a 500, never silence, and the next caller is served.

Requests are made of the models for every operation that is bound, so a new one is covered on the day it is there. They are
the same in every run; LAMBENT_TEST_EXAMPLES=500 makes so many others for each operation.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import boto3
import pytest
import uvloop
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from lambent.app import Running, running
from lambent.config import Config
from tests.gateway.malformed.drafts import CUT, Keys, as_bytes, drafted
from tests.gateway.malformed.members import mutated
from tests.gateway.malformed.spoilt import SPOILT
from tests.gateway.malformed.values import ALLOW, MAPPING, TRUST
from tests.gateway.malformed.visits import check, check_as_sdk, visited
from tests.lambda_.zips import HELLO
from tools.coverage import covered

LONG = os.environ.get("LAMBENT_TEST_EXAMPLES")  # requests for each operation, other ones every time
pytestmark = pytest.mark.timeout(7200 if LONG else 120)

EXAMPLES: Final = int(LONG or 24)
GROWTH_MIB: Final = (
    400  # of this process, with all that hypothesis remembers; it was 72 after 500 requests an operation
)
OPERATIONS: Final = [(service.binding, operation) for service in covered() for operation in service.operations.values()]


class Fuzzed(NamedTuple):
    """The Lambent that is sent everything."""

    lambent: Running
    port: int
    keys: Keys
    iam: Any  # boto3's clients
    functions: Any
    logs: Any


@pytest.fixture(scope="module")
def fuzzed() -> Generator[Fuzzed]:
    """A Lambent in a thread of its own, which is alive at the end and has not grown without bound."""
    started: list[Running] = []
    ready, stop = threading.Event(), asyncio.Event()
    loop = uvloop.new_event_loop()  # as `lambent up` has it

    async def run() -> None:
        config = Config(ephemeral=True, sandbox="process", port=0, waiting_pool_size=0, log_level="error")
        async with running(config) as lambent:
            started.append(lambent)
            ready.set()
            await stop.wait()

    def serve() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    try:
        (lambent,) = started
        keys = Keys(lambent.access_key_id, lambent.secret_access_key)
        session = boto3.Session(*keys, region_name=lambent.region)
        iam, functions, logs = (
            session.client(name, endpoint_url=lambent.endpoint) for name in ("iam", "lambda", "logs")
        )
        before_mib = resident_mib()
        yield Fuzzed(lambent, urlsplit(lambent.endpoint).port or 0, keys, iam, functions, logs)
        assert functions.get_account_settings()["AccountUsage"]["FunctionCount"] >= 0
        assert resident_mib() - before_mib < GROWTH_MIB
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def furnish(fuzzed: Fuzzed) -> str:
    """Make what the requests name, as far as earlier ones have removed it; gives the UUID of an event source mapping."""
    iam, functions, logs = fuzzed.iam, fuzzed.functions, fuzzed.logs
    for call in (
        lambda: iam.create_role(RoleName="functions", AssumeRolePolicyDocument=TRUST),
        lambda: iam.update_assume_role_policy(RoleName="functions", PolicyDocument=TRUST),
        lambda: iam.put_role_policy(RoleName="functions", PolicyName="inline", PolicyDocument=ALLOW),
        lambda: iam.create_policy(PolicyName="p", PolicyDocument=ALLOW),
        lambda: functions.create_function(
            FunctionName="f",
            Role=iam.get_role(RoleName="functions")["Role"]["Arn"],
            Runtime="python3.11",
            Handler="app.handler",
            Code={"ZipFile": HELLO},
            Publish=True,
        ),
        lambda: functions.create_alias(FunctionName="f", Name="live", FunctionVersion=last_version(functions)),
        lambda: functions.add_permission(
            FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="*"
        ),
        lambda: functions.create_function_url_config(FunctionName="f", AuthType="NONE"),
        lambda: functions.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0),
        lambda: functions.publish_layer_version(LayerName="l", Content={"ZipFile": HELLO}),
        lambda: logs.create_log_group(logGroupName="g"),
        lambda: logs.create_log_stream(logGroupName="g", logStreamName="s"),
    ):
        try:
            call()
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    if mappings:
        return mappings[0]["UUID"]
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    return functions.create_event_source_mapping(FunctionName="f", EventSourceArn=queue)["UUID"]


def last_version(functions: Any) -> str:
    """The numbers go on when a function was deleted and made again."""
    return functions.list_versions_by_function(FunctionName="f")["Versions"][-1]["Version"]


@pytest.mark.parametrize(("binding", "operation"), OPERATIONS, ids=[f"{b.name}:{o.name}" for b, o in OPERATIONS])
def test_an_operation_answers_everything_as_aws_answers(binding: Any, operation: Any, fuzzed: Fuzzed) -> None:
    model = binding.model.operation(operation.name)
    mapping = furnish(fuzzed)
    spoils = some.one_of(some.none(), some.sampled_from(list(SPOILT)))

    @settings(
        max_examples=EXAMPLES,
        derandomize=LONG is None,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(members=mutated(model.input), spoil=spoils)
    def send(members: dict[str, Any], spoil: str | None) -> None:
        if members.get("UUID") == MAPPING:
            members["UUID"] = mapping
        draft = drafted(model, members)
        if spoil is not None:
            SPOILT[spoil](draft)
        request = as_bytes(draft, fuzzed.keys, f"127.0.0.1:{fuzzed.port}")
        leaves, bodiless = draft.framing in CUT, draft.method == "HEAD"
        answer = visited(fuzzed.port, request, leaves=leaves, bodiless=bodiless)
        if answer is None:
            assert leaves, request[:2000]
            return
        check(answer, bodiless=bodiless)
        if spoil is None:
            check_as_sdk(answer, binding.name, operation.name)

    send()
