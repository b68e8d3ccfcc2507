"""Which URL a request is for."""

from __future__ import annotations

import pytest

from lambent.lambda_.urls.addresses import Address, address_of
from lambent.wire.messages import Request

ID = "abcdefghijklmnopqrstuvwxyz234567"


def address(host: str | None, path: str = "/p") -> Address | None:
    return address_of(Request("GET", path, "", {} if host is None else {"host": host}, b""))


@pytest.mark.parametrize(
    ("host", "domain", "port"),
    [
        (f"{ID}.lambda-url.eu-north-1.localhost:4566", f"{ID}.lambda-url.eu-north-1.localhost", "4566"),
        (f"{ID}.lambda-url.eu-north-1.on.aws", f"{ID}.lambda-url.eu-north-1.on.aws", "80"),
        (f"{ID.upper()}.LAMBDA-URL.EU-NORTH-1.Example.Org:1", f"{ID}.lambda-url.eu-north-1.example.org", "1"),
    ],
)
def test_a_host_names_a_url_under_any_domain(host: str, domain: str, port: str):
    assert address(host) == Address(ID, "eu-north-1", domain, "/p", port)


@pytest.mark.parametrize(
    "host",
    [
        f"{ID}.lambda-url.eu-north-1",
        f"{ID}x.lambda-url.eu-north-1.localhost",
        f"{ID[:-1]}.lambda-url.eu-north-1.localhost",
        f"x.{ID}.lambda-url.eu-north-1.localhost",
        f"{ID}.lambda-url.eu-north-1.localhost,other",
        f"{ID}.lambda-url.eu-north-1.localhost:port",
        f"{ID}.lambda-url.eu-north-1.localhost:4566:4566",
        f"user@{ID}.lambda-url.eu-north-1.localhost",
        f"{ID}.lambda-url.eu-north-1.{'x' * 1000}",
        f"{ID}.lambda-url.eu-north-1.local\xe4host",
        f"{ID}.lambda-url..localhost/",
        ".lambda-url.",
    ],
)
def test_a_host_that_only_looks_like_one_names_none(host: str):
    assert address(host) is None


@pytest.mark.parametrize(
    ("host", "path", "below", "port"),
    [
        ("127.0.0.1:4566", f"/_lambent/url/{ID}/a/b", "/a/b", "4566"),
        ("127.0.0.1:4566", f"/_lambent/url/{ID}", "/", "4566"),
        ("127.0.0.1:4566", f"/_lambent/url/{ID}//x%2Fy", "//x%2Fy", "4566"),
        ("[::1]:4566", f"/_lambent/url/{ID}/", "/", "4566"),
        ("lambent", f"/_lambent/url/{ID}/", "/", "80"),
        ("a" * 100_000, f"/_lambent/url/{ID}/", "/", "80"),
        (None, f"/_lambent/url/{ID}/", "/", "80"),
    ],
)
def test_a_path_names_a_url_whatever_the_host(host: str | None, path: str, below: str, port: str):
    assert address(host, path) == Address(ID, None, None, below, port)
