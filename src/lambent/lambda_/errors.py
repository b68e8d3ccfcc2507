"""Every way in which a call of the Lambda control plane fails, each with AWS's sentence.

Sentences marked "recorded" are in reference/lambda.md 14 or 2.1; the others are ours, for situations that AWS does
not have (a member that Lambent cannot honour yet) or whose sentence nobody has recorded.
"""

from __future__ import annotations

from typing import Self

from lambent.core.errors import AwsError
from lambent.core.ports import CallRefused

# Names


class FunctionNotFound(AwsError, code="ResourceNotFoundException"):
    """Recorded; the ARN carries the qualifier when one was given."""

    message = "Function not found: {arn}"


class FunctionAlreadyExists(AwsError, code="ResourceConflictException"):
    message = "Function already exist: {name}"


class FunctionInOtherRegion(AwsError, code="ResourceNotFoundException"):
    """Recorded."""

    message = "Functions from '{other}' are not reachable in this region ('{region}')"


class FunctionInOtherAccount(AwsError, code="AccessDeniedException", status=403):
    """Recorded, of CreateFunction; of operations that do not ask the function's policies.

    Those that do raise `policies.errors.NotAuthorized`.
    """

    message = None
    message_key = "Message"


class QualifierMismatch(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "The derived qualifier from the function name does not match the specified qualifier."


class FunctionNameTooLong(AwsError, code="InvalidParameterValueException"):
    """Recorded, with this code although it reads like a ValidationException."""

    message = (
        "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to {maximum}"
    )


class FunctionNameMalformed(AwsError, code="InvalidParameterValueException"):
    """Reached only from inside: at the door the model's pattern has refused the name already."""

    message = "'{name}' is not the name or ARN of a function"


class QualifierNotAllowed(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )


class LatestCannotBeDeleted(AwsError, code="InvalidParameterValueException"):
    message = "$LATEST version cannot be deleted without deleting the function."


class VersionReferenced(AwsError, code="ResourceConflictException"):
    """As users report it."""

    message = "Unable to delete version because the following aliases reference it: [{aliases}]"


class AliasNotDeleted(AwsError, code="InvalidParameterValueException"):
    """Ours: DeleteFunction takes a version as its qualifier, DeleteAlias an alias."""

    message = "DeleteFunction deletes a function or one version of it. Use DeleteAlias to delete the alias {name}."


# States and guards


class RevisionMismatch(AwsError, code="PreconditionFailedException"):
    """Recorded, with "GetFunction/GetAlias" (READER), with GetPolicy and with GetLayerPolicy: `reader` is who tells it."""

    READER = "GetFunction/GetAlias"
    message = (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the {reader} API to retrieve the latest Revision Id"
    )


class CodeSha256Mismatch(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )


class FunctionPending(AwsError, code="ResourceConflictException"):
    """Changing a function that is being created; text from reports (2.1)."""

    message = (
        "The operation cannot be performed at this time. The resource {arn} is currently in the following state: "
        "'Pending'. StateReasonCode: 'Creating'"
    )


class UpdateInProgress(AwsError, code="ResourceConflictException"):
    """Recorded."""

    message = "The operation cannot be performed at this time. An update is in progress for resource: {arn}"


class FunctionNotInvocable(AwsError, code="ResourceConflictException"):
    """Invoking a version that is Pending or Failed; text from reports (2.1)."""

    message = (
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    )


# Packages


class ZipTooLarge(AwsError, code="RequestEntityTooLargeException", status=413):
    """Recorded; no error shape of the model."""

    message = "Zipped size must be smaller than {maximum} bytes"


class PackageTooLarge(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Unzipped size must be smaller than {maximum} bytes"


class PackageLost(AwsError, code="InvalidZipFileException", status=502):
    """Ours, with the code that Invoke has for a package that cannot be unpacked: it was taken from the disk, or damaged."""

    message = (
        "The deployment package {digest} is not in the code store any more. "
        "Upload it again, with UpdateFunctionCode or PublishLayerVersion."
    )


class PackageUnreadable(AwsError, code="InvalidParameterValueException"):
    """Recorded. Why the archive was refused stands in `reason`, for the log: AWS does not tell either."""

    message = "Could not unzip uploaded file. Please check your file, then try to upload again."


class PackageEmpty(AwsError, code="InvalidParameterValueException"):
    message = "Uploaded file must be a non-empty zip"


class CodeMissing(AwsError, code="InvalidParameterValueException"):
    message = "Please provide a source for function code."


# Configuration


class RuntimeAndHandlerRequired(AwsError, code="InvalidParameterValueException"):
    message = "Runtime and Handler are mandatory parameters for functions created with deployment packages."


class RuntimeUnknown(AwsError, code="InvalidParameterValueException"):
    """Recorded; not a ValidationException, and with no quotes about the value."""

    message = (
        "Value {runtime} at 'runtime' failed to satisfy constraint: "
        "Member must satisfy enum value set: [{supported}] or be a valid ARN"
    )


class RuntimeNotSupported(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions."
    )


class RoleNotAssumable(AwsError, code="InvalidParameterValueException"):
    message = "The role defined for the function cannot be assumed by Lambda."


class AboveMaximum(AwsError, code="InvalidParameterValueException"):
    """A number within the model's bounds, which hold for Managed Instances, but above those of a function."""

    message = "'{member}' value failed to satisfy constraint: Member must have value less than or equal to {maximum}"


class LogLevelWithText(AwsError, code="InvalidParameterValueException"):
    """Recorded as far as its first sentence (2.6); the second is AWS's too, as users report it."""

    message = (
        'LogLevel is not supported when LogFormat is set to "Text". '
        'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.'
    )


class EnvironmentTooLarge(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "exceeded the 4KB limit. String measured: {measured}"
    )


class EnvironmentReserved(AwsError, code="InvalidParameterValueException"):
    """Text from reports (2.7)."""

    message = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        "contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: {keys}"
    )


class NulNotAllowed(AwsError, code="InvalidParameterValueException"):
    """Ours: neither an environment variable nor a file's name can hold one, so the function could never start."""

    message = "{member} must not contain the character U+0000."


class SubnetsAndGroupsTogether(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "SubnetIds and SecurityIds must coexist or be both empty list."


class AnotherServiceRefused(AwsError, code="InvalidParameterValueException"):
    """Recorded, of several services that Lambda asks while it handles a request."""

    message = (
        "Error occurred while {operation}. {service} Error Code: {error_code}. {service} Error Message: {error_message}"
    )

    @classmethod
    def telling(cls, refused: CallRefused) -> Self:
        """What the other service said."""
        return cls(
            operation=refused.operation,
            service=refused.service,
            error_code=refused.code,
            error_message=refused.message,
        )


class ObjectDenied(AwsError, code="AccessDeniedException", status=403):
    """As users report it (awslabs/lambda-streams-to-firehose#21, buildkite/elastic-ci-stack-for-aws#564)."""

    message = (
        "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
        "{bucket}/{key}. S3 Error Code: AccessDenied. S3 Error Message: Access Denied"
    )
    message_key = "Message"


class FileSystemNeedsVpc(AwsError, code="InvalidParameterValueException"):
    """As users report it (cfn-lint#4408)."""

    message = "Function must be configured to execute in a VPC to reference access point {arn}."


class S3FilesConfigUnexpected(AwsError, code="InvalidParameterValueException"):
    """The model's documentation has the rule; the sentence is ours."""

    message = "S3FilesConfig is only valid for an Amazon S3 Files access point."


class DeadLetterTargetInvalid(AwsError, code="InvalidParameterValueException"):
    """Ours: AWS's reports show only other cases."""

    message = "Invalid dead letter ARN: {arn} is not the ARN of a standard SQS queue or a standard SNS topic."


class SnapStartNotSupported(AwsError, code="InvalidParameterValueException"):
    """As users report it."""

    message = "{runtime} is not supported for SnapStart enabled functions."


class SnapStartExcludes(AwsError, code="InvalidParameterValueException"):
    """The developer guide has the rule; the sentence is ours."""

    message = "SnapStart does not support {what}."


class ImageMemberUnexpected(AwsError, code="InvalidParameterValueException"):
    """As users report it (pulumi-aws#5439)."""

    message = "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."


class ZipMemberUnexpected(AwsError, code="InvalidParameterValueException"):
    """Ours, after the sentences for the other cases."""

    message = "Please don't provide {member} when the intended function PackageType is Zip."


class ImageUriUnexpected(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Please don't provide ImageUri when updating a function with packageType Zip."


class ImageUriRequired(AwsError, code="InvalidParameterValueException"):
    """Ours, after the sentence for the other case."""

    message = "Please provide ImageUri when updating a function with packageType Image."


class ImageAndZip(AwsError, code="InvalidParameterValueException"):
    message = "Please do not provide other FunctionCode parameters when providing a ZipFile or an ImageUri."


class MemberNotSupported(AwsError, code="InvalidParameterValueException"):
    """Ours: the member would change what the function does, and Lambent cannot honour it yet."""

    message = "{member} is not supported by this version of Lambent."


class MarkerInvalid(AwsError, code="InvalidParameterValueException"):
    """Ours: no recording of what AWS says."""

    message = "The marker is invalid. Use the NextMarker of the page before."


# Tags


class TooManyTags(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Number of tags exceeds resource tag limit."


class TagKeyReserved(AwsError, code="InvalidParameterValueException"):
    """As CloudFormation, Resource Explorer and others say it; not recorded of Lambda."""

    message = "aws: prefixed tag key names are not allowed for external use."


class TagsMissing(AwsError, code="InvalidParameterValueException"):
    """Recorded, for TagResource with no tags."""

    message = "An error occurred and the request cannot be processed."


class VersionNotTaggable(AwsError, code="InvalidParameterValueException"):
    message = "Tags on function aliases and versions are not supported. Please specify a function ARN."


class ResourceNotTaggable(AwsError, code="ResourceNotFoundException"):
    """Recorded, for each kind of resource but functions; none of those exists yet."""

    message = "{kind} not found: {arn}"
