"""The invoke path, on one page: from a resolved function version to the outcome that its caller sees.

    check the event -> acquire an environment -> run the event through it -> release the environment

The gateway has authenticated and parsed before; `placement` starts an environment if none is idle; `environment` speaks
with the runtime. Nothing on this page waits for a disk. Limits: reference/lambda.md 2.1, 2.4.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec
import structlog

from lambent.core.clock import Clock
from lambent.core.ids import Ids
from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.environment.runtime_api import Invocation
from lambent.lambda_.errors import FunctionNotInvocable
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.invoke.errors import (
    ClientContextNotJson,
    ClientContextTooLarge,
    EventNotJson,
    EventTooLarge,
    FileSystemNotMounted,
    SandboxUnavailable,
    TenantIdMissing,
    TenantIdUnexpected,
)
from lambent.lambda_.invoke.placement import Placement
from lambent.sandbox.contract import SandboxError
from lambent.wire import malformed_json

log: Final = structlog.get_logger()

EVENT_MAX_BYTES: Final = 6_291_456
CLIENT_CONTEXT_MAX_BYTES: Final = 3583  # of its Base64 form
JSON: Final = msgspec.json.Decoder(msgspec.Raw)  # checks the syntax and builds nothing


class InvokePath:
    def __init__(self, placement: Placement, clock: Clock, ids: Ids) -> None:
        self._placement: Final = placement
        self._clock: Final = clock
        self._ids: Final = ids

    async def invoke(
        self,
        version: FunctionVersion,
        *,
        request_id: str,
        event: bytes,
        function_arn: str,
        client_context: str | None = None,
        trace_id: str | None = None,
        tenant_id: str | None = None,
        tail: bool = False,
    ) -> Outcome:
        """Run the function once and wait for it.

        Raises what `check` raises, ClientContextNotJson, ClientContextTooLarge,
        SandboxUnavailable, and the throttles of `Share`. A function that fails raises nothing: see `Outcome`.
        """
        self.check(version, event, tenant_id)
        context = None if client_context is None else decoded(client_context)
        try:
            placed = self._placement.take(version, tenant_id) or await self._placement.acquire(version, tenant_id)
        except SandboxError as error:
            log.exception("invoke.no_sandbox", function=version.key, request_id=request_id)
            raise SandboxUnavailable from error
        try:
            return await placed.environment.invoke(
                Invocation(
                    request_id=request_id,
                    payload=event or b"{}",
                    deadline_ms=int((self._clock.now() + version.timeout_s) * 1000),
                    function_arn=function_arn,
                    trace_id=trace_id or self.new_trace(),
                    client_context=context,
                    tenant_id=tenant_id,
                ),
                tail=tail,
            )
        except SandboxError as error:
            placed.dismissed = True
            log.exception("invoke.no_sandbox", function=version.key, request_id=request_id)
            raise SandboxUnavailable from error
        except BaseException:
            placed.dismissed = True  # nobody knows what its runtime is doing now
            raise
        finally:
            self._placement.release(placed)

    def check(self, version: FunctionVersion, event: bytes, tenant_id: str | None = None) -> None:
        """What DryRun checks too: the version can be invoked, for a tenant if it must be, and the event is one.

        Raises FunctionNotInvocable, TenantIdMissing, TenantIdUnexpected, EventTooLarge, EventNotJson.
        """
        if not version.invocable:
            raise FunctionNotInvocable(state=version.state)
        if (tenant_id is None) is not (version.tenant_isolation is None):
            raise TenantIdMissing if tenant_id is None else TenantIdUnexpected
        if version.file_systems:
            raise FileSystemNotMounted(arn=version.file_systems[0].arn)
        if len(event) > EVENT_MAX_BYTES:
            raise EventTooLarge(maximum=EVENT_MAX_BYTES)
        if event:
            try:
                JSON.decode(event)
                if not event.isascii():
                    event.decode()
            except RecursionError:
                raise EventNotJson(reason=malformed_json.nested_too_deeply(event)) from None
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise EventNotJson(reason=malformed_json.reason(event, str(error))) from None

    def new_trace(self) -> str:
        """A trace that starts here and is not sampled: X-Ray is not there yet."""
        digits = self._ids.hex(40)
        return f"Root=1-{int(self._clock.now()):08x}-{digits[:24]};Parent={digits[24:]};Sampled=0"


def decoded(client_context: str) -> str:
    """The client context as the runtime gets it: JSON on one line."""
    if len(client_context) > CLIENT_CONTEXT_MAX_BYTES:
        raise ClientContextTooLarge(maximum=CLIENT_CONTEXT_MAX_BYTES)
    try:
        text = base64.b64decode(client_context, validate=True)
        value = msgspec.json.decode(text)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise ClientContextNotJson from None
    if not isinstance(value, dict):
        raise ClientContextNotJson
    return msgspec.json.encode(value).decode()
