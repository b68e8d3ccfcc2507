"""What may happen to a request before it is signed: another method, path, query, type, body, header or framing."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any, Final

from tests.gateway.malformed.drafts import Draft


def _set(**changes: Any) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        for name, value in changes.items():
            setattr(draft, name, value)

    return spoil


def _header(name: str, value: str) -> Callable[[Draft], None]:
    return lambda draft: draft.headers.__setitem__(name, value)


def _body(change: Callable[[bytes], bytes]) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        draft.body = change(draft.body)

    return spoil


def _path(change: Callable[[str], str]) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        draft.path = change(draft.path)

    return spoil


def _query(more: str) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        draft.query = f"{draft.query}&{more}" if draft.query else more

    return spoil


def _aws_chunked(framed: bytes, payload: str) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        draft.headers |= {
            "content-encoding": "aws-chunked",
            "x-amz-content-sha256": payload,
            "x-amz-decoded-content-length": str(len(draft.body)),
        }
        draft.body = framed.replace(b"BODY", draft.body)

    return spoil


SPOILT: Final[dict[str, Callable[[Draft], None]]] = {
    **{
        f"method {method}": _set(method=method)
        for method in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "M-SEARCH")
    },
    **{
        f"content type {kind}": _header("content-type", kind)
        for kind in (
            "",
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "application/x-amz-json-1.0",
            "application/json; charset=utf-16",
            "application/cbor",
            "multipart/form-data; boundary=x",
            "\xff/\xfe",
        )
    },
    **{
        f"path {number}": _path(change)
        for number, change in enumerate(
            (
                lambda path: path + "/",
                lambda path: path + "%00",
                lambda path: path + "%ff%fe",
                lambda path: path + "%",
                lambda path: path + "%2",
                lambda path: path.replace("/", "//"),
                lambda path: path.replace("/", "%2F"),
                lambda path: path + "/../..",
                lambda path: "/." + path,
                lambda path: path + "%2F..%2F",
                lambda path: path + ";a=b",
                lambda path: path.upper(),
                lambda path: path + "/" + "a" * 5000,
                lambda path: path.rsplit("/", 1)[0] + "/%E2%98%83",
                lambda path: path.rsplit("/", 1)[0],
                lambda path: path + "/%ud800",
                lambda _: "/",
                lambda _: "*",
                lambda path: path + "\x80\xff",
                lambda path: path.rsplit("/", 1)[0] + "/%0d%0aX-A:%20b",
            )
        )
    },
    **{
        f"query {more[:20]}": _query(more)
        for more in (
            "a",
            "=",
            "&&&",
            "Marker=%00",
            "MaxItems=1e5",
            "MaxItems=" + "9" * 400,
            "MaxItems=&MaxItems=1",
            "Qualifier=%ff",
            "%=%",
            "Action=Nothing",
            "X-Amz-Signature=0",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "a=b;c=d",
            "&".join(f"p{number}=1" for number in range(3000)),
            "tagKeys=a&tagKeys=%",
        )
    },
    "cut body": _body(lambda body: body[:-1]),
    "half a body": _body(lambda body: body[: len(body) // 2]),
    "no body": _body(lambda _: b""),
    "body and more": _body(lambda body: body + b"}"),
    "body twice": _body(lambda body: body * 2),
    "spaces": _body(lambda body: b" \n\t" * 1000 + body),
    "byte order": _body(lambda body: b"\xef\xbb\xbf" + body),
    "utf-16": _body(lambda body: body.decode("latin-1").encode("utf-16")),
    "latin-1": _body(lambda body: body + b"\xe9\xff\xc0\x80"),
    "zipped body": _body(gzip.compress),
    "null": _body(lambda _: b"null"),
    "an array": _body(lambda body: b"[" + body + b"]"),
    "a number": _body(lambda _: b"1"),
    "deep": _body(lambda _: b"[" * 100_000),
    "deep objects": _body(lambda _: b'{"a":' * 50_000),
    "many members": _body(lambda _: b"{" + b",".join(b'"m%d":0' % number for number in range(20_000)) + b"}"),
    "many fields": _body(lambda body: body + b"".join(b"&f.%d=" % number for number in range(25_000))),
    "deep fields": _body(lambda body: body + b"&" + b"a." * 5000 + b"=1"),
    "numbered fields": _body(
        lambda body: body + b"&Tags.member.999999999.Key=a&Tags.member.00.Key=b&Tags.member.-1.Key=c&Tags.member.x=d"
    ),
    "larger than allowed": _body(lambda body: body + b" " * (1 << 20)),
    "far larger than allowed": _body(lambda body: body + b" " * (7 << 20)),
    **{
        f"header {name} {value[:16]}": _header(name, value)
        for name, value in (
            ("accept-encoding", "gzip, br"),
            ("content-encoding", "gzip"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-target", "Nothing.At.All"),
            ("x-amz-target", "\xff"),
            ("x-amz-target", ""),
            ("x-amzn-trace-id", "Root=1-x;;;=;\xff"),
            ("x-amzn-trace-id", "a" * 9000),
            ("host", "x y"),
            ("host", ""),
            ("host", "[::1"),
            ("host", "a.lambda-url.us-east-1.localhost:1"),
            ("x-amz-client-context", "%%%"),
            ("x-amz-client-context", "e30"),
            ("x-amz-invocation-type", "Nothing"),
            ("x-amz-log-type", "\xe9"),
            ("range", "bytes=0-1"),
            ("if-match", "*"),
            ("upgrade", "websocket"),
            ("connection", "close"),
            ("cookie", "a" * 30_000),
            ("origin", "null"),
            ("x-amz-date", "yesterday"),
            ("content-md5", "x"),
            ("x-amz-security-token", "x"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-amz-content-sha256", "0"),
            ("authorization", "Basic eDp5"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature="),
            ("smithy-protocol", "rpc-v2-cbor"),
        )
    },
    "many headers": lambda draft: draft.headers.update({f"x-h{number}": "1" for number in range(190)}),
    "too many headers": lambda draft: draft.headers.update({f"x-h{number}": "1" for number in range(300)}),
    **{
        f"framing {framing}": _set(framing=framing)
        for framing in (
            "chunked",
            "small chunks",
            "bad chunk",
            "huge chunk",
            "trailers",
            "short",
            "long",
            "two lengths",
            "negative length",
            "length and chunks",
            "no length",
            "expect",
            "http/1.0",
            "http/9",
            "no version",
            "bare lf",
            "folded header",
            "header without colon",
            "nul in header",
        )
    },
    **{
        f"aws-chunked {number}": _aws_chunked(framed, payload)
        for number, (framed, payload) in enumerate(
            (
                (b"4;chunk-signature=0\r\nBODY\r\n0\r\n\r\n", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
                (b"zz\r\nBODY", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                (b"ffffffffffffffff\r\nBODY\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                (b"", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
                (b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                (b"BODY", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
            )
        )
    },
    "signed for another service": _set(service="sqs"),
    "signed for no service": _set(service="\xff"),
    "signed for nothing": _set(service=""),
}
