"""A gateway over three small services that are bound to AWS's real models, and the credentials of one account.

The services are not twins of ours: they are the least that lets a request go all the way through each protocol.
"""

from __future__ import annotations

from typing import Any, Final

from lambent.core.clock import Clock
from lambent.core.ids import Ids
from lambent.core.kernel import Binding, Caller, Context, Service, Shape
from lambent.core.ports import Principal, Site
from lambent.gateway.gateway import Gateway, Mode
from tests.wire.signing import ACCESS_KEY, SECRET

ACCOUNT: Final = "123456789012"
LAMBDA: Final = Binding("lambda")
LOGS: Final = Binding("logs")
STS: Final = Binding("sts")

ROOT: Final = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, ACCESS_KEY, is_root=True)
SESSION: Final = Caller(
    ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/hello", "AROA1:hello", "ASIASESSION", session_name="hello"
)
USER: Final = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/eve", "AIDA1", "AKIAUSER")
STRANGER: Final = Caller("999999999999", "arn:aws:iam::999999999999:root", "999999999999", "AKIASTRANGER", is_root=True)


class InvocationResponse(Shape):
    status_code: int | None = None
    payload: bytes | None = None
    executed_version: str | None = None


class GetCallerIdentityResponse(Shape):
    user_id: str | None = None
    account: str | None = None
    arn: str | None = None


class DescribeLogGroupsResponse(Shape, rename="camel"):
    next_token: str | None = None


@LAMBDA.operation(action="lambda:InvokeFunction")
async def invoke(
    ctx: Context[None], *, function_name: str, payload: bytes | None = None, qualifier: str | None = None
) -> InvocationResponse:
    """Give back what was sent; `broken` raises what no one expects."""
    if function_name == "broken":
        raise RuntimeError("the secret of the trace")
    return InvocationResponse(status_code=200, payload=payload or b"null", executed_version=qualifier or "$LATEST")


@LAMBDA.operation
async def create_function(ctx: Context[None], *, function_name: str, role: str, code: dict[str, Any]) -> None:
    """Accept anything."""


@STS.operation
async def get_caller_identity(ctx: Context[None]) -> GetCallerIdentityResponse:
    """Tell who the gateway says is calling."""
    return GetCallerIdentityResponse(user_id=ctx.caller.principal_id, account=ctx.account, arn=ctx.caller.arn)


@LOGS.operation
async def describe_log_groups(
    ctx: Context[None], *, log_group_name_prefix: str | None = None
) -> DescribeLogGroupsResponse:
    """Tell the region in which the gateway says it was called."""
    return DescribeLogGroupsResponse(next_token=ctx.region)


class Keys:
    """The access keys of this test: a root, a role session (also one that has ended), a user, and another account's."""

    def __init__(self) -> None:
        self._keys: Final = {
            (ACCESS_KEY, None): Principal(SECRET, ROOT),
            ("ASIASESSION", "token"): Principal(SECRET, SESSION, expires_at=4_000_000_000.0),
            ("ASIASESSION", "ended"): Principal(SECRET, SESSION, expires_at=1_000_000_000.0),
            ("AKIAUSER", None): Principal(SECRET, USER),
            ("AKIASTRANGER", None): Principal(SECRET, STRANGER),
        }

    def lookup(self, access_key_id: str, session_token: str | None) -> Principal | None:
        return self._keys.get((access_key_id, session_token))


def services() -> dict[str, Service[Any]]:
    made = (
        Service(LAMBDA, None, [invoke, create_function]),
        Service(LOGS, None, [describe_log_groups]),
        Service(STS, None, [get_caller_identity]),
    )
    return {service.name: service for service in made}


def gateway(auth: Mode = "enforced", site: Site | None = None) -> Gateway:
    return Gateway(
        services(),
        Keys(),
        auth=auth,
        clock=Clock(),
        ids=Ids(),
        account=ACCOUNT if auth == "enforced" else "000000000000",
        region="us-east-1",
        version="0.0-test",
        site=site,
    )
