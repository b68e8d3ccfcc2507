"""docs/coverage.md says what is true, and every operation that it calls implemented is called through boto3 by a test.

Which calls the tests make is read from their syntax, so that it is known without running them, and for any selection of
them. A call is boto3's for an operation when it names it as boto3 does, as a method or as a text (`create_function`), and its
keywords are members of that operation's input, with all that are required. That tells `tag_resource(Resource=...)` of
Lambda from `tag_resource(resourceArn=...)` of Logs, and both from anything else that happens to have the name.
"""

import ast
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from lambent.core.kernel import Operation
from lambent.model.names import snake_case
from lambent.model.service import OperationModel
from tools.coverage import PAGE, Covered, covered, page

TESTS = Path(__file__).parent
SERVICES = covered()


def names_on_the_page(service: str) -> list[str]:
    section = PAGE.read_text().partition(f"\n## {service}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:]


def test_the_page_is_what_make_docs_writes():
    written = re.search(r"from botocore (\S+)\. Do not edit", PAGE.read_text())
    assert written is not None
    if written[1] == version("botocore"):  # with another, AWS may have more operations and more members
        assert PAGE.read_text() == page(), "run make docs"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.binding.name)
def test_the_page_names_what_is_bound_whatever_botocore_knows(service: Covered):
    assert names_on_the_page(service.binding.name) == list(service.operations), "run make docs"


def calls() -> Iterator[ast.Call]:
    """Every call in the tests."""
    for path in TESTS.rglob("*.py"):
        yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def names_of(call: ast.Call) -> Iterator[str]:
    """What a call may mean: the method, and the texts that it is given."""
    if isinstance(call.func, ast.Attribute):
        yield call.func.attr
    yield from (a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str))


def is_of(call: ast.Call, model: OperationModel) -> bool:
    """Whether boto3 would take the keywords of the call for the operation's; `**members` may be anything."""
    given = {keyword.arg for keyword in call.keywords}
    members, required = (set(model.input.members), set(model.input.required)) if model.input else (set(), set())
    return given - {None} <= members and (None in given or required <= given)


@pytest.fixture(scope="module")
def calls_by_name() -> dict[str, list[ast.Call]]:
    found: dict[str, list[ast.Call]] = {}
    for call in calls():
        for name in names_of(call):
            found.setdefault(name, []).append(call)
    return found


@pytest.mark.parametrize(
    "operation",
    [operation for service in SERVICES for operation in service.operations.values()],
    ids=lambda operation: f"{operation.binding.name}-{operation.name}",
)
def test_every_operation_is_called_through_boto3(
    operation: Operation[..., object], calls_by_name: dict[str, list[ast.Call]]
):
    called = calls_by_name.get(snake_case(operation.name), [])
    assert any(is_of(call, operation.model) for call in called), f"no test calls {operation.__name__} as boto3 does"


@pytest.mark.parametrize(
    ("source", "is_create_alias"),
    [
        ("client.create_alias(FunctionName='f', Name='a', FunctionVersion='1')", True),
        ("await aws('create_alias', FunctionName='f', Name='a', FunctionVersion='1')", True),
        ("await aws.call('lambda', 'create_alias', **members)", True),
        ("client.create_alias(FunctionName='f')", False),  # not all that is required
        ("kms.create_alias(AliasName='a', TargetKeyId='k')", False),  # another service's
        ("await plane('CreateAlias', FunctionName='f', Name='a', FunctionVersion='1')", False),  # in process
        ("assert 'create_alias'", False),
    ],
)
def test_a_call_is_known_by_its_name_and_its_members(source: str, is_create_alias: bool):
    model = SERVICES[0].binding.model.operation("CreateAlias")
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert any("create_alias" in names_of(call) and is_of(call, model) for call in found) is is_create_alias
