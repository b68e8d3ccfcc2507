"""Links from which packages are downloaded: Code.Location of a function, Content.Location of a layer version.

    http://HOST/_lambent/code/DIGEST.zip?X-Amz-Algorithm=...&X-Amz-Date=...&X-Amz-Expires=600&X-Amz-Signature=...

Whoever has the link may download, for ten minutes, without being known: as AWS's, it is a secret that ends soon. It has the
form of a presigned URL of S3, so that tools know which part of it not to print; the signature is ours, an HMAC over path
and query under a key of the data directory, so a link survives a restart, and who changes any of it has none.

What it defends against: downloading a package whose digest one knows or guesses, a link that is used too late, a guess of
the signature by timing. What is wrong with a link is told as S3 tells it.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from lambent.core.clock import Clock
from lambent.lambda_.code.store import CodeStore
from lambent.wire.messages import Request, Response
from lambent.wire.xml import escaped

FOLDER: Final = "code"  # of our own paths
ROOT: Final = f"/_lambent/{FOLDER}/"
LIFETIME_S: Final = 600  # API reference, FunctionCodeLocation; LayerVersionContentOutput says it
KEY_BYTES: Final = 32
TIMESTAMP: Final = "%Y%m%dT%H%M%SZ"
SIGNATURE: Final = "&X-Amz-Signature="
PATH: Final = re.compile(re.escape(ROOT) + r"([0-9a-f]{64})\.zip")


class Links:
    """Makes links, and answers those who follow them."""

    def __init__(self, code: CodeStore, key: bytes, clock: Clock) -> None:
        self._code: Final = code
        self._key: Final = key
        self._clock: Final = clock

    def to(self, digest: str, endpoint: str) -> str:
        """The link to a content of the code store, for who reaches us at `endpoint` (http://host:port)."""
        path = f"{ROOT}{digest}.zip"
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        query = (
            f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=lambent&X-Amz-Date={now:{TIMESTAMP}}"
            f"&X-Amz-Expires={LIFETIME_S}&X-Amz-SignedHeaders=host"
        )
        return f"{endpoint}{path}?{query}{SIGNATURE}{self._signature(path, query)}"

    async def answer(self, request: Request, request_id: str) -> Response:
        """Answer a request for a path below ROOT with the package, or with an error of S3's."""
        query, _, signature = request.query.partition(SIGNATURE)
        if not signature:
            return refusal(403, "AccessDenied", "Access Denied", request_id)
        expected = self._signature(request.path, query)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            sentence = "The request signature we calculated does not match the signature you provided."
            return refusal(403, "SignatureDoesNotMatch", sentence, request_id)
        if self._expired(query):
            return refusal(403, "AccessDenied", "Request has expired", request_id)
        if request.method not in ("GET", "HEAD"):
            sentence = "The specified method is not allowed against this resource."
            return refusal(405, "MethodNotAllowed", sentence, request_id)
        found = PATH.fullmatch(request.path)
        assert found is not None  # we have signed it
        try:
            file = self._code.open(found[1])
        except FileNotFoundError:
            return refusal(404, "NoSuchKey", "The specified key does not exist.", request_id)
        headers = [("Content-Type", "application/zip"), ("ETag", f'"{found[1]}"'), ("x-amz-request-id", request_id)]
        return Response(200, headers, b"", file)

    def _signature(self, path: str, query: str) -> str:
        return hmac.digest(self._key, f"{path}?{query}".encode(), "sha256").hex()

    def _expired(self, query: str) -> bool:
        """Whether a query that we have signed is too old."""
        values = dict(parse_qsl(query))
        made = datetime.strptime(values["X-Amz-Date"], TIMESTAMP).replace(tzinfo=UTC)
        return self._clock.now() >= made.timestamp() + int(values["X-Amz-Expires"])


def refusal(status: int, code: str, sentence: str, request_id: str) -> Response:
    """An error in the form of S3's."""
    error = f"<Code>{code}</Code><Message>{escaped(sentence)}</Message><RequestId>{request_id}</RequestId>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{error}</Error>'
    return Response(status, [("Content-Type", "application/xml"), ("x-amz-request-id", request_id)], body.encode())
