"""Which service and which operation a request means.

A signed request says its service in the credential scope, and that is believed: it is what the signature covers. An
unsigned one is recognised by `X-Amz-Target`, by its host (`lambda.eu-north-1.localhost`, `sts.amazonaws.com`), by
`Action=`, or by a path that only one bound service has. Signing names are not unique: Lambda's four families of APIs
all sign as `lambda` and differ in the date their paths begin with; so a name means a list of services, of which the
first that has such an operation is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from lambent.core.kernel import Service
from lambent.gateway.actions import action, target
from lambent.model.service import OperationModel
from lambent.wire.messages import Request
from lambent.wire.protocols import Protocol, protocol
from lambent.wire.routing import Router
from lambent.wire.sigv4_claim import Claim

BEHIND_A_BUCKET: Final = frozenset({"s3"})  # bucket.s3.eu-north-1.amazonaws.com
HOSTS: Final = ("localhost", "amazonaws.com", "localhost.localstack.cloud")


class Endpoint(msgspec.Struct, frozen=True):
    """A bound service with what it takes to speak with its callers."""

    service: Service[Any]
    protocol: Protocol
    router: Router

    @classmethod
    def of(cls, service: Service[Any]) -> Endpoint:
        return cls(service, protocol(service.model), Router(service.model))


class Located(msgspec.Struct, frozen=True, gc=False):
    """The operation a request means."""

    endpoint: Endpoint
    operation: OperationModel
    labels: Mapping[str, str]


class Directory:
    """The bound services by every name a request may know them by."""

    def __init__(self, services: Iterable[Service[Any]]) -> None:
        self.endpoints: Final = tuple(Endpoint.of(service) for service in services)
        self._by_name: Final = _by_name(self.endpoints)
        self._by_target: Final[Mapping[str, str]] = {
            endpoint.service.model.metadata.target_prefix: endpoint.service.model.signing_name
            for endpoint in self.endpoints
            if endpoint.service.model.metadata.target_prefix
        }

    def named(self, request: Request, claim: Claim | None) -> str | None:
        """The signing name of the service that is meant, bound or not; None when the request does not say."""
        if claim is not None:
            return claim.service
        prefix, _ = target(request)
        return self._by_target.get(prefix) or self._by_host(request) or self._by_operation(request)

    def located(self, name: str | None, request: Request) -> Located | None:
        """The operation of a bound service; None when no bound service of that name has it."""
        for endpoint in self._by_name.get(name, ()) if name is not None else ():
            found = _operation(endpoint, request)
            if found is not None:
                return found
        return None

    def binds(self, service_name: str, operation_name: str) -> bool:
        """Whether an operation, by the name that boto3 has for its service, is one of ours."""
        bound = (each.service for each in self.endpoints)
        return any(service.name == service_name and operation_name in service.operations for service in bound)

    def endpoint(self, name: str | None) -> Endpoint | None:
        """The first bound service of that name."""
        return next(iter(self._by_name.get(name, ())), None) if name is not None else None

    def _by_host(self, request: Request) -> str | None:
        host = request.headers.get("host", "").partition(":")[0].lower()
        for suffix in HOSTS:
            if host.endswith("." + suffix):
                labels = host[: -len(suffix) - 1].split(".")
                known = self._by_name.keys() | BEHIND_A_BUCKET
                return next((label for label in labels if label in known), labels[0])
        return None

    def _by_operation(self, request: Request) -> str | None:
        for endpoint in self.endpoints:
            if _operation(endpoint, request) is not None:
                return endpoint.service.model.signing_name
        return None


def _by_name(endpoints: Iterable[Endpoint]) -> Mapping[str, tuple[Endpoint, ...]]:
    found: dict[str, tuple[Endpoint, ...]] = {}
    for endpoint in endpoints:
        model = endpoint.service.model
        for name in {model.signing_name, model.metadata.endpoint_prefix}:
            found[name] = (*found.get(name, ()), endpoint)
    return found


def _operation(endpoint: Endpoint, request: Request) -> Located | None:
    """The operation of one service that the request means, in the way of the service's protocol."""
    model = endpoint.service.model
    labels: Mapping[str, str] = {}
    match model.metadata.protocol:
        case "json":
            prefix, name = target(request)
            if prefix != model.metadata.target_prefix:
                return None
        case "query" | "ec2":
            name = action(request)
        case _:
            name, labels = endpoint.router.find(request)
    if name is None or name not in model.traits.operations:
        return None
    return Located(endpoint, model.operation(name), labels)
