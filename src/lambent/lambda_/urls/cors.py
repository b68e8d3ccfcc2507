"""Cross-origin resource sharing, as the layer before the function does it.

Where CORS is configured, an OPTIONS request is answered from the configuration and the function is not run: OPTIONS is
never among the methods that can be allowed. Every other
answer gets the configured headers beside those of the function, also where they are the same ones: AWS does not merge
them, and says so. The origin is named, not `*`, and only when it is one of those allowed, so answers vary by it.

Sources: Lambda developer guide, "Cross-origin resource sharing (CORS)" of function URLs, for what takes precedence; the
answers of AWS that users have captured, for which headers there are, in which order.
"""

from __future__ import annotations

from typing import Final

from lambent.lambda_.urls.config import Cors
from lambent.wire.headers import safe

Headers = list[tuple[str, str]]

ANYWHERE: Final = "*"
ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
VARY: Final = ("Vary", "Origin")


def preflight(cors: Cors, origin: str | None) -> Headers:
    """The headers of the answer to an OPTIONS request; no permission is in them for an origin that is not allowed."""
    if origin is None or not _allowed(cors, origin):
        return [VARY]
    headers = [(ALLOW_ORIGIN, safe(origin))]
    if cors.allow_headers:
        headers.append(("Access-Control-Allow-Headers", _joined(cors.allow_headers)))
    headers.append(VARY)
    if cors.allow_methods:
        headers.append(("Access-Control-Allow-Methods", _joined(cors.allow_methods)))
    if cors.max_age is not None:
        headers.append(("Access-Control-Max-Age", str(cors.max_age)))
    return headers + _credentials(cors)


def shared(cors: Cors | None, origin: str | None) -> Headers:
    """The headers that every other answer gets."""
    if cors is None:
        return []
    if origin is None or not _allowed(cors, origin):
        return [VARY]
    headers = [VARY, (ALLOW_ORIGIN, safe(origin))]
    if cors.expose_headers:
        headers.append(("Access-Control-Expose-Headers", _joined(cors.expose_headers)))
    return headers + _credentials(cors)


def _credentials(cors: Cors) -> Headers:
    return [("Access-Control-Allow-Credentials", "true")] if cors.allow_credentials else []


def _allowed(cors: Cors, origin: str) -> bool:
    allowed = cors.allow_origins or ()
    return ANYWHERE in allowed or origin.lower() in {one.lower() for one in allowed}


def _joined(names: list[str]) -> str:
    return safe(",".join(names)).encode().decode("latin-1")  # what is not ASCII leaves as UTF-8
