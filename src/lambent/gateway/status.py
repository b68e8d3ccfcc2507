"""What the gateway says of itself, to anyone: that it is there. Everything else needs a signature."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.wire.messages import Request, Response

OWN_PATHS: Final = "/_lambent"  # no AWS path begins so: S3 has no underscore in a bucket's name
HEALTH: Final = "/_lambent/health"


def own(request: Request, version: str, request_id: str) -> Response:
    """Answer a request for one of our own paths."""
    if request.path == HEALTH and request.method in {"GET", "HEAD"}:
        return _json(200, request_id, {"status": "ready", "version": version})
    return _json(
        404,
        request_id,
        {"message": f"Lambent has nothing at {request.path[:200]}; {HEALTH} tells whether it is ready."},
    )


def _json(status: int, request_id: str, content: dict[str, str]) -> Response:
    headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id)]
    return Response(status, headers, msgspec.json.encode(content))
