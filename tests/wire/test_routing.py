"""Paths to operations."""

import msgspec
import pytest

from lambent.model.service import ServiceModel, load
from lambent.model.traits import ServiceTraits
from lambent.wire.messages import Request
from lambent.wire.routing import Router


def imagined(*operations: tuple[str, str, str]) -> Router:
    described = {
        "metadata": {"apiVersion": "1", "endpointPrefix": "x", "protocol": "rest-json"},
        "operations": {
            name: {"name": name, "http": {"method": method, "requestUri": uri}} for name, method, uri in operations
        },
        "shapes": {},
    }
    return Router(ServiceModel("imagined", msgspec.convert(described, ServiceTraits)))


LAMBDA = Router(load("lambda"))


@pytest.mark.parametrize(
    ("method", "path", "query", "operation", "labels"),
    [
        ("POST", "/2015-03-31/functions/f/invocations", "", "Invoke", {"FunctionName": "f"}),
        ("POST", "/2015-03-31/functions/f/invocations", "Qualifier=1", "Invoke", {"FunctionName": "f"}),
        ("GET", "/2015-03-31/functions/", "", "ListFunctions", {}),
        ("GET", "/2015-03-31/functions", "Marker=x", "ListFunctions", {}),
        ("GET", "/2015-03-31/functions/f", "", "GetFunction", {"FunctionName": "f"}),
        ("GET", "/2015-03-31/functions/f/", "", "GetFunction", {"FunctionName": "f"}),
        (
            "GET",
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax%2Fy",
            "",
            "GetFunction",
            {"FunctionName": "arn:aws:lambda:x/y"},
        ),
        ("GET", "/2015-03-31/functions/%C3%A9", "", "GetFunction", {"FunctionName": "é"}),
        ("GET", "/2018-10-31/layers", "", "ListLayers", {}),
        ("GET", "/2018-10-31/layers", "find=LayerVersion&Arn=a", "GetLayerVersionByArn", {}),
        (
            "GET",
            "/2017-03-31/tags/arn:aws:lambda:r:1:function:f",
            "",
            "ListTags",
            {"Resource": "arn:aws:lambda:r:1:function:f"},
        ),
        ("PATCH", "/2015-03-31/functions/f", "", None, {}),
        ("GET", "/2015-03-31/nothing", "", None, {}),
        ("POST", "/2015-03-31/functions//invocations", "", None, {}),
        ("GET", "/", "", None, {}),
        ("GET", "*", "", None, {}),
    ],
)
def test_a_request_line_means_an_operation(
    method: str, path: str, query: str, operation: str | None, labels: dict[str, str]
) -> None:
    assert LAMBDA.find(Request(method, path, query, {}, b"")) == (operation, labels)


def test_every_operation_of_lambda_is_found_by_its_own_path() -> None:
    model = load("lambda")
    for name in model.operation_names:
        operation = model.operation(name)
        path, _, query = operation.request_uri.partition("?")
        found, _ = LAMBDA.find(Request(operation.method, path.replace("{", "a").replace("}", "b"), query, {}, b""))
        assert found == name


def test_a_fixed_segment_wins_over_a_label() -> None:
    router = imagined(("Any", "GET", "/things/{id}"), ("One", "GET", "/things/one"))
    assert router.find(Request("GET", "/things/one", "", {}, b"")) == ("One", {})
    assert router.find(Request("GET", "/things/two", "", {}, b"")) == ("Any", {"id": "two"})


def test_a_label_is_tried_where_the_fixed_segment_led_nowhere() -> None:
    router = imagined(("Deep", "GET", "/a/{x}/c"), ("Other", "GET", "/a/b/d"))
    assert router.find(Request("GET", "/a/b/c", "", {}, b"")) == ("Deep", {"x": "b"})


def test_a_greedy_label_takes_all_but_what_stands_behind_it() -> None:
    router = imagined(
        ("Get", "GET", "/{Bucket}/{Key+}"), ("Tail", "GET", "/{Bucket}/{Key+}/tail"), ("List", "GET", "/{Bucket}")
    )
    assert router.find(Request("GET", "/b/k/with%2Fslash/es", "", {}, b"")) == (
        "Get",
        {"Bucket": "b", "Key": "k/with/slash/es"},
    )
    assert router.find(Request("GET", "/b/k/l/tail", "", {}, b"")) == ("Tail", {"Bucket": "b", "Key": "k/l"})
    assert router.find(Request("GET", "/b", "", {}, b"")) == ("List", {"Bucket": "b"})
    assert router.find(Request("GET", "/b/", "", {}, b"")) == ("List", {"Bucket": "b"})
