"""STS's errors, one class a situation."""

from __future__ import annotations

from lambent.core.errors import AwsError


class AssumeRoleDenied(AwsError, code="AccessDenied", status=403):
    """The role does not exist, or does not trust the caller: which of them, AWS does not tell either."""

    message = "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"


class DurationExceedsRole(AwsError, code="ValidationError", status=400):
    message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."


class DurationExceedsChaining(AwsError, code="ValidationError", status=400):
    message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."


class NotARoleArn(AwsError, code="ValidationError", status=400):
    message = "{arn} is invalid"


class SessionTokenDenied(AwsError, code="AccessDenied", status=403):
    message = "Cannot call GetSessionToken with session credentials"


class SessionPolicyNotImplemented(AwsError, code="NotImplemented", status=501):
    """Ours: ignoring a policy that narrows a session would grant more than was asked for."""

    message = (
        "Lambent does not evaluate session policies yet, and does not ignore them: call AssumeRole without {member}."
    )
