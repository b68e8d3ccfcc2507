"""IAM's errors, one class a situation; codes are the model's error shapes.

The sentences are what AWS answers, as users of its tools quote them in issue threads and forums; those of policy
documents are beside the grammar that gives them (policy.py).
"""

from __future__ import annotations

from lambent.core.errors import AwsError


class RoleNotFound(AwsError, code="NoSuchEntityException"):
    message = "The role with name {name} cannot be found."


class RolePolicyNotFound(AwsError, code="NoSuchEntityException"):
    message = "The role policy with name {name} cannot be found."


class PolicyNotFound(AwsError, code="NoSuchEntityException"):
    message = "Policy {arn} was not found."


class PolicyVersionNotFound(AwsError, code="NoSuchEntityException"):
    message = "Policy {arn} version {version} does not exist or is not attachable."


class PolicyNotAttachable(AwsError, code="NoSuchEntityException"):
    message = "Policy {arn} does not exist or is not attachable."


class RoleAlreadyExists(AwsError, code="EntityAlreadyExistsException"):
    message = "Role with name {name} already exists."


class PolicyAlreadyExists(AwsError, code="EntityAlreadyExistsException"):
    message = "A policy called {name} already exists. Duplicate names are not allowed."


class RoleHasAttachedPolicies(AwsError, code="DeleteConflictException"):
    message = "Cannot delete entity, must detach all policies first."


class RoleHasInlinePolicies(AwsError, code="DeleteConflictException"):
    message = "Cannot delete entity, must delete policies first."


class PolicyIsAttached(AwsError, code="DeleteConflictException"):
    message = "Cannot delete a policy attached to entities."


class PolicyNotOurs(AwsError, code="AccessDenied", status=403):
    """Policies of AWS's own are nobody's to change."""

    message = "User: {caller} is not authorized to perform: {action} on resource: policy {arn}"


class QuotaExceeded(AwsError, code="LimitExceededException"):
    message = "Cannot exceed quota for {quota}: {limit}"


class InlinePoliciesTooLarge(AwsError, code="LimitExceededException"):
    message = "Maximum policy size of {limit} bytes exceeded for role {name}"


class MalformedPolicyDocument(AwsError, code="MalformedPolicyDocumentException"):
    """A document that breaks the grammar; policy.py has a class for each way."""


class InvalidMarker(AwsError, code="ValidationError", status=400):
    message = "Invalid Marker."


class DuplicateTagKeys(AwsError, code="InvalidInputException"):
    message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
