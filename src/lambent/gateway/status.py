"""Lambent's own paths: what the gateway says of itself, to anyone, and pages that others have there.

Nobody signs for these. A page that is not for everyone looks itself whom it answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lambent.core.ports import OwnPage
from lambent.wire.messages import Request, Response

OWN_PATHS: Final = "/_lambent"  # no AWS path begins so: S3 has no underscore in a bucket's name
HEALTH: Final = "/_lambent/health"


async def own(request: Request, pages: Mapping[str, OwnPage], version: str, request_id: str) -> Response:
    """Answer a request for one of our own paths; `pages` has those of others, by the folder that is theirs."""
    if request.path == HEALTH and request.method in {"GET", "HEAD"}:
        return _json(200, request_id, {"status": "ready", "version": version})
    folder = request.path.removeprefix(OWN_PATHS + "/").partition("/")[0]
    if folder in pages:
        return await pages[folder](request, request_id)
    return _json(
        404,
        request_id,
        {"message": f"Lambent has nothing at {request.path[:200]}; {HEALTH} tells whether it is ready."},
    )


def _json(status: int, request_id: str, content: dict[str, str]) -> Response:
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
    return Response(status, headers, msgspec.json.encode(content))
