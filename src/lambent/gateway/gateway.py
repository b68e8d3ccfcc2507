"""From a request to its answer, on one page: identify, authenticate, authorise, parse, call, serialise.

`Gateway.handle` never raises and always answers, with `x-amzn-RequestId`; what went wrong is said in the form that
the caller's SDK reads. A bug of ours is told as AWS tells its own, without a trace of it, and is logged under the
request's id.

What is for a host or a path of a site (`core.ports.Site`) is its to answer, with nothing from here but who has signed it.

The order matters: until a caller is known, nothing is told that depends on more than the request itself, no service
model is read, and nothing of the request is remembered. The way of an Invoke through here costs less than 60 us
without the operation (benchmarks/). A request with a body that is not small comes here twice: `admit` decides about
its head before the body is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

import structlog

from lambent.core.budgets import Payer
from lambent.core.clock import Clock
from lambent.core.errors import AccessDeniedException, AwsError, InternalFailure, NotImplementedYet, ServiceException
from lambent.core.http import UNQUESTIONED_BYTES, Fault
from lambent.core.ids import Ids
from lambent.core.kernel import Caller, Context, Service
from lambent.core.pace import AT_ONCE
from lambent.core.ports import Credentials, OwnPage, Sender, Site
from lambent.core.slices import Slice
from lambent.gateway.authenticate import Authentication, Enforced, Open, signer, signing
from lambent.gateway.authorise import authorise
from lambent.gateway.cross_site import SANDBOXED, CrossSite
from lambent.gateway.dialects import REST_JSON, Cause, Dialect, Problem, dialect_of
from lambent.gateway.identify import Directory, Located
from lambent.gateway.limits import UNKNOWN_BODY_BYTES, BodyLimit, body_limit
from lambent.gateway.status import OWN_PATHS, own
from lambent.gateway.unbound import Catalogue
from lambent.wire.large_json import LARGE_BODY_BYTES
from lambent.wire.messages import Request, Response
from lambent.wire.sigv4 import SignatureMismatch
from lambent.wire.sigv4_claim import unproven
from lambent.wire.sigv4_refusals import SignatureRefused
from lambent.wire.sigv4_streaming import BadFraming

log: Final = structlog.get_logger()

Mode = Literal["enforced", "open"]
NO_HOST: Final = "\n"  # stands in no Host header
OWN_PAGE: Final = Payer("own pages", UNQUESTIONED_BYTES)
FAULTS: Final[Mapping[Fault, tuple[Cause, str]]] = {
    Fault.MALFORMED: (Problem.MALFORMED, "The request is not well-formed HTTP/1.1."),
    Fault.SLOW: (Problem.SLOW, "The request did not arrive in time."),
    Fault.HEAD_TOO_LARGE: (Problem.HEAD_TOO_LARGE, "The request line and the headers are too large."),
    Fault.BODY_TOO_LARGE: (Problem.BODY_TOO_LARGE, "The request body is too large."),
    Fault.BUSY: (Problem.BUSY, "Too many requests are being received at once. Please try again."),
}


class Gateway:
    """Every service behind one door."""

    def __init__(
        self,
        services: Mapping[str, Service[Any]],
        credentials: Credentials,
        *,
        auth: Mode,
        clock: Clock,
        ids: Ids,
        account: str,
        region: str,
        version: str,
        catalogue: Catalogue | None = None,
        site: Site | None = None,
        pages: Mapping[str, OwnPage] | None = None,
        cross_site: CrossSite | None = None,
        port: int | None = None,
    ) -> None:
        """`port` is the one that guests are told of; they come by another, inside their sandboxes."""
        self._directory: Final = Directory(services.values())
        self._authentication: Final[Authentication] = (
            Enforced(credentials, clock, account) if auth == "enforced" else Open(credentials, clock, account, region)
        )
        self._cross_site: Final = None if auth == "enforced" else cross_site or CrossSite(site=site)
        self._clock: Final = clock
        self._ids: Final = ids
        self._port: Final = port
        self._version: Final = version
        self._catalogue: Final = catalogue or Catalogue()
        self._site: Final = site
        self._site_mark: Final = NO_HOST if site is None else site.host_mark
        self._pages: Final = pages or {}

    async def handle(self, request: Request, guest: Caller | None = None, guest_slice: Slice | None = None) -> Response:
        """Answer one request; `guest` is the role session of the function in whose sandbox it was made."""
        authentication = self._authentication if guest is None else self._authentication.inside(guest)
        if self._site_mark in request.headers.get("host", "").lower():
            return await self._visited(request, authentication)
        if request.path.startswith(OWN_PATHS):
            return await self._own(request, authentication)
        request_id = self._ids.uuid()
        located: Located | None = None
        try:
            if self._cross_site is not None:
                self._cross_site.admit(request)
            claim = authentication.claim(request)
            identity = await authentication.identity(request, claim)
            name = self._directory.named(request, claim)
            located = self._directory.located(name, request)
            if located is None:
                return await self._missing(name, request, request_id)
            endpoint, operation = located.endpoint, located.operation
            service = endpoint.service
            authorise(identity.caller, authentication.account, service, operation.name)
            if len(request.body) > LARGE_BODY_BYTES and operation.input is not None and operation.input.payload is None:
                members = await asyncio.to_thread(endpoint.protocol.parse, operation, request, located.labels)
                request.body = b""  # tens of megabytes that nobody looks at again
            else:
                members = endpoint.protocol.parse(operation, request, located.labels)
            context: Context[Any] = Context(
                state=service.state,
                caller=identity.caller,
                region=identity.region,
                request_id=request_id,
                clock=self._clock,
                ids=self._ids,
                trace_id=request.headers.get("x-amzn-trace-id"),
                host=request.headers.get("host"),
                outer_port=None if guest is None else self._port,
                source_ip=request.peer or None,
                slice=guest_slice,
                at_once=AT_ONCE in request.headers,
            )
            output = await service.call(operation.name, members, context)
            return _traced(endpoint.protocol.serialize(operation, output, request_id), context.answer_trace_id)
        except AwsError as error:
            return self._error(error, located, request, request_id)
        except SignatureRefused as refused:
            return _refused(refused, request, request_id)
        except BadFraming as bad:
            return _dialect(request).refuse(Problem.BAD_FRAMING, str(bad), request_id)
        except Exception:
            log.exception("gateway.failed", request_id=request_id, operation=_operation_name(located))
            return self._error(_our_fault(located), located, request, request_id)

    def admit(self, head: Request, guest: Caller | None = None) -> Payer | Response:
        """Who pays for the body of a request whose head has arrived, or the request's refusal.

        Only for bodies that are not small. What can be known without the body is decided here: who calls, and whether
        they may call this operation at all.
        """
        authentication = self._authentication if guest is None else self._authentication.inside(guest)
        request_id = self._ids.uuid()
        located: Located | None = None
        try:
            if self._site is not None and self._is_visit(head):
                return self._visit_admitted(self._site, head, authentication, request_id)
            if self._cross_site is not None:
                self._cross_site.admit(head)
            if head.path.startswith(OWN_PATHS):
                return OWN_PAGE
            claim = authentication.claim(head)
            sender = authentication.sender(head, claim)
            located = self._directory.located(self._directory.named(head, claim), head)
            if located is None:  # it may be named in the body; else it is read to be refused
                return Payer(sender.payer, UNKNOWN_BODY_BYTES)
            service, operation = located.endpoint.service, located.operation
            authorise(sender.caller, authentication.account, service, operation.name)
            return Payer(sender.payer, body_limit(service.name, operation.name).received_bytes)
        except AwsError as error:
            return self._error(error, located, head, request_id)
        except SignatureRefused as refused:
            return _refused(refused, head, request_id)
        except Exception:
            log.exception("gateway.failed", request_id=request_id, operation=_operation_name(located))
            return self._error(_our_fault(located), located, head, request_id)

    def refuse(self, fault: Fault, head: Request | None) -> Response:
        """Answer a request that never arrived whole, as AWS does where AWS does."""
        request = head if head is not None else Request("GET", "/", "", {}, b"")
        cause, sentence = FAULTS[fault]
        if self._site is not None and self._is_visit(request):
            request_id = self._ids.uuid()
            if fault is Fault.BODY_TOO_LARGE:
                return self._site.too_large(request_id)
            return REST_JSON.refuse(cause, sentence, request_id)
        if fault is Fault.BODY_TOO_LARGE and head is not None:
            limit = self._limit(head)
            sentence = limit.sentence if limit is not None else sentence
        return _dialect(request).refuse(cause, sentence, self._ids.uuid())

    def _is_visit(self, request: Request) -> bool:
        """Whether the request is the site's, by its host or by its path."""
        if self._site is None:
            return False
        return self._site_mark in request.headers.get("host", "").lower() or request.path.startswith(
            self._site.path_root
        )

    async def _own(self, request: Request, authentication: Authentication) -> Response:
        if self._is_visit(request):
            response = await self._visited(request, authentication)
            if self._cross_site is not None:  # else the function's page would be one of this machine, which may call us
                response.headers.append(SANDBOXED)
            return response
        request_id = self._ids.uuid()
        try:
            if self._cross_site is not None:
                self._cross_site.admit(request)
        except AwsError as error:
            return self._error(error, None, request, request_id)
        return await own(request, self._pages, self._version, request_id)

    async def _visited(self, request: Request, authentication: Authentication) -> Response:
        """Let the site answer; what is wrong with a signature is told in the words of REST, whatever the body is."""
        assert self._site is not None
        request_id = self._ids.uuid()
        try:
            return await self._site.answer(request, request_id, partial(self._prove, authentication))
        except AwsError as error:
            return REST_JSON.error(error, request_id)
        except SignatureRefused as refused:
            return REST_JSON.refuse(refused.refusal, refused.sentence, request_id)
        except BadFraming as bad:
            return REST_JSON.refuse(Problem.BAD_FRAMING, str(bad), request_id)
        except Exception:
            log.exception("gateway.site_failed", request_id=request_id)
            return REST_JSON.error(ServiceException(), request_id)

    def _visit_admitted(
        self, site: Site, head: Request, authentication: Authentication, request_id: str
    ) -> Payer | Response:
        try:
            payer = site.admit(head, request_id, partial(self._sender, authentication))
        except AwsError as error:
            return REST_JSON.error(error, request_id)
        except SignatureRefused as refused:
            return REST_JSON.refuse(refused.refusal, refused.sentence, request_id)
        return payer if isinstance(payer, Response) else Payer(payer, site.body_max_bytes)

    async def _prove(
        self, authentication: Authentication, request: Request, service: str, region: str
    ) -> Caller | None:
        self._admit_signing(request)
        return await signer(authentication, request, service=service, region=region)

    def _sender(self, authentication: Authentication, head: Request, service: str, region: str) -> Sender | None:
        self._admit_signing(head)
        return signing(authentication, head, service=service, region=region)

    def _admit_signing(self, request: Request) -> None:
        """Keep strangers' pages from signing to the site where signatures prove nothing. Raises AwsError.

        A page that signs in headers has asked before (a preflight), and the site's own CORS rules have answered; a
        presigned URL is in nobody's way.
        """
        if self._cross_site is not None and (claim := unproven(request)) is not None:
            self._cross_site.admit_host(request)
            if claim.presigned:
                self._cross_site.admit_page(request)

    def _limit(self, head: Request) -> BodyLimit | None:
        located = self._directory.located(self._directory.named(head, unproven(head)), head)
        return body_limit(located.endpoint.service.name, located.operation.name) if located is not None else None

    async def _missing(self, name: str | None, request: Request, request_id: str) -> Response:
        """Tell a caller who is known what there is not: a service, an operation, or our implementation of it."""
        dialect = dialect_of(request, name)
        if name is None:
            sentence = "The request names no AWS service: it is not signed, and its host and path are not one's."
            return dialect.refuse(Problem.UNKNOWN_SERVICE, sentence, request_id)
        found = await self._catalogue.operation(name, request)
        if found is not None and not self._directory.binds(
            *found
        ):  # else its path is written in a way that is not AWS's
            error = NotImplementedYet(service=found[0], operation=found[1])
            return dialect.refuse(Problem.NOT_IMPLEMENTED, error.text, request_id)
        if self._directory.endpoint(name) is not None or await self._catalogue.services(name):
            sentence = f"The requested operation is not recognized by the service {name}."
            return dialect.refuse(Problem.UNKNOWN_OPERATION, sentence, request_id)
        return dialect.refuse(Problem.UNKNOWN_SERVICE, f"There is no AWS service that signs as '{name}'.", request_id)

    def _error(self, error: AwsError, located: Located | None, request: Request, request_id: str) -> Response:
        if located is None:
            return _dialect(request).error(error, request_id)
        endpoint = located.endpoint
        if isinstance(error, AccessDeniedException) and endpoint.service.model.metadata.protocol != "rest-json":
            return _dialect(request).refuse(Problem.DENIED, error.text, request_id)  # 400 in JSON, another code in XML
        return endpoint.protocol.serialize_error(endpoint.service.model, error, request_id)


def _traced(response: Response, trace_id: str | None) -> Response:
    if trace_id is not None:
        response.headers.append(("X-Amzn-Trace-Id", trace_id))
    return response


def _dialect(request: Request) -> Dialect:
    claim = unproven(request)
    return dialect_of(request, claim.service if claim is not None else None)


def _refused(refused: SignatureRefused, request: Request, request_id: str) -> Response:
    dialect = _dialect(request)
    sentence = refused.sentence
    if dialect.explains and isinstance(refused, SignatureMismatch):
        sentence = refused.explanation
    return dialect.refuse(refused.refusal, sentence, request_id)


def _our_fault(located: Located | None) -> AwsError:
    if located is not None and ServiceException.code in located.endpoint.service.model.errors:
        return ServiceException()
    return InternalFailure()


def _operation_name(located: Located | None) -> str | None:
    return f"{located.endpoint.service.name}:{located.operation.name}" if located is not None else None
