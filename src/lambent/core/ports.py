"""The seams at which one part of Lambent asks another for something, without knowing it.

A service never imports a service. What the Lambda data plane needs of IAM, STS and CloudWatch Logs, and what the gateway
needs of whoever keeps access keys, stands here as a protocol; `app.py` is the one place that knows both sides. What is on
the path of an invocation is synchronous and costs microseconds: an implementation that has to wait (a row to commit, a
flush) does so behind its own back, in its own lifetime block. What answers a request, or is asked only when a function is
deployed, may be waited for.

This file is not a place for behaviour: only for the nouns that cross a seam and the verbs by which they cross it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from lambent.core.kernel import Caller
from lambent.wire.messages import Request, Response

EVENT_OVERHEAD_BYTES: Final = 26  # what CloudWatch Logs counts for an event besides its message (PutLogEvents)


class LogEvent(NamedTuple):
    """One line of a log, as CloudWatch Logs keeps it."""

    timestamp_ms: int  # when it happened, Unix epoch
    message: str


class LogSink(Protocol):
    """Where one execution environment's output goes; its function has a share of a buffer, from which it is written soon.

    The group and the stream come into being with their first event. Nothing here waits or raises: a function must not fail
    because of its log.
    """

    def append(self, group: str, stream: str, timestamp_ms: int, messages: Sequence[str | bytes], /) -> None:
        """Accept events of one moment; past the bounds they are dropped, counted and reported.

        Those of a guest are bytes, as it wrote them.
        """
        ...

    def append_output(self, group: str, stream: str, timestamp_ms: int, lines: bytes, /) -> None:
        """Accept whole lines as a guest wrote them: events, each with its newline and none of them empty."""
        ...

    def full(self) -> bool:
        """Whether the function's share of the buffer is used up; then whoever can wait sends nothing until there is room."""
        ...

    def when_room(self, resume: Callable[[], None], /) -> None:
        """Call `resume` once, from the loop, when the share is no longer full."""
        ...

    def count_lost(self, events: int, size_bytes: int, /) -> None:
        """Count events that were dropped before they came here."""
        ...


class SessionCredentials(msgspec.Struct, frozen=True):
    """What AssumeRole hands out: keys that sign as `role_arn` until `expires_at`."""

    access_key_id: str  # ASIA...
    secret_access_key: str
    session_token: str
    expires_at: float  # Unix epoch seconds


class AssumableRole(msgspec.Struct, frozen=True):
    """What a session of a role takes over from the role."""

    arn: str
    account: str
    name: str
    role_id: str  # AROA...
    max_session_duration_s: int


