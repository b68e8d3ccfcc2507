"""Buckets, keys and versions as S3 has them, in a path that nobody on the way takes for another."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.services.s3.names import NameRefused, ObjectPath


def path(key: str, bucket: str = "code", version: str | None = None, folder: str = "") -> ObjectPath:
    return ObjectPath(folder, bucket, key, version)


def refused(key: str = "a", bucket: str = "code", version: str | None = None) -> str:
    with pytest.raises(NameRefused) as caught:
        path(key, bucket, version)
    return caught.value.code


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("a.zip", "/code/a.zip"),
        ("a/b/c.zip", "/code/a/b/c.zip"),
        ("a/../b", "/code/a/%2E%2E/b"),
        ("a/./b", "/code/a/%2E/b"),
        ("a/..", "/code/a/%2E%2E"),
        (".", "/code/%2E"),
        ("a/.../b", "/code/a/.../b"),  # three dots mean nothing
        ("a/..b/.c/d..", "/code/a/..b/.c/d.."),
        ("a?b#c&d=e", "/code/a%3Fb%23c%26d%3De"),
        ("%2e%2e/a", "/code/%252e%252e/a"),
        ("a\r\nhost: evil\r\n", "/code/a%0D%0Ahost%3A%20evil%0D%0A"),
        ("a\0b", "/code/a%00b"),
        ("\\..\\a", "/code/%5C..%5Ca"),
        ("/a", "/code//a"),
        ("a//b/", "/code/a//b/"),
        ("ü/日本", "/code/%C3%BC/%E6%97%A5%E6%9C%AC"),
        ("http://evil.test/@x:80", "/code/http%3A//evil.test/%40x%3A80"),
        ("a;b", "/code/a%3Bb"),
    ],
)
def test_a_key_is_one_path_below_its_bucket(key: str, sent: str):
    made = path(key)
    assert made.sent == sent
    assert unquote(made.sent) == unquote(made.signed) == f"/code/{key}"
    assert path(key, folder="/s3/").sent == "/s3" + sent


@pytest.mark.parametrize(
    "key", ["..", "../other/secret", "a/../../other/secret", "./../x", "/../x", "//../../x", "a/b/../../../x"]
)
def test_a_key_that_climbs_out_of_its_bucket_is_not_sent(key: str):
    assert refused(key) == "InvalidURI"


def test_a_key_has_from_one_to_1024_bytes_of_unicode():
    assert path("ü" * 512).sent == "/code/" + "%C3%BC" * 512
    assert refused("ü" * 512 + "a") == "KeyTooLongError"
    assert refused("") == "InvalidURI"
    assert refused("a\ud800") == "InvalidURI"


@pytest.mark.parametrize("bucket", ["abc", "a-b.c-d", "0" * 63, "Old_Bucket.of.us-east-1", "a" * 255])
def test_a_bucket_that_may_be(bucket: str):
    assert path("k", bucket).sent == f"/{bucket}/k"


@pytest.mark.parametrize(
    "bucket",
    [
        *(
            "",
            ".",
            "..",
            "ab",
            "a/b",
            "../x",
            "a..b",
            ".abc",
            "abc.",
            "-abc",
            "abc-",
            "a b",
            "a%2fb",
            "abc:80",
            "abc@evil",
        ),
        *("192.168.0.1", "127.0.0.1", "a\r\nb", "a\0b", "bücket", "abc?x", "abc#x", "a" * 256, "abc\n"),
        "arn:aws:s3:us-west-2:123456789012:accesspoint/x",
    ],
)
def test_a_bucket_that_cannot_be(bucket: str):
    assert refused(bucket=bucket) == "InvalidBucketName"


@pytest.mark.parametrize(
    ("version", "query"),
    [(None, ""), ("", "versionId="), ("null", "versionId=null"), ("a&x=y/../z#", "versionId=a%26x%3Dy%2F..%2Fz%23")],
)
def test_a_version_is_one_parameter(version: str | None, query: str):
    assert path("a", version=version).query == query


@given(st.text(max_size=40), st.sampled_from(["", "../", "a/../../"]), st.text(alphabet="./a", max_size=12))
def test_no_path_has_anything_that_could_be_taken_for_another_one(text: str, start: str, end: str):
    try:
        made = path(start + text + end)
    except NameRefused:
        return
    assert made.sent.isascii()
    assert not {".", ".."} & set(made.sent.split("/"))
    assert not set(made.sent) & set("?# \r\n\0\\")
    assert unquote(made.sent) == "/code/" + start + text + end
