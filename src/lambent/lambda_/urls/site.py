"""Requests to function URLs, on one page: each is answered as AWS's layer before the function answers it.

    address -> URL -> preflight? -> who asks, and may they? -> event -> invoke -> response

A function that fails, or whose result is no response, is a 502 that says nothing of why: that is in its log. What an
invocation is refused for (throttled, too large) is told as Invoke tells it. Sources: reference/lambda.md 2.3; Lambda
developer guide, "Control access to Lambda function URLs".
"""

from __future__ import annotations

import re
from typing import Final

import structlog

from lambent.core.clock import Clock
from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.core.kernel import Caller
from lambent.core.ports import FindSender, Prove
from lambent.lambda_.environment.environment import Outcome
from lambent.lambda_.functions import Function
from lambent.lambda_.invoke.errors import EventTooLarge, SandboxUnavailable
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.limits import URL_BODY_MAX_BYTES
from lambent.lambda_.service import LAMBDA
from lambent.lambda_.store import Functions
from lambent.lambda_.urls.access import Permissions, admits
from lambent.lambda_.urls.addresses import HOST_MARK, PATH_ROOT, Address, Addresses, Target, address_of
from lambent.lambda_.urls.answer import NotAResponse, response_of
from lambent.lambda_.urls.config import InvokeMode
from lambent.lambda_.urls.cors import preflight, shared
from lambent.lambda_.urls.event import Visit, event_of
from lambent.wire.messages import Request, Response
from lambent.wire.protocols import protocol

log: Final = structlog.get_logger()

SIGNING_NAME: Final = "lambda"
ROOT: Final = re.compile(r"(?:^|;)Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|$)")
JSON: Final = ("Content-Type", "application/json")
TRACED: Final = re.compile(r"[A-Za-z0-9=;:_.-]{1,256}")
UNKNOWN: Final = b'{"Message":null}'  # recorded
FAILED: Final = b"Internal Server Error"  # recorded; its type as of every answer that names none


class UrlForbidden(AwsError, code="AccessDeniedException", status=403):
    """Recorded; for whoever is not let in, and not told whether it is for who they are or for what the policy says."""

    message = (
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
        "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
    )
    message_key = "Message"


