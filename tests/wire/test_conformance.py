"""AWS's own protocol cases, backwards: see conformance.py for how."""

from collections.abc import Mapping
from typing import Final

import pytest

from lambent.core.errors import AwsError
from lambent.wire.protocols import protocol
from lambent.wire.routing import Router
from tests.wire.conformance import Case, cases, members_of, read_by_botocore, request_of, same

NOTHING_SENT = "an empty list or map sends nothing, and nothing is what a server sees"
ABSENT_OR_EMPTY = "a client sends {} for an absent structure; to a server it is an empty one"
COMPRESSED = "the case does not say which bytes the compressed body has"
READER = "botocore's own reader does not read it: the case is on its list of known failures"
NOT_A_SERVERS_INPUT: Final[dict[str, str]] = {
    "RestJsonHostWithPath": "the path before the operation's belongs to the client's endpoint",
    "RestJsonHttpPrefixHeadersAreNotPresent": NOTHING_SENT,
    "RestJsonOmitsEmptyListQueryValues": NOTHING_SENT,
    "QueryEmptyQueryMaps": NOTHING_SENT,
    "SDKAppliedContentEncoding_restJson1": COMPRESSED,
    "SDKAppendedGzipAfterProvidedEncoding_restJson1": COMPRESSED,
    "SDKAppliedContentEncoding_awsJson1_1": COMPRESSED,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1": COMPRESSED,
    "SDKAppliedContentEncoding_awsJson1_0": COMPRESSED,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0": COMPRESSED,
    "SDKAppliedContentEncoding_awsQuery": COMPRESSED,
    "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery": COMPRESSED,
    "RestJsonQueryParamsStringListMap": "a client's map leaves out what has a member, a server's has all",
    "RestJsonQueryPrecedence": "what a client leaves out of the map because a member says it is not to be seen",
    "RestJsonHttpWithEmptyStructurePayload": ABSENT_OR_EMPTY,
    "RestJsonHttpWithHeadersButNoPayload": ABSENT_OR_EMPTY,
}
NOT_A_SERVERS_OUTPUT: Final[dict[str, str]] = {
    "RestJsonHttpPayloadTraitsWithNoBlobBody": READER,
    "RestJsonHttpPayloadWithUnsetUnion": READER,
    "QueryXmlLists": READER,
    "HttpPrefixHeadersResponse": "every header is one of the map, also those that each response has",
    "QueryCompatibleAwsJson10CustomCodeError": "its model says 402 and its response 400",
}
READ_BY_HEADERS: Final = frozenset(
    {
        "RestJsonInputAndOutputWithQuotedStringHeaders",
        "RestJsonInputAndOutputWithTimestampHeaders",
        "MediaTypeHeaderOutputBase64",
    }
)
"""botocore does not read these lists and dates either; the header itself is compared."""


@pytest.mark.parametrize("case", cases("input", NOT_A_SERVERS_INPUT))
def test_the_request_of_a_client_is_read_as_the_params_it_was_made_of(case: Case) -> None:
    request = request_of(case.raw["serialized"])
    operation = case.model.operation(case.operation_name)
    labels: Mapping[str, str] = {}
    if case.model.metadata.protocol == "rest-json":
        found, labels = Router(case.model).find(request)
        assert found == case.operation_name
    members = protocol(case.model).parse(operation, request, labels)
    expected = members_of(case.raw["params"], operation.input)
    tokens = [
        n for n, m in (operation.input.members if operation.input else {}).items() if m.reference.idempotency_token
    ]
    for token in tokens:
        expected.setdefault(token, members.get(token))
    assert same(members, expected), f"{members} is not {expected}"


@pytest.mark.parametrize("case", cases("output", NOT_A_SERVERS_OUTPUT))
def test_a_result_becomes_a_response_that_botocore_reads_as_this_result(case: Case) -> None:
    operation = case.model.operation(case.operation_name)
    codec = protocol(case.model)
    if "errorCode" in case.raw:
        response = codec.serialize_error(case.model, _error(case), "an-id")
        understood = read_by_botocore(case, response)
        error = understood.pop("Error")
        assert error["Code"] == case.raw["errorCode"]
        assert (error["Message"] or "") == (case.raw.get("errorMessage") or "")
        assert {k.lower() for k in case.raw.get("error") or {}} <= {k.lower() for k in understood}
    else:
        result = case.raw.get("result") or {}
        response = codec.serialize(operation, members_of(result, operation.output), "an-id")
        if case.id in READ_BY_HEADERS:
            assert case.raw["response"]["headers"].items() <= dict(response.headers).items()
            return
        understood = members_of(read_by_botocore(case, response), operation.output)
        assert same(understood, members_of(result, operation.output)), f"{understood} is not {result}"
    assert response.status == case.raw["response"]["status_code"]


def _error(case: Case) -> AwsError:
    class Imagined(AwsError, code=case.raw["errorCode"], extra=case.raw.get("error") or {}):
        message = "{text}"

    return Imagined(text=case.raw.get("errorMessage") or "")
