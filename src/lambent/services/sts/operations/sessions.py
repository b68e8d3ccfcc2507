"""Sessions and identity. Source of behaviour: STS API reference, the operations of the same names."""

from __future__ import annotations

import re
from typing import Final

from lambent.core.kernel import Context
from lambent.core.ports import SessionCredentials
from lambent.services.sts.errors import (
    AssumeRoleDenied,
    DurationExceedsChaining,
    DurationExceedsRole,
    NotARoleArn,
    SessionPolicyNotImplemented,
    SessionTokenDenied,
    TagSessionDenied,
)
from lambent.services.sts.limits import (
    ASSUME_ROLE_DEFAULT_S,
    ROLE_CHAINING_MAX_S,
    SESSION_TOKEN_DEFAULT_S,
    SESSION_TOKEN_ROOT_MAX_S,
)
from lambent.services.sts.session_tags import packed_percent, session_tags
from lambent.services.sts.shapes import (
    AssumedRoleUser,
    AssumeRoleResponse,
    Credentials,
    GetCallerIdentityResponse,
    GetSessionTokenResponse,
    PolicyDescriptorType,
    Tag,
)
from lambent.services.sts.state import STS, Sts

ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


@STS.operation(refused=("Policy", "PolicyArns"))
async def assume_role(
    ctx: Context[Sts],
    *,
    role_arn: str,
    role_session_name: str,
    duration_seconds: int = ASSUME_ROLE_DEFAULT_S,
    external_id: str | None = None,
    policy: str | None = None,
    policy_arns: list[PolicyDescriptorType] | None = None,
    tags: list[Tag] | None = None,
    transitive_tag_keys: list[str] | None = None,
) -> AssumeRoleResponse:
    """Give temporary credentials of a role that trusts the caller.

    AWS refuses its root user here ("Roles may not be assumed by root accounts"). Lambent lets root in where the trust
    policy does, because the only long-term key that there is so far is root's.

    Tags need a trust policy that allows sts:TagSession as well, but for those that the calling session hands on.

    Errors: AccessDenied, ValidationError, InvalidParameterValue, PackedPolicyTooLarge.
    """
    if policy is not None or policy_arns:
        raise SessionPolicyNotImplemented(member="Policy" if policy is not None else "PolicyArns")
    if not ROLE_ARN.fullmatch(role_arn):
        raise NotARoleArn(arn=role_arn)
    given, transitive = tags or [], transitive_tag_keys or []
    session_has = session_tags(given, transitive, ctx.caller.session_tags)
    context = {
        "sts:rolesessionname": (role_session_name,),
        "aws:principalarn": (ctx.caller.arn,),
        "aws:tagkeys": tuple(tag.key for tag in given),
        "sts:transitivetagkeys": tuple(transitive),
    }
    context |= {f"aws:requesttag/{tag.key.lower()}": (tag.value,) for tag in given}
    context |= {f"aws:principaltag/{tag.key.lower()}": (tag.value,) for tag in ctx.caller.session_tags}
    if external_id is not None:
        context["sts:externalid"] = (external_id,)
    role = ctx.state.roles.assumable_by_caller(role_arn, ctx.caller, context)
    if role is None:
        raise AssumeRoleDenied(caller=ctx.caller.arn, role_arn=role_arn)
    if given and not ctx.state.roles.taggable_by_caller(role_arn, ctx.caller, context):
        raise TagSessionDenied(caller=ctx.caller.arn, role_arn=role_arn)
    if duration_seconds > role.max_session_duration_s:
        raise DurationExceedsRole
    if ctx.caller.session_name is not None and duration_seconds > ROLE_CHAINING_MAX_S:
        raise DurationExceedsChaining
    session = ctx.state.keys.issue(role.arn, role_session_name, duration_seconds, session_has)
    return AssumeRoleResponse(
        credentials=_told(session),
        assumed_role_user=AssumedRoleUser(
            assumed_role_id=f"{role.role_id}:{role_session_name}",
            arn=f"arn:{ctx.partition}:sts::{role.account}:assumed-role/{role.name}/{role_session_name}",
        ),
        packed_policy_size=packed_percent(session_has) if session_has else None,
    )


@STS.operation
async def get_session_token(ctx: Context[Sts], *, duration_seconds: int | None = None) -> GetSessionTokenResponse:
    """Give temporary credentials of the caller itself; for root an hour at most, and longer requests get an hour.

    Errors: AccessDenied (the caller has temporary credentials already).
    """
    caller = ctx.caller
    if caller.access_key.startswith("ASIA"):
        raise SessionTokenDenied
    asked = duration_seconds or SESSION_TOKEN_DEFAULT_S
    allowed = min(asked, SESSION_TOKEN_ROOT_MAX_S) if caller.is_root else asked
    session = ctx.state.keys.session(
        caller.account, caller.arn, caller.principal_id, None, allowed, is_root=caller.is_root
    )
    return GetSessionTokenResponse(credentials=_told(session))


@STS.operation
async def get_caller_identity(ctx: Context[Sts]) -> GetCallerIdentityResponse:
    """Tell whose credentials signed the request; nobody needs a permission for it."""
    return GetCallerIdentityResponse(user_id=ctx.caller.principal_id, account=ctx.account, arn=ctx.caller.arn)


def _told(session: SessionCredentials) -> Credentials:
    return Credentials(
        access_key_id=session.access_key_id,
        secret_access_key=session.secret_access_key,
        session_token=session.session_token,
        expiration=session.expires_at,
    )