class FunctionUrls:
    """All function URLs: a `core.ports.Site`."""

    def __init__(
        self, functions: Functions, invocations: InvokePath, clock: Clock, ids: Ids, permissions: Permissions = "both"
    ) -> None:
        self.host_mark: str = HOST_MARK
        self.path_root: str = PATH_ROOT
        self.body_max_bytes: int = URL_BODY_MAX_BYTES
        self._functions: Final = functions
        self._invocations: Final = invocations
        self._clock: Final = clock
        self._ids: Final = ids
        self._permissions: Final[Permissions] = permissions
        self._addresses: Final = Addresses()
        self._protocol: Final = protocol(LAMBDA.model)
        functions.follow(self._addresses.follow)

    async def answer(self, request: Request, request_id: str, prove: Prove) -> Response:
        """Answer a request whose host or path is a function URL's. Raises SignatureRefused."""
        address = address_of(request)
        target = self._addresses.target(address) if address is not None else None
        if address is None or target is None:
            return self._missing(address, request_id)
        cors, origin = target.config.cors, request.headers.get("origin")
        if cors is not None and request.method == "OPTIONS":
            return Response(200, [*told(request_id), *preflight(cors, origin)], b"")
        try:
            response = await self._invoked(request, request_id, prove, address, target)
        except AwsError as error:
            response = self._protocol.serialize_error(LAMBDA.model, error, request_id)
        response.headers += shared(cors, origin)
        return response

    def admit(self, head: Request, request_id: str, sender: FindSender) -> str | Response:
        """Who pays for the body: who has signed it, or the URL itself where it is for everybody. Raises SignatureRefused."""
        address = address_of(head)
        target = self._addresses.target(address) if address is not None else None
        if target is None:
            return self._missing(address, request_id)
        try:
            caller, payer = None, f"function URL {target.config.url_id}"
            if target.config.auth_type != "NONE":
                found = sender(head, SIGNING_NAME, target.arn.region)
                if found is None:
                    raise UrlForbidden
                caller, payer = found.caller, found.payer
            self._require(self._functions.get(target.arn), target, caller, head)
        except AwsError as error:
            response = self._protocol.serialize_error(LAMBDA.model, error, request_id)
            response.headers += shared(target.config.cors, head.headers.get("origin"))
            return response
        return payer

    def too_large(self, request_id: str) -> Response:
        """The answer to a request whose body is larger than may be."""
        return self._protocol.serialize_error(LAMBDA.model, EventTooLarge(maximum=URL_BODY_MAX_BYTES), request_id)

    def _missing(self, address: Address | None, request_id: str) -> Response:
        """The answer where there is no URL."""
        if address is None or not self._addresses.orphaned(address):
            return unknown(request_id)
        return self._protocol.serialize_error(LAMBDA.model, UrlForbidden(), request_id)

    async def _invoked(
        self, request: Request, request_id: str, prove: Prove, address: Address, target: Target
    ) -> Response:
        """Let the function answer. Raises UrlForbidden, SignatureRefused, and what an invocation is refused for."""
        function = self._functions.get(target.arn)
        caller = await self._admitted(request, prove, function, target)
        asked = traced(request.headers.get("x-amzn-trace-id", ""))
        trace = asked or self._invocations.new_trace()
        seen = asked or trace.partition(";")[0]
        event = event_of(request, self._visit(address, target, caller, request_id, seen))
        version = function.routed(target.alias, self._ids)
        try:
            outcome = await self._invocations.invoke(
                version,
                request_id=request_id,
                event=event,
                function_arn=version.invoked_arn(target.alias),
                trace_id=trace,
            )
            response = answered(outcome, target.config.invoke_mode)
        except (NotAResponse, SandboxUnavailable) as problem:
            log.info("url.no_response", function=version.key, request_id=request_id, reason=str(problem))
            response = Response(502, [JSON], FAILED)
        response.headers += [("x-amzn-RequestId", request_id), ("X-Amzn-Trace-Id", trace.lower())]
        return response

    async def _admitted(self, request: Request, prove: Prove, function: Function, target: Target) -> Caller | None:
        """Who asks, where it matters. Raises UrlForbidden, SignatureRefused."""
        if target.config.auth_type == "NONE":
            caller = None
        else:
            caller = await prove(request, SIGNING_NAME, target.arn.region)
            if caller is None:
                raise UrlForbidden
        self._require(function, target, caller, request)
        return caller

    def _require(self, function: Function, target: Target, caller: Caller | None, request: Request) -> None:
        """Raise UrlForbidden unless `caller` may call the URL."""
        if not admits(
            function,
            target,
            caller,
            source_ip=request.peer,
            now=self._clock.now(),
            permissions=self._permissions,
        ):
            raise UrlForbidden

    def _visit(self, address: Address, target: Target, caller: Caller | None, request_id: str, trace: str) -> Visit:
        return Visit(
            url_id=target.config.url_id,
            domain=address.domain or f"{target.config.url_id}{HOST_MARK}{target.arn.region}.localhost",
            path=address.path,
            port=address.port,
            caller=caller,
            request_id=request_id,
            trace=trace,
            now=self._clock.now(),
        )


def answered(outcome: Outcome, mode: InvokeMode) -> Response:
    """The response that an invocation has come to. Raises NotAResponse."""
    if outcome.function_error is not None:
        raise NotAResponse("the function failed")
    return response_of(outcome.payload, mode)


def told(request_id: str) -> list[tuple[str, str]]:
    """The headers of an answer without a function."""
    return [JSON, ("x-amzn-RequestId", request_id)]


def unknown(request_id: str) -> Response:
    """The answer where there never was a URL."""
    return Response(403, [*told(request_id), ("x-amzn-ErrorType", "AccessDeniedException")], UNKNOWN)


def traced(header: str) -> str | None:
    """The trace that a client wants to be part of; None when its header does not say, or not in a form to be passed on."""
    return header if TRACED.fullmatch(header) and ROOT.search(header) else None
