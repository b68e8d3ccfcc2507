"""CloudWatch Logs' errors, one class a situation; sentences as its users quote them."""

from __future__ import annotations

from lambent.core.errors import AwsError


class LogGroupNotFound(AwsError, code="ResourceNotFoundException"):
    message = "The specified log group does not exist."


class LogStreamNotFound(AwsError, code="ResourceNotFoundException"):
    message = "The specified log stream does not exist."


class LogGroupAlreadyExists(AwsError, code="ResourceAlreadyExistsException"):
    message = "The specified log group already exists"


class LogStreamAlreadyExists(AwsError, code="ResourceAlreadyExistsException"):
    message = "The specified log stream already exists"


class InvalidParameter(AwsError, code="InvalidParameterException"):
    """The root of what is wrong with members beyond the model's constraints."""


class RetentionNotAllowed(InvalidParameter):
    """The model has no enum for it; the sentence is that of one."""

    message = (
        "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
        "Member must satisfy enum value set: {allowed}"
    )


class NameTooLong(InvalidParameter):
    """Recorded in February 2026; the model has the same limit, and the service does not leave it to the model."""

    message = "Invalid LogGroup or LogStream, both must have length less than or equal to {limit}."


class NoLogGroupGiven(InvalidParameter):
    message = "Either log group name or log group identifier must be specified, but not both."


class NameAndIdentifier(AwsError, code="ValidationException", status=400):
    """Recorded in February 2026 of DescribeLogStreams, whose model does not list this error."""

    message = "LogGroup name and LogGroup ARN are mutually exclusive parameters."


class NotALogGroupArn(InvalidParameter):
    message = "The ARN {arn} does not name a log group of this account and region."


class NotChronological(InvalidParameter):
    message = "Log events in a single PutLogEvents request must be in chronological order."


class BatchSpansTooLong(InvalidParameter):
    message = "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."


class BatchTooLarge(InvalidParameter):
    message = "Upload too large: {size} bytes exceeds limit of {limit}"


class OrderByLastEventWithPrefix(InvalidParameter):
    message = "Cannot order by LastEventTime with a logStreamNamePrefix."


class PrefixAndPattern(InvalidParameter):
    message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."


class NamesAndPrefix(InvalidParameter):
    message = "logStreamNamePrefix and logStreamNames are mutually exclusive."


class EndBeforeStart(InvalidParameter):
    message = "startTime must not be after endTime."


class InvalidNextToken(InvalidParameter):
    message = "The specified nextToken is invalid."


class InvalidFilterPattern(InvalidParameter):
    message = "Invalid filter pattern: {reason}"


class RateExceeded(AwsError, code="ThrottlingException", status=400):
    """No operation of the model names it, and all answer it: CloudWatch Logs API reference, "Common Error Types"."""

    message = "Rate exceeded"


class TooManyGroups(AwsError, code="LimitExceededException"):
    message = "Resource limit exceeded: there are {limit} log groups."


class NoRoomForLogs(AwsError, code="ServiceUnavailableException"):
    """AWS has no such bound; SDKs try again."""

    message = "The service cannot complete the request: {reason}."


class TooManyTags(AwsError, code="TooManyTagsException"):
    message = "The number of tags exceeds the limit of {limit}."
