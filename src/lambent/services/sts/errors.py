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


class TagSessionDenied(AwsError, code="AccessDenied", status=403):
    message = "User: {caller} is not authorized to perform: sts:TagSession on resource: {role_arn}"


class DuplicateSessionTags(AwsError, code="InvalidParameterValue", status=400):
    """Recorded, as the two that follow."""

    message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."


class TransitiveTagMissing(AwsError, code="InvalidParameterValue", status=400):
    message = "The specified transitive tag key must be included in the requested tags."


class TransitiveTagKept(AwsError, code="InvalidParameterValue", status=400):
    message = (
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
        "from the calling session."
    )


class SessionTagsTooLarge(AwsError, code="PackedPolicyTooLargeException"):
    """The sentence is AWS's, as its users quote it."""

    message = "Packed policy consumes {percent}% of allotted space, please use smaller policy."


class SessionTokenDenied(AwsError, code="AccessDenied", status=403):
    message = "Cannot call GetSessionToken with session credentials"


class SessionPolicyNotImplemented(AwsError, code="NotImplemented", status=501):
    """Ours: ignoring a policy that narrows a session would grant more than was asked for."""

    message = (
        "Lambent does not evaluate session policies yet, and does not ignore them: call AssumeRole without {member}."
    )
