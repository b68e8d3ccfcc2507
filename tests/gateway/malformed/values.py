"""What members may be: names that exist, candidates that keep constraints, and what no client should send.

What no Python value can say (a number of 400 digits, half a surrogate pair, a key twice) is `Raw`: text that goes into the
request as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.lambda_.zips import HELLO, OTHER

ROLE: Final = "arn:aws:iam::000000000000:role/functions"
MAPPING: Final = "the event source mapping"  # stands for its UUID
FUNCTION: Final = "arn:aws:lambda:us-east-1:000000000000:function:f"
TRUST: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
ALLOW: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'


class Raw(str):
    """A value in the words of the wire."""

    __slots__ = ()


class Twice(dict[str, Any]):
    """An object whose members are all sent twice."""


KNOWN: Final[Mapping[str, list[Any]]] = {  # by the member's name; the first ones exist
    "FunctionName": [*["f"] * 8, "g", "f:live", FUNCTION, f"{FUNCTION}:1", "nobody", "000000000000:f", "*"],
    "Qualifier": ["live", "live", "1", "1", "$LATEST", "2", "nobody", "$LATEST.PUBLISHED"],
    "FunctionVersion": ["1", "$LATEST", "7", "ALL"],
    "Name": ["live", "live", "beta", "f"],
    "Role": [ROLE, ROLE, "arn:aws:iam::000000000000:role/nobody"],
    "RoleArn": [ROLE, "arn:aws:iam::000000000000:role/nobody"],
    "RoleName": ["functions", "functions", "functions", "nobody"],
    "PolicyName": ["inline", "inline", "nobody"],
    "UUID": [MAPPING, MAPPING, "12345678-1234-1234-1234-123456789012", "x"],
    "VersionNumber": [1, 1, 2, 0],
    "VersionId": ["v1", "v1", "v2", "v0"],
    "RoleSessionName": ["session"],
    "FunctionUrlAuthType": ["NONE", "AWS_IAM"],
    "OrganizationId": ["o-0123456789"],
    "RevisionId": ["12345678-1234-1234-1234-123456789012"],
    "PolicyArn": [
        "arn:aws:iam::000000000000:policy/p",
        "arn:aws:iam::000000000000:policy/p",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/Nothing",
    ],
    "PolicyDocument": [ALLOW, TRUST, "{", "{}", "[]", '{"Statement": 1}', '{"Version":"2012-10-17","Statement":[{}]}'],
    "Policy": [ALLOW, TRUST, "{", "{}", "[]", '{"Statement": {"Effect": []}}'],
    "AssumeRolePolicyDocument": [TRUST, ALLOW, "{", "null"],
    "Runtime": ["python3.11", "provided.al2023", "nodejs20.x", "java8"],
    "Handler": ["app.handler", "app.nothing"],
    "ZipFile": [HELLO, OTHER, HELLO, b"", b"PK\x05\x06" + bytes(18), HELLO[:-30], b"no zip"],
    "Resource": [FUNCTION, f"{FUNCTION}:1", "arn:aws:lambda:us-east-1:000000000000:layer:l:1"],
    "ResourceArn": [
        FUNCTION,
        "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:x",
        "arn:aws:logs:us-east-1:000000000000:log-group:g",
    ],
    "resourceArn": ["arn:aws:logs:us-east-1:000000000000:log-group:g"],
    "LayerName": ["l", "l", "l", "arn:aws:lambda:us-east-1:000000000000:layer:l"],
    "Layers": [["arn:aws:lambda:us-east-1:000000000000:layer:l:1"], []],
    "StatementId": ["s", "s1"],
    "Action": ["lambda:InvokeFunction", "lambda:GetLayerVersion", "lambda:*", "s3:*"],
    "Principal": ["*", "s3.amazonaws.com", "000000000000", "arn:aws:iam::000000000000:root"],
    "EventSourceArn": [
        "arn:aws:sqs:us-east-1:000000000000:q",
        "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x",
    ],
    "Pattern": [
        '{"a": [1]}',
        '{"a": {"b": [{"prefix": "x"}]}}',
        "{",
        "[]",
        '{"a": 1}',
        '{"a": [{"numeric": [">", 1e999]}]}',
    ],
    "logGroupName": ["g", "g", "g", "/aws/lambda/f", "nobody"],
    "logStreamName": ["s", "s", "s", "nobody"],
    "filterPattern": ["ERROR", "{ $.a = 1 }", "[a, b]", "{", '"', "?", "{ $.a = %^(a+)+$% }", "%(a+)+$%"],
    "logEvents": [
        [{"timestamp": 1, "message": "m"}],
        [{"timestamp": -1, "message": "m"}, {"timestamp": 2**62, "message": "m"}],
    ],
    "Payload": [b"{}", b"", b"null", b"[", b"\xff\xfe", b"\x00" * 70, b'{"a": 1}' * 9],
    "InvocationType": ["DryRun", "DryRun", "RequestResponse", "Event"],
    "ClientContext": ["e30=", "e30", "%", ""],
    "Marker": ["", "x", "AAAAAAAAAAAA", "////"],
    "nextToken": ["x", "AAAAAAAAAAAA", "f/31"],
    "WebIdentityToken": ["a.b.c", "....", "x" * 20],
}
CANDIDATES: Final = (  # for strings that are not known; those that keep the constraints are used
    "a", "name", "a-name_1", "$LATEST", "1", "0", "123456789012", "us-east-1", "x" * 40, "ab" * 32, "", "/", "*",
    "é☃", "true", "/a/path/", "/mnt/files", "{}", '["a"]', "INFO", "https://example.com/x", "s3.amazonaws.com",
    "e30=", "2026-11-25T00:00:00Z", "12345678-1234-1234-1234-123456789012", "subnet-12345678", "sg-12345678",
    "host:9092", "topic", "bucket-name", "arn:aws:iam::000000000000:role/functions", FUNCTION, "arn:aws:s3:::bucket",
    "arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sns:us-east-1:000000000000:t",
    "arn:aws:kms:us-east-1:000000000000:key/12345678-1234-1234-1234-123456789012",
    "arn:aws:lambda:us-east-1:000000000000:layer:l:1",
    "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-0123456789abcdef0",
    "arn:aws:lambda:us-east-1::runtime:" + "ab" * 32,
    "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789",
    "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "function.name", "Sid1",
    "o-0123456789", "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-abcdef",
    "arn:aws:logs:us-east-1:000000000000:log-group:g",
)  # fmt: skip

DEEP: Final = 3000
NASTY: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 1.5, -0.0, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1,
    1e308, 1e-320, Raw("NaN"), Raw("Infinity"), Raw("1e999"), Raw("-1e400"), Raw("9" * 400), Raw("1." + "0" * 400),
    Raw("01"), Raw("1.0"), Raw("-"), Raw('"\\ud800"'), Raw('"\\udc00\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'),
    Raw('"'), Raw("'a'"), Raw("nul"), Raw(""), Raw("}"), Raw("[" * DEEP), Raw("[" * DEEP + "]" * DEEP),
    Raw('{"a":' * DEEP + "1" + "}" * DEEP), Raw('{"a":1,"a":2}'), Raw("[,]"), Raw("/**/1"), "", " ", "a", "\x00",
    "a\x00b", "\x7f", "\r\n", "x: y\r\nz: w", "\ufeff", "\ufffe", "\u2028", "e\u0301", "\U0001f600", "ß" * 300,
    "\u202e", "..", "../../etc/passwd", "/", "//", ".", "%00", "%2e%2e%2f", "%", "+", "&=&", "<a>&amp;", "]]>",
    "'; --", "${jndi:x}", "{0}", "{arn}", "%s", "NaN", "1e5", "0x10", "１２", "٣", "-0", "+1", " 1", "1_000", "true",
    "null", "9" * 400, "2026-02-30T00:00:00Z", "0000-00-00", "99999999999999999", "=", "A", "AA=A", "Ā===", "e30\n=",
    "a" * 129, "a" * 257, "a" * 1025, "a" * 70_000, ":", ":::::", "arn:", "arn:aws:lambda:::function:", "$LATEST",
    "arn:aws:lambda:us-east-1:000000000000:function:f:live:live", "f:", ":f", "a:b:c:d:e:f:g:h:i", "9" * 30, [],
    [None], [[]], [{}], {}, {"": None}, {"a": {}}, {"\x00": "\x00"}, ["a"] * 2000,
    {str(number): "" for number in range(500)}, [1, "a", None],
)  # fmt: skip
