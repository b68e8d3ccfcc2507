"""Every way in which a call about event source mappings fails, each with AWS's sentence.

"Recorded": reference/lambda.md 14, or a recording of AWS that is published. "Reported": as users quote AWS in issues. The
others are ours, for situations whose sentence nobody has published; they keep to AWS's code.
"""

from __future__ import annotations

from lambent.core.errors import AwsError

# The mapping and its state


class MappingNotFound(AwsError, code="ResourceNotFoundException"):
    """Recorded."""

    message = "The resource you requested does not exist."


class MappingNotUpdatable(AwsError, code="ResourceInUseException"):
    """Reported."""

    message = "Cannot update the event source mapping because it is in use."


class MappingNotDeletable(AwsError, code="ResourceInUseException"):
    """Reported."""

    message = "Cannot delete the event source mapping because it is in use."


class QueueMappingExists(AwsError, code="ResourceConflictException"):
    """Reported, with these blanks."""

    message = (
        'An event source mapping with SQS arn (" {source} ") and function (" {name} ") already exists. '
        "Please update or delete the existing mapping with UUID {uuid}"
    )


class StreamMappingExists(AwsError, code="ResourceConflictException"):
    """Recorded, with these blanks."""

    message = (
        'The event source arn (" {source} ") and function (" {name} ") provided mapping already exists. '
        "Please update or delete the existing mapping with UUID {uuid}"
    )


class TopicMappingExists(AwsError, code="ResourceConflictException"):
    """Recorded."""

    message = (
        'An event source mapping with event source ("{source}"), function ("{function}"), topics ("{topics}") '
        "already exists. Please update or delete the existing mapping with UUID {uuid}"
    )


class SourceMappingExists(AwsError, code="ResourceConflictException"):
    """Ours, for brokers and document databases, after the recorded ones."""

    message = (
        'An event source mapping with event source ("{source}"), function ("{function}") '
        "already exists. Please update or delete the existing mapping with UUID {uuid}"
    )


class ConsumerGroupTaken(AwsError, code="ResourceConflictException"):
    """The rule is the model's ("must be unique among all your Kafka event sources"); the sentence is ours."""

    message = "The consumer group ID {group} is already used by the event source mapping with UUID {uuid}"


class PollerGroupFull(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "The poller group {group} would have more than {maximum} {what}."


# The function and the source


class FunctionDoesNotExist(AwsError, code="InvalidParameterValueException"):
    """Reported."""

    message = "Function does not exist"


class SourceMissing(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Unrecognized event source."


class SourceUnsupported(AwsError, code="InvalidParameterValueException"):
    """Reported, with this blank before the colon."""

    message = "Unrecognized event source. Unsupported source arn : {arn}"


class SourceTwice(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "Only one of EventSourceArn and SelfManagedEventSource can be specified."


class SourceInOtherRegion(AwsError, code="InvalidParameterValueException"):
    """The rule is the developer guide's; the sentence is ours."""

    message = "The event source {arn} and the function must be in the same Region."


class BrokerInOtherAccount(AwsError, code="InvalidParameterValueException"):
    """The rule is the developer guide's (with-mq); the sentence is ours."""

    message = "The broker {arn} and the function must be in the same account."


class QueueNotFound(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )


class StreamNotFound(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Stream not found: {arn}"


class SourceNotFound(AwsError, code="InvalidParameterValueException"):
    """Ours, for clusters and brokers."""

    message = "Event source not found: {arn}"


class VisibilityTimeoutTooShort(AwsError, code="InvalidParameterValueException"):
    """Reported."""

    message = "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"


# Members


class MemberUnsupported(AwsError, code="InvalidParameterValueException"):
    """Reported; the member as Java writes it."""

    message = "Unsupported '{member}' parameter for given event source mapping type."


class MemberRequired(AwsError, code="InvalidParameterValueException"):
    """Recorded, of sourceAccessConfigurations."""

    message = "Required '{member}' parameter is missing."


class DestinationUnsupported(AwsError, code="InvalidParameterValueException"):
    """Recorded, of OnSuccess, and of queues; other kinds quote the member (`MemberUnsupported`)."""

    message = "Unsupported DestinationConfig parameter for given event source mapping type."


class DestinationMissing(AwsError, code="InvalidParameterValueException"):
    """Reported, of an update with just what AWS shows where nothing is set."""

    message = "The Destination field is required for an OnFailure configuration."


class DestinationInvalid(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "The provided destination config DestinationConfig(onFailure=OnFailure(destination={arn})) is invalid."


class PositionMissing(AwsError, code="InvalidParameterValueException"):
    """Recorded, with this code although it reads like a ValidationException."""

    message = (
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
        "Member must not be null."
    )


class PositionOfQueue(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "StartingPosition is not valid for SQS event sources."


class PositionUnsupported(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Unsupported starting position for arn type: {arn}"


class TimestampMissing(AwsError, code="InvalidParameterValueException"):
    """Reported."""

    message = "Need to specify a timestamp"


class TimestampWithoutPosition(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Timestamp only valid with StartingPosition AT_TIMESTAMP"


class TimestampNegative(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = (
        "Received Exception while reading from provided stream. "
        "class java.lang.Long can not be converted to a Timestamp"
    )


class TimestampInFuture(AwsError, code="InvalidParameterValueException"):
    """The rule is the model's; the sentence is ours."""

    message = "StartingPositionTimestamp cannot be in the future."


class BatchTooLarge(AwsError, code="InvalidParameterValueException"):
    """Reported, of queues."""

    message = "Maximum batch size must be between 1 and {maximum} inclusive"


class BatchWithoutWindow(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"


class WindowOfFifo(AwsError, code="InvalidParameterValueException"):
    """Reported."""

    message = "Batching window is not supported for FIFO queues"


class RecordAgeInvalid(AwsError, code="InvalidParameterValueException"):
    """Reported."""

    message = "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"


class RetriesInfinite(AwsError, code="InvalidParameterValueException"):
    """The rule is the model's; the sentence is ours."""

    message = "MaximumRetryAttempts must be between 0 and 10000 (inclusive) when ConsumptionMode is Queue"


class FilterPatternInvalid(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Invalid filter pattern definition."


class TooManyFilters(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "The number of filters exceeds the quota of {maximum} for an event source mapping."


class AccessTypeUnsupported(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "Source access configuration type {type} is not supported for the given event source mapping type."


class MetricUnsupported(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "Metric {metric} is not supported for the given event source mapping type."


class PollersInvalid(AwsError, code="InvalidParameterValueException"):
    """The bounds are AWS's (ref 4.1); the sentence is ours."""

    message = "{member} must be between {minimum} and {maximum} (inclusive)"


class PollersContradictory(AwsError, code="InvalidParameterValueException"):
    """Ours."""

    message = "MinimumPollers must be less than or equal to MaximumPollers"


class ScaledTwice(AwsError, code="InvalidParameterValueException"):
    """The rule is AWS's (ref 4.3); the sentence is ours."""

    message = "MaximumConcurrency and ProvisionedPollerConfig cannot be specified together"
