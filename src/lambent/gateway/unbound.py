"""The services that AWS has and Lambent does not: named, so that the answer to a call can say what is missing.

botocore's data folder holds a model of every AWS service. The start of each file says under which name its requests
are signed; these starts are read once, when the first request for a service that is not bound comes. Which operation
a request names takes a whole file: its outline (names, methods, paths) is decoded, everything else in it is skipped,
and only few outlines are kept, so that a caller who cycles through all services costs time but no memory. All reading
is done off the event loop, one file at a time, and only for callers who are authenticated.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from lambent.gateway.actions import action, target, version
from lambent.model.files import SERVICE_FILE, ModelNotFound, data_folder, newest_version, read, service_names
from lambent.model.traits import HttpTrait, Metadata
from lambent.wire.messages import Request

OUTLINES: Final = 8  # services whose operations are kept
# Of S3's operations on one path, which differ in parameters not read here, the plain one; else the shortest name.
PLAIN: Final = frozenset({"GetObject", "PutObject"})
HEAD_BYTES: Final = 16 * 1024  # of a model, inflated; its metadata ends within the first 1.4 KB of all 439


class OutlinedOperation(msgspec.Struct, frozen=True):
    """What it takes to recognise an operation."""

    http: HttpTrait = msgspec.field(default_factory=HttpTrait)


class Outline(msgspec.Struct, frozen=True):
    """A service without its shapes."""

    metadata: Metadata
    operations: dict[str, OutlinedOperation]


class _Start(msgspec.Struct, frozen=True):
    metadata: Metadata


class Catalogue:
    """Every service of AWS by the name its requests are signed with."""

    def __init__(self, folder: Path | None = None, outlines: int = OUTLINES) -> None:
        self._folder: Final = folder
        self._limit: Final = outlines
        self._kept: Final[OrderedDict[str, Outline]] = OrderedDict()
        self._services: Mapping[str, tuple[str, ...]] | None = None
        self._reading: Final = asyncio.Lock()

    async def services(self, signing_name: str) -> tuple[str, ...]:
        """The services, as boto3 calls them, whose requests are signed as `signing_name` or whose host starts so."""
        async with self._reading:
            if self._services is None:
                self._services = await asyncio.to_thread(_by_signing_name, self._folder or data_folder())
        return self._services.get(signing_name, ())

    async def operation(self, signing_name: str, request: Request) -> tuple[str, str] | None:
        """The service and the operation that `request` means; None when no service of that name has it."""
        for service in await self.services(signing_name):
            name = recognised(await self._outline(service), request)
            if name is not None:
                return service, name
        return None

    async def _outline(self, service: str) -> Outline:
        async with self._reading:
            outline = self._kept.get(service)
            if outline is None:
                outline = await asyncio.to_thread(_read_outline, self._folder or data_folder(), service)
                self._kept[service] = outline
                if len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(service)
        return outline


def recognised(outline: Outline, request: Request) -> str | None:
    """The operation of the service that `request` names, in whichever protocol it speaks; None when there is none."""
    prefix, name = target(request)
    if name is not None:
        return name if prefix == outline.metadata.target_prefix and name in outline.operations else None
    name = action(request)
    if name is not None and _speaks_query(outline.metadata):
        right = version(request) in {
            None,
            outline.metadata.api_version,
        }  # RDS and SES tell their generations apart by it
        return name if right and name in outline.operations else None
    _, called, name = request.path.rpartition("/operation/")
    if called and request.headers.get("smithy-protocol"):
        return name if name in outline.operations else None
    if not _has_paths(outline.metadata):  # it is named in a header or in the form, or not at all
        return None
    matches = [
        (specificity, name in PLAIN, -len(name), name)
        for name, operation in outline.operations.items()
        if (specificity := _match(operation.http, request)) is not None
    ]
    return max(matches)[-1] if matches else None


def _speaks_query(metadata: Metadata) -> bool:
    return not {"query", "ec2"}.isdisjoint((metadata.protocol, *metadata.protocols))


def _has_paths(metadata: Metadata) -> bool:
    return not {"rest-json", "rest-xml"}.isdisjoint((metadata.protocol, *metadata.protocols))


def _match(http: HttpTrait, request: Request) -> int | None:
    """How many fixed parts of the operation's path and query the request has; None when it is not this operation."""
    if http.method != request.method:
        return None
    path, _, query = http.request_uri.partition("?")
    fixed = [pair for pair in query.split("&") if pair]
    given = {pair.removesuffix("=") for pair in request.query.split("&")}
    if not all(pair.removesuffix("=") in given for pair in fixed):
        return None
    wanted, seen = path.strip("/").split("/"), request.path.strip("/").split("/")
    literals = len(fixed)
    for position, part in enumerate(wanted):
        if part.startswith("{") and part.endswith("+}"):
            return literals if len(seen) >= len(wanted) else None
        if position >= len(seen):
            return None
        if "{" in part:
            if not seen[position]:
                return None
        elif part == seen[position]:
            literals += 1
        else:
            return None
    return literals if len(seen) == len(wanted) else None


def _by_signing_name(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Which services answer to which name, from the start of each model."""
    found: dict[str, list[str]] = {}
    for service, metadata in _starts(folder):
        for name in {metadata.signing_name or metadata.endpoint_prefix, metadata.endpoint_prefix, service}:
            found.setdefault(name, []).append(service)
    return {name: tuple(sorted(services, key=lambda s: (s != name, s))) for name, services in found.items()}


def _starts(folder: Path) -> Iterator[tuple[str, Metadata]]:
    for service in service_names(folder):
        try:
            version = newest_version(folder, service)
        except ModelNotFound:  # a folder without a model, such as botocore's list of endpoints
            continue
        text = _start(version)
        begin, end = text.find(b'"metadata"'), text.find(b'"operations"')
        if 0 <= begin < end:
            yield (
                service,
                msgspec.json.decode(b"{" + text[begin:end].rstrip().rstrip(b",") + b"}", type=_Start).metadata,
            )


def _start(version: Path) -> bytes:
    plain = version / SERVICE_FILE
    if plain.is_file():
        with plain.open("rb") as file:
            return file.read(HEAD_BYTES)
    with (version / f"{SERVICE_FILE}.gz").open("rb") as file:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(file.read(HEAD_BYTES), HEAD_BYTES)


def _read_outline(folder: Path, service: str) -> Outline:
    content = read(newest_version(folder, service), SERVICE_FILE)
    assert content is not None
    return msgspec.json.decode(content, type=Outline)
