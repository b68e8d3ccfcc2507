"""Which function URL a request is for: by its host, or by its path.

    http://<url id>.lambda-url.<region>.localhost:4566/some/path     as AWS has it (there under `.on.aws`)
    http://127.0.0.1:4566/_lambent/url/<url id>/some/path            for clients that cannot resolve such a name

Only the first three labels of the host count, so that whoever runs Lambent under a name of their own, or calls it by AWS's,
is understood. The index from ids to functions follows the functions; a look-up waits for nothing.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

import msgspec

from lambent.lambda_.aliases import Alias
from lambent.lambda_.functions import Function
from lambent.lambda_.names import LATEST, FunctionArn
from lambent.lambda_.urls.config import FunctionUrlConfig
from lambent.wire.messages import Request

HOST_MARK: Final = ".lambda-url."
PATH_ROOT: Final = "/_lambent/url/"
HOST: Final = re.compile(r"([a-z0-9]{32})\.lambda-url\.([a-z0-9-]{1,32})\.[a-z0-9.-]{1,180}(?::([0-9]{1,5}))?")
ANY_PORT: Final = re.compile(r".*:([0-9]{1,5})")
HTTP_PORT: Final = "80"
ORPHANS_MAX: Final = 1000  # URLs whose alias is gone that are remembered, the latest; 100 bytes each


class Address(msgspec.Struct, frozen=True):
    """What a request says about the URL it is for."""

    url_id: str
    region: str | None  # None: the path does not say
    domain: str | None  # the host, without its port, in lower case; None: it is not the URL's
    path: str  # below the URL, percent-encoded
    port: str  # that the client came to


class Target(msgspec.Struct, frozen=True):
    """What a URL leads to."""

    arn: FunctionArn  # unqualified
    alias: str | None  # None: the function itself
    config: FunctionUrlConfig

    @property
    def qualifier(self) -> str:
        """Under which its parts stand."""
        return self.alias or LATEST


def address_of(request: Request) -> Address | None:
    """The address of a request that came because of its host or its path; None when neither has the form of one."""
    host = request.headers.get("host", "").lower()
    if HOST_MARK in host:
        found = HOST.fullmatch(host)
        if found is None:
            return None
        return Address(found[1], found[2], host.partition(":")[0], request.path, found[3] or HTTP_PORT)
    url_id, slash, rest = request.path.removeprefix(PATH_ROOT).partition("/")
    port = ANY_PORT.fullmatch(host)
    return Address(url_id, None, None, slash + rest or "/", port[1] if port else HTTP_PORT)


class Addresses:
    """Every function URL there is, by its id, and those whose alias was deleted since the start.

    To these AWS answers as to a URL that nobody may call, since its address outlives the alias (recorded); to one that was
    deleted itself, as to one that never was.
    """

    def __init__(self) -> None:
        self._targets: Final[dict[str, Target]] = {}
        self._orphans: Final[deque[tuple[str, str]]] = deque(maxlen=ORPHANS_MAX)  # id and region

    def follow(self, before: Function | None, after: Function | None) -> None:
        """Take over a change of a function: a watcher of `store.Functions`."""
        old, new = _targets(before), _targets(after)
        if old or new:
            for url_id in old.keys() - new.keys():
                target = self._targets.pop(url_id)
                if after is not None and target.alias is not None and after.part(Alias, target.alias) is None:
                    self._orphans.append((url_id, target.arn.region))
            self._targets.update(new)

    def target(self, address: Address) -> Target | None:
        """What the URL leads to; None when there is none of that id in that region."""
        target = self._targets.get(address.url_id)
        if target is not None and address.region in (None, target.arn.region):
            return target
        return None

    def orphaned(self, address: Address) -> bool:
        """Whether the URL of that id in that region has lost its alias."""
        return any(url_id == address.url_id and address.region in (None, region) for url_id, region in self._orphans)


def _targets(function: Function | None) -> dict[str, Target]:
    if function is None:
        return {}
    return {
        config.url_id: Target(function.arn, None if qualifier == LATEST else qualifier, config)
        for qualifier, config in function.parts(FunctionUrlConfig).items()
    }