class Roles(Protocol):
    """The roles of the account, as those see them who want to assume one."""

    def assumable_by(self, role_arn: str, service_principal: str) -> bool:
        """Whether the role exists and its trust policy lets `service_principal` ("lambda.amazonaws.com") assume it."""
        ...

    def assumable_by_caller(
        self, role_arn: str, caller: Caller, context: Mapping[str, tuple[str, ...]]
    ) -> AssumableRole | None:
        """Return the role if it exists and its trust policy lets `caller` assume it.

        `context` holds the condition keys that are known of the request, in lower case ("sts:externalid"), with their values.
        """
        ...

    def taggable_by_caller(self, role_arn: str, caller: Caller, context: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether the role exists and its trust policy lets `caller` give tags to its sessions."""
        ...

    def find(self, role_arn: str) -> AssumableRole | None:
        """Return the role, if there is one, without asking who may assume it."""
        ...


class RoleCredentials(Protocol):
    """Issues credentials of a role to those parts of Lambent that act as its trusted service."""

    def issue(self, role_arn: str, session_name: str, duration_s: int) -> SessionCredentials:
        """Make credentials of a role session; the trust policy was asked before (`Roles.assumable_by`).

        Raises LookupError when there is no such role.
        """
        ...


class CallRefused(Exception):
    """What another service answers instead of what it was asked for, with its own code and sentence."""

    def __init__(self, service: str, operation: str, code: str, message: str) -> None:
        super().__init__(f"{service}: {code}: {message}")
        self.service = service  # as AWS writes it: "EC2", "S3"
        self.operation = operation  # "DescribeSubnets"
        self.code = code
        self.message = message


class Networks(Protocol):
    """The networks that functions can be attached to."""

    def vpc_of(self, account: str, region: str, subnet_ids: Sequence[str], security_group_ids: Sequence[str], /) -> str:
        """The id of the VPC that the subnets are in. Raises CallRefused, where one of them does not exist."""
        ...


class EventSource(msgspec.Struct, frozen=True):
    """What a service tells of something of its own that functions are fed from: a queue, a stream, a cluster."""

    visibility_timeout_s: int | None = None  # of a queue


class EventSources(Protocol):
    """Whatever functions can be fed from, in whichever service."""

    def find(self, arn: str, /) -> EventSource | None:
        """Return the source that the ARN names, if there is one; the ARN is well-formed and of a kind that can be read."""
        ...


class ObjectTooLarge(Exception):
    """The object has more bytes than whoever reads it can use."""


class Objects(Protocol):
    """Objects in buckets, as those see them who are told where a package lies instead of being sent it."""

    async def read(self, bucket: str, key: str, version_id: str | None, /, *, max_bytes: int) -> bytes:
        """The content of the object, of its newest version unless one is named.

        Raises CallRefused with S3's own code and sentence, also for whatever keeps S3 from answering; ObjectTooLarge.
        """
        ...


class PackageSignature(msgspec.Struct, frozen=True):
    """What the signature on a package says, once it was found to fit the package."""

    profile_version_arn: str
    job_arn: str
    expires_at: float  # Unix epoch seconds
    trusted: bool  # whether it was made by who may sign as that version of that profile
    revoked: bool


class SignatureBroken(Exception):
    """A package has a signature, and it does not fit: the package was changed, or nobody can tell that it was not."""


class Signatures(Protocol):
    """Knows what the signatures of packages are worth."""

    async def of(self, package: Path, /) -> PackageSignature | None:
        """The signature on the zip in this file; None: it has none. Raises SignatureBroken."""
        ...


class Principal(msgspec.Struct, frozen=True):
    """Who an access key belongs to, and the secret with which it signs."""

    secret_access_key: str
    caller: Caller
    expires_at: float | None = None  # Unix epoch seconds; None: a long-term key

    def expired(self, now: float) -> bool:
        """Whether a request signed with this key at `now` (Unix epoch seconds) comes too late."""
        return self.expires_at is not None and now >= self.expires_at


class Credentials(Protocol):
    """Every access key that may sign a request."""

    def lookup(self, access_key_id: str, session_token: str | None) -> Principal | None:
        """Find the key, in memory; None when there is none or the token does not belong to it.

        An expired session is found: the caller compares `expires_at` and answers ExpiredToken, as AWS does.
        """
        ...


class Prove(Protocol):
    """Finds out who sent a request; the gateway's."""

    async def __call__(self, request: Request, service: str, region: str) -> Caller | None:
        """Who signed the request for that service and region; None: it is not signed, and that is not enough.

        A body in chunks is unframed in place. Raises SignatureRefused (wire), whose sentences the gateway tells, and
        AwsError for a page that may not sign in open mode.
        """
        ...


class Sender(msgspec.Struct, frozen=True):
    """Who a request says it is from whose body has not come: proven where its head alone can prove it."""

    caller: Caller
    payer: str  # out of whose budget its body is taken


class FindSender(Protocol):
    """Finds out from its head who sends a request; the gateway's."""

    def __call__(self, head: Request, service: str, region: str) -> Sender | None:
        """Who signs for that service and region; None: it is not signed, and that is not enough.

        Raises SignatureRefused (wire) and AwsError, as `Prove` does.
        """
        ...


class Site(Protocol):
    """Answers requests that are no calls of an AWS operation, but plain HTTP to a host or a path of its own."""

    host_mark: str  # in lower case; a request is the site's if its Host header holds this
    path_root: str  # or if its path begins with this
    body_max_bytes: int

    async def answer(self, request: Request, request_id: str, prove: Prove) -> Response:
        """Answer a request. Raises nothing but what `prove` raises."""
        ...

    def admit(self, head: Request, request_id: str, sender: FindSender) -> str | Response:
        """Who pays for the body of a request whose head has come, by name, or its refusal.

        Raises nothing but what `sender` raises.
        """
        ...

    def too_large(self, request_id: str) -> Response:
        """The answer to a request whose body is larger than `body_max_bytes`."""
        ...


class OwnPage(Protocol):
    """Answers what is asked for below one of Lambent's own paths, which no AWS operation has, by whoever asks."""

    async def __call__(self, request: Request, request_id: str, /) -> Response:
        """The answer to a request, which is not signed; raises nothing."""
        ...
