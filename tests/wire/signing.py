"""Requests signed by botocore's real signers, as our server would see them after the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.wire.messages import Request

ACCESS_KEY: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION: Final = "eu-north-1"


def signed(
    method: str,
    url: str,
    *,
    signer: type[SigV4Auth] = SigV4Auth,
    service: str = "lambda",
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: bytes = b"",
    token: str | None = None,
    access_key: str = ACCESS_KEY,
    secret: str = SECRET,
    region: str = REGION,
) -> Request:
    """The request as received, signed just now."""
    draft = AWSRequest(method=method, url=url, headers=dict(headers or {}), data=body, params=params or {})
    signer(Credentials(access_key, secret, token), service, region).add_auth(draft)
    return received(draft)


def received(draft: AWSRequest) -> Request:
    """What arrives when botocore sends `draft`."""
    sent = draft.prepare()
    target = urlsplit(sent.url)
    seen = {"host": target.netloc}
    for name, value in sent.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value.encode().decode("latin-1")
        seen[name.lower()] = text.strip(" \t")
    body = sent.body or b""
    return Request(
        method=sent.method or "GET",
        path=target.path or "/",
        query=target.query,
        headers=seen,
        body=body.encode() if isinstance(body, str) else body,
        peer="",
    )
