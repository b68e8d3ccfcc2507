"""A function's signature is its binding: what is refused at import, and what a call passes through."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final

import msgspec
import pytest

from lambent.core.clock import FakeClock
from lambent.core.errors import AwsError, NotImplementedYet, UnknownOperationException
from lambent.core.ids import SeededIds
from lambent.core.kernel import Binding, Caller, Context, ModelMismatch, Service, Shape, operations_in

LAMBDA: Final = Binding("lambda")
LOGS: Final = Binding("logs")
IAM: Final = Binding("iam")


class Runtime(StrEnum):
    PYTHON = "python3.11"


class FunctionCode(Shape):
    zip_file: bytes | None = None
    s3_bucket: str | None = None


class Environment(Shape):
    variables: dict[str, str] | None = None


class FunctionConfiguration(Shape):
    function_name: str
    timeout: int | None = None
    memory_size: int | None = None
    architectures: list[str] | None = None
    kms_key_arn: str | None = msgspec.field(default=None, name="KMSKeyArn")


class InvocationResponse(Shape):
    status_code: int
    payload: bytes | None = None


@LAMBDA.operation
async def create_function(  # the members in an order of our own
    ctx: Context[dict[str, Any]],
    *,
    function_name: str,
    role: str,
    code: FunctionCode,
    runtime: Runtime | None = None,
    environment: Environment | None = None,
    timeout: int = 3,
) -> FunctionConfiguration:
    """Keep what it was given."""
    ctx.state.update(code=code, runtime=runtime, environment=environment, role=role)
    return FunctionConfiguration(function_name=function_name, timeout=timeout)


@LAMBDA.operation(action="lambda:InvokeFunction")
async def invoke(ctx: Context[Any], *, function_name: str, payload: bytes | None = None) -> InvocationResponse:
    """Answer with what was sent."""
    return InvocationResponse(status_code=200, payload=payload)


@LAMBDA.operation
async def tag_resource(ctx: Context[dict[str, Any]], *, resource: str, tags: dict[str, str]) -> None:
    """Keep the tags."""
    ctx.state.update(tags)


@LOGS.operation
async def describe_log_groups(ctx: Context[Any], *, log_group_name_prefix: str | None = None) -> None:
    """Nothing."""


@IAM.operation
async def get_role(ctx: Context[Any], *, role_name: str) -> None:
    """Nothing."""


def service(binding: Binding, *operations: Any) -> Service[dict[str, Any]]:
    return Service(binding, {}, operations)


def context(state: Any = None) -> Context[Any]:
    caller = Caller("123456789012", "arn:aws:iam::123456789012:root", "123456789012", "AKIA", is_root=True)
    return Context(state, caller, "eu-north-1", "an-id", FakeClock(), SeededIds())


async def test_members_become_the_types_that_the_function_asks_for() -> None:
    lambda_ = service(LAMBDA, create_function)
    members = {
        "FunctionName": "f",
        "Role": "arn:aws:iam::123456789012:role/r",
        "Code": {"ZipFile": b"PK", "Unknown": 1},
        "Runtime": "python3.11",
        "Environment": {"Variables": {"AB": "c"}},
        "Description": None,
    }
    output = await lambda_.call("CreateFunction", members, context(lambda_.state))
    assert output == {"FunctionName": "f", "Timeout": 3}
    assert lambda_.state["code"] == FunctionCode(zip_file=b"PK")
    assert lambda_.state["runtime"] is Runtime.PYTHON
    assert lambda_.state["environment"].variables == {"AB": "c"}


async def test_a_value_that_aws_has_and_our_type_has_not_is_refused_and_no_bug() -> None:
    members = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}, "Runtime": "nodejs22.x"}
    with pytest.raises(AwsError, match="Invalid enum value") as refused:
        await service(LAMBDA, create_function).call("CreateFunction", members, context({}))
    assert refused.value.status == 400


async def test_bytes_pass_through_as_they_are() -> None:
    payload = bytes(range(256))
    output = await service(LAMBDA, invoke).call("Invoke", {"FunctionName": "f", "Payload": payload}, context())
    assert output == {"StatusCode": 200, "Payload": payload}


async def test_a_function_that_returns_nothing_has_no_output() -> None:
    members = {"Resource": "arn:aws:lambda:eu-north-1:123456789012:function:f", "Tags": {"a": "b"}}
    assert await service(LAMBDA, tag_resource).call("TagResource", members, context({})) == {}


async def test_broken_constraints_never_reach_the_function() -> None:
    with pytest.raises(AwsError, match="2 validation errors detected: Value null at 'role'") as refused:
        await service(LAMBDA, create_function).call("CreateFunction", {"FunctionName": "f"}, context())
    assert (refused.value.code, refused.value.status) == ("ValidationException", 400)


@pytest.mark.parametrize(
    ("binding", "operation", "name", "members", "code"),
    [
        (LAMBDA, invoke, "Invoke", {"FunctionName": "!"}, "ValidationException"),
        (LOGS, describe_log_groups, "DescribeLogGroups", {"logGroupNamePrefix": "!"}, "InvalidParameterException"),
        (IAM, get_role, "GetRole", {"RoleName": "!"}, "ValidationError"),
    ],
)
async def test_each_service_has_its_code_for_broken_constraints(
    binding: Binding, operation: Any, name: str, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(AwsError) as refused:
        await service(binding, operation).call(name, members, context())
    assert refused.value.code == code


async def test_a_binding_may_name_the_code_itself() -> None:
    binding = Binding("sts", validation_error_code="Strange")

    @binding.operation
    async def get_session_token(ctx: Context[Any], *, duration_seconds: int | None = None) -> None:
        """Nothing."""

    with pytest.raises(AwsError) as refused:
        await service(binding, get_session_token).call("GetSessionToken", {"DurationSeconds": 1}, context())
    assert refused.value.code == "Strange"


async def test_an_operation_that_is_not_bound_says_so_and_names_itself() -> None:
    with pytest.raises(NotImplementedYet, match="lambda:ListLayers") as refused:
        await service(LAMBDA).call("ListLayers", {}, context())
    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)


async def test_an_operation_that_aws_does_not_have_is_unknown() -> None:
    with pytest.raises(UnknownOperationException):
        await service(LAMBDA).call("Dance", {}, context())


def test_what_is_not_taken_is_listed_in_the_models_order() -> None:
    assert invoke.unused[:3] == ["InvocationType", "LogType", "ClientContext"]
    assert get_role.unused == []
    assert [name for name in create_function.unused if name.startswith("Code.")] == [
        "Code.S3Key",
        "Code.S3ObjectVersion",
        "Code.S3ObjectStorageMode",
        "Code.ImageUri",
        "Code.SourceKMSKeyArn",
    ]


def test_what_is_stored_or_refused_is_told_of_members_that_are_taken() -> None:
    async def create_function(
        ctx: Context[Any], *, function_name: str, role: str, code: FunctionCode, layers: list[str] | None = None
    ) -> None:
        pass

    bound = LAMBDA.operation(stored={"Role"}, refused={"S3Bucket", "ImageUri", "Layers"})(create_function)
    assert (bound.stored, bound.refused) == (["Role"], ["Code.S3Bucket", "Layers"])


def test_the_iam_action_is_derived_unless_it_is_said() -> None:
    lambda_ = service(LAMBDA, invoke, create_function)
    assert lambda_.action("Invoke") == "lambda:InvokeFunction"
    assert lambda_.action("CreateFunction") == "lambda:CreateFunction"
    assert lambda_.action("ListLayers") == "lambda:ListLayers"


def test_an_operation_keeps_its_name_and_its_docstring() -> None:
    assert invoke.__name__ == "invoke"
    assert invoke.__doc__ == "Answer with what was sent."


async def test_an_operation_can_be_called_as_the_function_it_is() -> None:
    assert (await invoke(context(), function_name="f", payload=b"x")).payload == b"x"


def test_the_operations_of_a_module_are_those_it_defines() -> None:
    found = operations_in(sys.modules[__name__])
    assert {operation.name for operation in found} == {
        "CreateFunction",
        "Invoke",
        "TagResource",
        "DescribeLogGroups",
        "GetRole",
    }


def test_an_operation_can_be_bound_once_and_to_its_own_service() -> None:
    with pytest.raises(ModelMismatch, match="one operation"):
        service(LAMBDA, invoke, invoke)
    with pytest.raises(ModelMismatch, match="does not belong to logs"):
        service(LOGS, invoke)


async def unheard_of(ctx: Context[Any]) -> None: ...
async def get_alias(ctx: Context[Any], *, function: str, name: str) -> None: ...
async def get_policy(ctx: Context[Any], *, function_name: str | None = None) -> None: ...
async def get_layer_version(ctx: Context[Any], *, layer_name: str, version_number: str) -> None: ...
async def list_aliases(ctx: Context[Any], *, function_name: str, marker: str) -> None: ...
async def list_tags(ctx: Context[Any], resource: str) -> None: ...
async def untag_resource(ctx: Context[Any], *, resource: str, tag_keys: list[int]) -> None: ...
async def get_account_settings(ctx: Context[Any]) -> Environment: ...


class AccountLimit(Shape):
    total_code_size: int = 5


class AccountSettings(Shape):
    account_limit: AccountLimit


class SnapStart(StrEnum):
    SOMETIMES = "Sometimes"


class SnapStartShape(Shape):
    apply_on: SnapStart | None = None


async def update_function_configuration(
    ctx: Context[Any], *, function_name: str, snap_start: SnapStartShape | None = None
) -> None: ...


async def defaults_are_not_sent(ctx: Context[Any]) -> AccountSettings: ...


defaults_are_not_sent.__name__ = "get_account_settings"


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (unheard_of, "lambda has no operation unheard_of"),
        (get_alias, "no member is called function"),
        (get_policy, "FunctionName is required"),
        (get_layer_version, "long"),
        (list_aliases, "Marker is optional"),
        (list_tags, "keyword-only"),
        (untag_resource, "string"),
        (get_account_settings, "has no member Variables"),
        (update_function_configuration, "SnapStartApplyOn has no value Sometimes"),
        (defaults_are_not_sent, "a default is not sent"),
    ],
)
def test_a_signature_that_the_model_does_not_have_fails_at_import(
    function: Callable[..., Awaitable[Any]], complaint: str
) -> None:
    with pytest.raises(ModelMismatch, match=complaint):
        LAMBDA.operation(function)
