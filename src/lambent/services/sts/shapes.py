"""STS's shapes, with the members that Lambent sends."""

from __future__ import annotations

from lambent.core.kernel import Shape


class Credentials(Shape):
    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: float


class AssumedRoleUser(Shape):
    assumed_role_id: str
    arn: str


class Tag(Shape):
    key: str
    value: str


class PolicyDescriptorType(Shape, rename=None):
    arn: str | None = None


class AssumeRoleResponse(Shape):
    credentials: Credentials
    assumed_role_user: AssumedRoleUser
    packed_policy_size: int | None = None  # percent


class GetSessionTokenResponse(Shape):
    credentials: Credentials


class GetCallerIdentityResponse(Shape):
    user_id: str
    account: str
    arn: str
