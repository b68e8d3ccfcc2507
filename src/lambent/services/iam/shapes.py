"""IAM's shapes, with the members that Lambent sends; documents go out URL-encoded (RFC 3986), as the API reference
says.
"""

from __future__ import annotations

from lambent.core.kernel import Shape


class Tag(Shape):
    key: str
    value: str


class AttachedPermissionsBoundary(Shape):
    permissions_boundary_type: str
    permissions_boundary_arn: str


class RoleLastUsed(Shape):
    pass


class Role(Shape):
    path: str
    role_name: str
    role_id: str
    arn: str
    create_date: float
    assume_role_policy_document: str
    description: str | None = None
    max_session_duration: int | None = None
    permissions_boundary: AttachedPermissionsBoundary | None = None
    tags: list[Tag] | None = None
    role_last_used: RoleLastUsed | None = None


class AttachedPolicy(Shape):
    policy_name: str
    policy_arn: str


class Policy(Shape):
    policy_name: str
    policy_id: str
    arn: str
    path: str
    default_version_id: str
    attachment_count: int
    permissions_boundary_usage_count: int
    is_attachable: bool
    create_date: float
    update_date: float
    description: str | None = None
    tags: list[Tag] | None = None


class PolicyVersion(Shape):
    version_id: str
    is_default_version: bool
    create_date: float
    document: str | None = None


class InstanceProfile(Shape):
    path: str
    instance_profile_name: str


class CreateRoleResponse(Shape):
    role: Role


class GetRoleResponse(Shape):
    role: Role


class UpdateRoleResponse(Shape):
    pass


class ListRolesResponse(Shape):
    roles: list[Role]
    is_truncated: bool
    marker: str | None = None


class ListRoleTagsResponse(Shape):
    tags: list[Tag]
    is_truncated: bool
    marker: str | None = None


class GetRolePolicyResponse(Shape):
    role_name: str
    policy_name: str
    policy_document: str


class ListRolePoliciesResponse(Shape):
    policy_names: list[str]
    is_truncated: bool
    marker: str | None = None


class ListAttachedRolePoliciesResponse(Shape):
    attached_policies: list[AttachedPolicy]
    is_truncated: bool
    marker: str | None = None


class CreatePolicyResponse(Shape):
    policy: Policy


class GetPolicyResponse(Shape):
    policy: Policy


class GetPolicyVersionResponse(Shape):
    policy_version: PolicyVersion


class ListPolicyVersionsResponse(Shape):
    versions: list[PolicyVersion]
    is_truncated: bool
    marker: str | None = None


class ListPoliciesResponse(Shape):
    policies: list[Policy]
    is_truncated: bool
    marker: str | None = None


class ListInstanceProfilesForRoleResponse(Shape):
    instance_profiles: list[InstanceProfile]
    is_truncated: bool
    marker: str | None = None
