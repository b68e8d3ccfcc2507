"""Requests that a web page makes behind its reader's back, kept out of `--auth open`.

A browser sends requests to 127.0.0.1 for any page. A signature would stop them; open mode has none, so it looks at what
only the browser writes and no page can change:

    Host            must be an address, or a name that no stranger's DNS answers for: else a page can have its own name
                    resolve to this machine and read what it likes (DNS rebinding).
    Origin, Referer must name a page of this machine or a configured one: else any page can have us do things
                    (cross-site request forgery). Referer stands in where a browser leaves Origin out.
    Sec-Fetch-Site  must not say that a page asks which is not named: images, forms, links with both headers suppressed.

Programs send none of the last three. What a site serves (a function's page) is a stranger's as well: it may not call the
API from the site's hosts, nor from its path, to which `SANDBOXED` gives an origin of its own. Enforced mode, where
signatures prove who calls, takes any Host and any Origin.

Sources: Fetch standard (`Origin`, forbidden request headers), Fetch Metadata Request Headers (W3C), URL standard (hosts
that end in a number are addresses), RFC 6761 (`localhost`), ICANN's reservation of `.internal` (2024).
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from lambent.core.errors import AwsError
from lambent.core.ports import Site
from lambent.wire.messages import Request

USUAL_HOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?")
AUTHORITY: Final = re.compile(r"(?:\[([0-9a-z:.%_-]{2,64})\]|([a-z0-9._-]{1,254}))(?::[0-9]{0,5})?")
ORIGIN: Final = re.compile(r"(https?)://([^/?#\s]{1,300})")
NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")

# Domains in which no stranger decides what a name resolves to, so that none can point one at this machine. This machine
# decides below .localhost, a private network below .internal, LocalStack and AWS below theirs.
SUFFIXES: Final = (
    ".localhost",
    ".internal",
    ".localhost.localstack.cloud",
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.aws",
    ".on.aws",
)
LOCALSTACK: Final = "localhost.localstack.cloud"
NO_PAGE: Final = frozenset({"none", "same-origin"})  # Sec-Fetch-Site: the reader typed it, or no other page asks
BROWSER: Final = "Mozilla/"  # every browser's User-Agent begins so

SANDBOXED: Final = (
    "Content-Security-Policy",
    "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
)


class ForeignHost(AwsError, code="AccessDeniedException", status=403):
    """The request names a host under which a stranger's page could have come here."""

    message = (
        "Lambent runs with --auth open and does not answer to the host '{host}', which may be a web page's. "
        "To allow it, name it in --allowed-hosts (LAMBENT_ALLOWED_HOSTS)."
    )


class ForeignOrigin(AwsError, code="AccessDeniedException", status=403):
    """A web page asks that is neither this machine's nor configured."""

    message = (
        "Lambent runs with --auth open and does not answer to web pages of '{origin}'. "
        "To allow them, name their origin in --allowed-origins (LAMBENT_ALLOWED_ORIGINS)."
    )


class CrossSite:
    """Says which requests an open Lambent takes: those of programs, and those of pages of this machine."""

    __slots__ = ("_hosts", "_origins", "_site", "_suffixes")

    def __init__(self, allowed_origins: str = "", allowed_hosts: str = "", site: Site | None = None) -> None:
        """`allowed_origins` and `allowed_hosts` are the settings, lists by commas; `site` serves strangers' pages."""
        hosts = listed(allowed_hosts)
        self._origins: Final = frozenset(listed(allowed_origins))
        self._hosts: Final = frozenset((LOCALSTACK, *(host for host in hosts if not host.startswith("*"))))
        self._site: Final = site
        self._suffixes: Final = SUFFIXES + tuple(host[1:] for host in hosts if host.startswith("*"))

    def admit(self, request: Request) -> None:
        """Raise ForeignHost or ForeignOrigin for a request that may be a stranger's page's."""
        self.admit_host(request)
        self.admit_page(request)

    def admit_host(self, request: Request) -> None:
        """Raise ForeignHost for a name that a stranger may have resolve to this machine.

        Browsers always name a host; a program of HTTP/1.0 need not.
        """
        host = request.headers.get("host")
        if host and not USUAL_HOST.fullmatch(host) and not self._is_own(host):
            raise ForeignHost(host=host[:200])

    def admit_page(self, request: Request) -> None:
        """Raise ForeignOrigin for a page that is neither of this machine nor configured."""
        headers = request.headers
        page = headers.get("origin")
        if page is None:
            page = headers.get("referer")
        if page is not None:
            if not self._may_call(page):
                raise ForeignOrigin(origin=page[:200])
            return
        site = headers.get("sec-fetch-site")
        if site is not None:
            if site not in NO_PAGE:
                raise ForeignOrigin(origin=f"unknown ({site[:50]})")
        elif "Action=" in request.query and headers.get("user-agent", "").startswith(BROWSER):
            # Browsers send Sec-Fetch-Site to loopback addresses only, and an image has neither Origin nor Referer if
            # its page likes; of what an image can ask for, only an action of a query protocol changes anything.
            raise ForeignOrigin(origin="unknown")

    def _is_own(self, host: str) -> bool:
        name = name_of(host)
        return name is not None and (
            "." not in name or name in self._hosts or name.endswith(self._suffixes) or _address(name) is not None
        )

    def _may_call(self, page: str) -> bool:
        """Whether the page of this Origin or Referer may call the API."""
        page = page.lower()
        found = ORIGIN.match(page)
        if found is None:  # `null`, a list, an extension's
            return False
        if found[0] in self._origins:
            return True
        name, path = name_of(found[2]), page[found.end() :]
        if name is None or path[:1] not in ("", "/"):
            return False
        if self._site is not None and (self._site.host_mark in name or path.startswith(self._site.path_root)):
            return False
        if name == "localhost" or name.endswith(".localhost"):
            return True
        address = _address(name)
        return address is not None and address.is_loopback


def listed(setting: str) -> tuple[str, ...]:
    """The entries of a setting that is a list by commas, in lower case."""
    return tuple(entry for part in setting.lower().split(",") if (entry := part.strip().rstrip("/")))


def name_of(authority: str) -> str | None:
    """The host of `host:port`, in lower case, without the root's dot; None: it has not the form of one.

    An IPv6 address keeps its brackets, by which it is told from names.
    """
    found = AUTHORITY.fullmatch(authority.lower())
    if found is None:
        return None
    return f"[{found[1]}]" if found[1] is not None else found[2].removesuffix(".")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is, in any of the forms that a browser takes for one and resolves no name for."""
    try:
        if name.startswith("["):
            address = IPv6Address(name[1:-1])
            return address.ipv4_mapped or address
        return IPv4Address(socket.inet_aton(name)) if NUMERIC.fullmatch(name) else None
    except (ValueError, OSError):
        return None
