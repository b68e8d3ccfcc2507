"""Every way in which a call about layers fails, with AWS's sentence.

"Recorded" is in reference/lambda.md 14 or in LocalStack's recordings of AWS; "as users report it" stands in issue
threads; "ours" has no source. How their policies fail is with all policies' errors, in `policies.errors`.
"""

from __future__ import annotations

from lambent.core.errors import AwsError

# Layers and their versions


class LayerVersionBelowOne(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Layer Version Cannot be less than 1"


class LayerVersionNotFound(AwsError, code="ResourceNotFoundException"):
    """Recorded, for reading a layer version that is not there."""

    message = "The resource you requested does not exist."


class LayerVersionMissing(AwsError, code="ResourceNotFoundException"):
    """Recorded, for the policy of a layer version that is not there."""

    message = "Layer version {arn} does not exist."


class LayerContentMissing(AwsError, code="InvalidParameterValueException"):
    """Ours, after the sentence for functions."""

    message = "Please provide a source for layer content."


class LayerContentTwice(AwsError, code="InvalidParameterValueException"):
    """Ours, after the sentence for functions."""

    message = "Please do not provide other Content parameters when providing a ZipFile."


class LayerInOtherRegion(AwsError, code="ResourceNotFoundException"):
    """Ours, after the recorded sentence for functions."""

    message = "Layers from '{other}' are not reachable in this region ('{region}')"


# Layers of functions


class TooManyLayers(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Cannot reference more than {maximum} layers."


class LayersInOtherRegion(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Layers are not in the same region as the function. Layers are expected to be in region {region}."


class NoSuchLayerVersion(AwsError, code="InvalidParameterValueException"):
    """Recorded."""

    message = "Layer version {arn} does not exist."


class LayerNamedTwice(AwsError, code="InvalidParameterValueException"):
    """Recorded, of one version named twice as well."""

    message = (
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        "{first} and {second} are versions of the same layer."
    )


class LayersTooLarge(AwsError, code="InvalidParameterValueException"):
    """As users report it, where the layers alone leave no room."""

    message = "Layers consume more than the available size of {maximum} bytes"


class CodeWithLayersTooLarge(AwsError, code="InvalidParameterValueException"):
    """As users report it, where layers are added to code that is there."""

    message = (
        "Function code combined with layers exceeds the maximum allowed size of {maximum} bytes. "
        "The actual size is {actual} bytes."
    )
