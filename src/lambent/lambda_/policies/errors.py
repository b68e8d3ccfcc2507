"""How calls that keep or ask a resource policy fail, a function's or a layer version's."""

from __future__ import annotations

from lambent.core.errors import AwsError


class PrincipalInvalid(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "The provided principal was invalid. Please check the principal and try again."


class ActionUnknown(AwsError, code="InvalidParameterValueException"):
    """The sentence is ours."""

    message = "The action {action} does not exist. Please check the action and try again."


class AuthTypeUnexpected(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"


class LatestHasNoPolicy(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "We currently do not support adding policies for $LATEST."


class StatementExists(AwsError, code="ResourceConflictException"):
    """Recorded of layers; as users report it of functions."""

    message = (
        "The statement id ({sid}) provided already exists. "
        "Please provide a new statement id, or remove the existing statement."
    )


class StatementNotFound(AwsError, code="ResourceNotFoundException"):
    """Recorded."""

    message = "Statement {sid} is not found in resource policy."


class NoPolicyFound(AwsError, code="ResourceNotFoundException"):
    """Recorded, of RemovePermission on a function that does not exist."""

    message = "No policy found for: {arn}"


class NoPolicyAssociated(AwsError, code="ResourceNotFoundException"):
    """Recorded of functions; as users report it of layers."""

    message = "No policy is associated with the given resource."


class NoSuchPolicy(AwsError, code="ResourceNotFoundException"):
    """Recorded, of reading a policy that there is not."""

    message = "The resource you requested does not exist."


class PolicyTooLong(AwsError, code="PolicyLengthExceededException"):
    """As users report it."""

    message = "The final policy size ({size}) is bigger than the limit ({limit})."


class PolicyPublic(AwsError, code="PublicPolicyException"):
    """The model's documentation has the rule; the sentence is ours."""

    message = (
        "Lambda blocked the creation of this policy because it would grant public access to your function. "
        "Name the principals, or add a condition that tells whose requests are meant."
    )


class PolicyInvalid(AwsError, code="InvalidParameterValueException"):
    """Ours, and so are the reasons: nobody has recorded how AWS refuses a whole document."""

    message = "The resource policy is not valid: {reason}."


class NotAuthorized(AwsError, code="AccessDeniedException", status=403):
    """What is another account's, and no policy opens to the caller; whether it exists is not told.

    Recorded without a sentence for functions; as users report it for layers, and it is IAM's for such a case.
    """

    message = (
        "User: {caller} is not authorized to perform: {action} on resource: {arn} "
        "because no resource-based policy allows the {action} action"
    )
    message_key = "Message"


class ExplicitlyDenied(AwsError, code="AccessDeniedException", status=403):
    """IAM's sentence for an explicit Deny."""

    message = (
        "User: {caller} is not authorized to perform: {action} on resource: {arn} "
        "with an explicit deny in a resource-based policy"
    )
    message_key = "Message"
