"""Services that Lambent does not have are named from their models, without keeping the models."""

from __future__ import annotations

import pytest

from lambent.gateway.unbound import Catalogue
from lambent.wire.messages import Request

FORM = "application/x-www-form-urlencoded"


def asked(method: str, path: str, query: str = "", body: bytes = b"", **headers: str) -> Request:
    return Request(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("name", "request_", "meant"),
    [
        ("lambda", asked("GET", "/2026-10-01/runtimes/r/versions"), ("lambda-core", "ListRuntimeVersions")),
        ("lambda", asked("PUT", "/2025-03-07/web-functions"), ("lambda-web", "CreateWebFunction")),
        ("dynamodb", asked("POST", "/", x_amz_target="DynamoDBStreams_20120810.GetRecords"),
         ("dynamodbstreams", "GetRecords")),
        ("s3", asked("GET", "/bucket", "list-type=2"), ("s3", "ListObjectsV2")),
        ("s3", asked("GET", "/bucket", "acl"), ("s3", "GetBucketAcl")),
        ("s3", asked("GET", "/bucket/a/long/key"), ("s3", "GetObject")),
        ("s3", asked("GET", "/"), ("s3", "ListBuckets")),
        ("route53", asked("POST", "/2013-04-01/hostedzone"), ("route53", "CreateHostedZone")),
        ("email", asked("POST", "/", body=b"Action=SendEmail&Version=2010-12-01", content_type=FORM),
         ("ses", "SendEmail")),
        ("rds", asked("GET", "/", "Action=DescribeDBClusters&Version=2014-10-31"), ("rds", "DescribeDBClusters")),
        ("nonsense", asked("GET", "/"), None),
        ("lambda", asked("GET", "/"), None),
        ("sts", asked("POST", "/"), None),  # its operations have one path, and differ in Action
        ("logs", asked("POST", "/"), None),
    ],
)  # fmt: skip
async def test_an_operation_is_recognised_from_its_request(name: str, request_: Request, meant: tuple[str, str] | None):
    assert await Catalogue().operation(name, request_) == meant


async def test_however_many_services_are_asked_for_few_are_kept():
    catalogue = Catalogue(outlines=2)
    for name in ("sqs", "sns", "kms", "kinesis", "events", "states"):
        await catalogue.operation(name, asked("POST", "/"))
    assert len(catalogue._kept) == 2
