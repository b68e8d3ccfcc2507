"""Our `runtime_client`, called as awslambdaric calls it."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambent.lambda_.runtimes import templates
from tests.runtimes.runtime_api import ARN, DEADLINE_MS, Event, RuntimeApi, runtime_api

Client = Any


@pytest.fixture
def client_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[RuntimeApi], Client]]:
    """The module as a process of its own would have it, connected to the given server."""
    made: list[ModuleType] = []

    def connected(api: RuntimeApi) -> Client:
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", api.address)
        path = Path(templates.BOOTSTRAP) / "python" / "runtime_client.py"
        spec = importlib.util.spec_from_file_location("runtime_client_under_test", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.initialize_client("agent/1")
        made.append(module)
        return module

    yield connected
    for module in made:
        module.connection().close()


Connect = Callable[[RuntimeApi], Client]


def test_next_gives_the_event_and_the_headers_that_awslambdaric_reads(client_of: Connect) -> None:
    with runtime_api(Event({"a": "é"}, {"Lambda-Runtime-Client-Context": '{"k": "é"}'})) as api:
        event, headers = client_of(api).next()
    assert event == b'{"a": "\\u00e9"}'
    assert headers == {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": "request-1",
        "Lambda-Runtime-Aws-Tenant-Id": None,
        "Lambda-Runtime-Client-Context": '{"k": "é"}',
        "Lambda-Runtime-Cognito-Identity": None,
        "Lambda-Runtime-Deadline-Ms": DEADLINE_MS,
        "Lambda-Runtime-Invocation-Id": None,
        "Lambda-Runtime-Invoked-Function-Arn": ARN,
        "Lambda-Runtime-Trace-Id": "Root=1-1",
    }


def test_all_messages_go_over_one_connection(client_of: Connect) -> None:
    with runtime_api(Event(), Event()) as api:
        client = client_of(api)
        for _ in range(2):
            client.next()
            client.post_invocation_result("id", b"{}", "application/json", None)
        assert api.connections == 1


def test_a_result_is_posted_with_its_type_and_the_invocation_id_is_echoed(client_of: Connect) -> None:
    with runtime_api() as api:
        client_of(api).post_invocation_result("id", b"\x00\xff", "application/unknown", "opaque")
        post = api.posts.get(timeout=5)
    assert (post.kind, post.body) == ("invocation/id/response", b"\x00\xff")
    assert post.headers["content-type"] == "application/unknown"
    assert post.headers["lambda-runtime-invocation-id"] == "opaque"
    assert post.headers["user-agent"] == "agent/1"


def test_an_error_is_posted_with_its_cause(client_of: Connect) -> None:
    with runtime_api() as api:
        client_of(api).post_error("id", '{"é": 1}', '{"cause":\n1}', None)
        post = api.posts.get(timeout=5)
    assert (post.kind, post.json) == ("invocation/id/error", {"é": 1})
    assert post.headers["lambda-runtime-function-xray-error-cause"] == '{"cause": 1}'


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1_000_000, 6_291_456])
def test_payloads_of_every_size_pass_both_ways(client_of: Connect, size: int) -> None:
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    with runtime_api(Event(payload)) as api:
        client = client_of(api)
        event, _ = client.next()
        client.post_invocation_result("id", event, "application/unknown", None)
        assert api.posts.get(timeout=5).body == payload


def test_a_post_that_is_refused_is_logged_and_raised_as_the_compiled_client_does(
    client_of: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    with runtime_api(statuses=[413, 403]) as api:
        client = client_of(api)
        with pytest.raises(RuntimeError, match=r"^Failed to post invocation response$"):
            client.post_invocation_result("id", b"{}", "application/json", None)
        with pytest.raises(RuntimeError, match=r"^Failed to post invocation error$"):
            client.post_error("id", "{}", "", None)
    said = capsys.readouterr().err
    assert 'LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413. {"status":"OK"}' in said


def test_a_connection_that_ended_while_idle_is_replaced_before_a_post(client_of: Connect) -> None:
    with runtime_api(Event()) as api:
        client = client_of(api)
        client.next()
        api.drop_connections()
        client.post_invocation_result("id", b"{}", "application/json", None)
        assert api.connections == 2
        assert api.requests.count("POST /2018-06-01/runtime/invocation/id/response") == 1


def test_a_post_whose_answer_is_lost_is_not_repeated(client_of: Connect) -> None:
    class Lossy(RuntimeApi):
        def _answer(self, request_line: str, headers: dict[str, str], body: bytes) -> bytes:
            super()._answer(request_line, headers, body)
            raise OSError

    with runtime_api(Event()) as api:
        api.__class__ = Lossy
        with pytest.raises(ConnectionError):
            client_of(api).post_invocation_result("id", b"{}", "application/json", None)
        assert api.connections == 1
        assert len(api.requests) == 1
