"""How a request that reached no operation is refused: each protocol has its own codes, statuses and form.

AWS answers a wrong signature with `InvalidSignatureException` in JSON and with `SignatureDoesNotMatch` in XML, with
400 where the protocol is JSON 1.x and with 403 elsewhere. Which of them a caller understands is told by the request
itself, so that no service model has to be read for a stranger. Errors of an operation take another way: through its
service's protocol.

Sources: reference/lambda.md 1.6; the "Common errors" pages of IAM, STS and DynamoDB; the S3 page "Error responses".
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from lambent.core.errors import AwsError
from lambent.wire.messages import Request, Response
from lambent.wire.sigv4_refusals import Refusal

REST_XML: Final = frozenset({"s3", "cloudfront", "route53"})


class Problem(enum.Enum):
    """What else than the signature keeps a request from its operation."""

    MALFORMED = "not HTTP as we read it"
    SLOW = "it did not arrive in time"
    HEAD_TOO_LARGE = "its head is too large"
    BODY_TOO_LARGE = "its body is too large"
    BUSY = "too much at once"
    BAD_FRAMING = "its aws-chunked body does not add up"
    UNKNOWN_SERVICE = "no service is named"
    UNKNOWN_OPERATION = "no operation is named"
    NOT_IMPLEMENTED = "an operation that Lambent does not have"
    DENIED = "an operation that the caller may not use"
    INTERNAL = "a bug of ours"


Cause = Refusal | Problem


class Answer(msgspec.Struct, frozen=True):
    """What is to be told."""

    code: str
    sentence: str
    status: int
    request_id: str


Form = Callable[[Answer], tuple[str, bytes]]  # its content type and its body


class Dialect(msgspec.Struct, frozen=True):
    """One family of services as its callers know it."""

    causes: Mapping[Cause, tuple[str, int]]  # code and status
    form: Form
    sentences: Mapping[str, str] = {}  # for what this family says in other words
    explains: bool = False  # whether a wrong signature is answered with what was to be signed

    def refuse(self, cause: Cause, sentence: str, request_id: str) -> Response:
        """The answer for a request that is refused because of `cause`."""
        code, status = self.causes[cause]
        return self.answer(code, self.sentences.get(sentence, sentence), status, request_id)

    def error(self, error: AwsError, request_id: str) -> Response:
        """The answer for an error that carries its own code and status."""
        return self.answer(error.code, error.text, error.status or 400, request_id)

    def answer(self, code: str, sentence: str, status: int, request_id: str) -> Response:
        """An error of any code."""
        content_type, body = self.form(Answer(code, sentence, status, request_id))
        headers = [("Content-Type", content_type), ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", code)]
        return Response(status, headers, body)


def _json(version: str) -> Form:
    def form(told: Answer) -> tuple[str, bytes]:
        return f"application/x-amz-json-{version}", msgspec.json.encode({"__type": told.code, "message": told.sentence})

    return form


def _rest_json(told: Answer) -> tuple[str, bytes]:
    return "application/json", msgspec.json.encode({"message": told.sentence})


def _query(told: Answer) -> tuple[str, bytes]:
    fault = "Sender" if told.status < 500 else "Receiver"
    return _xml(
        f"<ErrorResponse><Error><Type>{fault}</Type><Code>{told.code}</Code><Message>{_text(told.sentence)}</Message></Error>"
        f"<RequestId>{told.request_id}</RequestId></ErrorResponse>"
    )


def _ec2(told: Answer) -> tuple[str, bytes]:
    return _xml(
        f"<Response><Errors><Error><Code>{told.code}</Code><Message>{_text(told.sentence)}</Message></Error></Errors>"
        f"<RequestID>{told.request_id}</RequestID></Response>"
    )


def _s3(told: Answer) -> tuple[str, bytes]:
    return _xml(
        f"<Error><Code>{told.code}</Code><Message>{_text(told.sentence)}</Message><RequestId>{told.request_id}</RequestId></Error>"
    )


def _cbor(told: Answer) -> tuple[str, bytes]:
    pairs = b"".join(_cbor_text(text) for text in ("__type", told.code, "message", told.sentence))
    return "application/cbor", b"\xa2" + pairs  # a map of two


def _cbor_text(text: str) -> bytes:
    octets = text.encode()
    return b"\x7a" + len(octets).to_bytes(4, "big") + octets


def _xml(body: str) -> tuple[str, bytes]:
    return "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()


def _text(sentence: str) -> str:
    """Text for XML 1.0, which has no form for most control characters, nor for U+FFFE and U+FFFF."""
    shown = "".join([c if " " <= c < "\ufffe" or c > "\uffff" or c in "\t\n\r" else "\ufffd" for c in sentence])
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# code by cause, in JSON's spelling and in XML's; the status is 400 in JSON 1.x where it is 403 elsewhere
CODES: Final[Mapping[Cause, tuple[str, str, int]]] = {
    Refusal.MISSING: ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403),
    Refusal.INCOMPLETE: ("IncompleteSignatureException", "IncompleteSignature", 400),
    Refusal.INVALID: ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    Refusal.SKEWED: ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    Refusal.EXPIRED_URL: ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    Refusal.PAYLOAD: ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    Refusal.UNKNOWN_KEY: ("UnrecognizedClientException", "InvalidClientTokenId", 403),
    Refusal.SESSION_ENDED: ("ExpiredTokenException", "ExpiredToken", 403),
    Refusal.UNSUPPORTED: ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
    Problem.MALFORMED: ("SerializationException", "MalformedInput", 400),
    Problem.SLOW: ("RequestTimeoutException", "RequestTimeout", 408),
    Problem.HEAD_TOO_LARGE: ("RequestHeaderSectionTooLargeException", "RequestHeaderSectionTooLarge", 431),
    Problem.BODY_TOO_LARGE: ("RequestEntityTooLargeException", "RequestEntityTooLarge", 413),
    Problem.BUSY: ("ServiceUnavailableException", "ServiceUnavailable", 503),
    Problem.BAD_FRAMING: ("SerializationException", "MalformedInput", 400),
    Problem.UNKNOWN_SERVICE: ("UnknownOperationException", "InvalidAction", 404),
    Problem.UNKNOWN_OPERATION: ("UnknownOperationException", "InvalidAction", 404),
    Problem.NOT_IMPLEMENTED: ("NotImplemented", "NotImplemented", 501),
    Problem.DENIED: ("AccessDeniedException", "AccessDenied", 403),
    Problem.INTERNAL: ("InternalFailure", "InternalFailure", 500),
}
# S3 has words of its own
S3_CODES: Final[Mapping[Cause, tuple[str, int]]] = {
    Refusal.MISSING: ("AccessDenied", 403),
    Refusal.INCOMPLETE: ("AuthorizationHeaderMalformed", 400),
    Refusal.SKEWED: ("RequestTimeTooSkewed", 403),
    Refusal.EXPIRED_URL: ("AccessDenied", 403),
    Refusal.PAYLOAD: ("XAmzContentSHA256Mismatch", 400),
    Refusal.UNKNOWN_KEY: ("InvalidAccessKeyId", 403),
    Refusal.SESSION_ENDED: ("ExpiredToken", 400),
    Problem.BODY_TOO_LARGE: ("EntityTooLarge", 400),
    Problem.BAD_FRAMING: ("IncompleteBody", 400),
}
_IN_JSON: Final = {cause: (json, 400 if status in {403, 404} else status) for cause, (json, _, status) in CODES.items()}
_IN_REST: Final = {
    cause: (json, 403 if isinstance(cause, Refusal) else status) for cause, (json, _, status) in CODES.items()
}
_IN_XML: Final = {cause: (xml, 400 if status == 404 else status) for cause, (_, xml, status) in CODES.items()}

MISSING: Final = "Missing Authentication Token"
UNKNOWN_KEY: Final = "The security token included in the request is invalid."
SESSION_ENDED: Final = "The security token included in the request is expired"
_IN_OTHER_WORDS: Final = {MISSING: "Request is missing Authentication Token"}
_IN_S3_WORDS: Final = {
    MISSING: "Access Denied",
    UNKNOWN_KEY: "The AWS Access Key Id you provided does not exist in our records.",
    SESSION_ENDED: "The provided token has expired.",
}

JSON_1_0: Final = Dialect(_IN_JSON, _json("1.0"), _IN_OTHER_WORDS)
JSON_1_1: Final = Dialect(_IN_JSON, _json("1.1"), _IN_OTHER_WORDS)
REST_JSON: Final = Dialect(_IN_REST, _rest_json, explains=True)
QUERY: Final = Dialect(_IN_XML, _query, _IN_OTHER_WORDS)
EC2: Final = Dialect(_IN_XML, _ec2, _IN_OTHER_WORDS)
S3: Final = Dialect({**_IN_XML, **S3_CODES}, _s3, _IN_S3_WORDS)
CBOR: Final = Dialect(_IN_JSON, _cbor, _IN_OTHER_WORDS)


def dialect_of(request: Request, signing_name: str | None) -> Dialect:
    """The dialect in which the sender of `request` expects an error; `signing_name` if it is known."""
    headers = request.headers
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return CBOR
    content_type = headers.get("content-type", "")
    if "x-amz-target" in headers or content_type.startswith("application/x-amz-json"):
        return JSON_1_0 if content_type.startswith("application/x-amz-json-1.0") else JSON_1_1
    if signing_name in REST_XML:
        return S3 if signing_name == "s3" else QUERY
    if content_type.startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return EC2 if signing_name == "ec2" else QUERY
    return REST_JSON
