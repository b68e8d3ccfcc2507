"""The layers of a function: which it may have, and how much of them and its code there may be.

A function version keeps the content of each of its layers, not only the name: a layer version that is deleted, or no
longer shared, stays with those that have it. Sources: reference/lambda.md 2.4, 6, 14; Lambda developer guide, "Adding
layers to functions"; the sentences of sizes as users report them (aws-samples/serverless-pdf-chat 51,
ministackorg/ministack 1414, agutoli/serverless-layers 51).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lambent.core.kernel import Caller
from lambent.lambda_.code.store import Code
from lambent.lambda_.errors import PackageTooLarge
from lambent.lambda_.layers.errors import (
    CodeWithLayersTooLarge,
    LayerNamedTwice,
    LayersInOtherRegion,
    LayersTooLarge,
    NoSuchLayerVersion,
    TooManyLayers,
)
from lambent.lambda_.layers.layer import USE
from lambent.lambda_.layers.names import LayerArn
from lambent.lambda_.layers.store import Layers
from lambent.lambda_.limits import LAYERS_MAX, UNZIPPED_MAX_BYTES
from lambent.lambda_.policies.errors import NotAuthorized


class AttachedLayer(msgspec.Struct, frozen=True):
    """A layer version as a function has it."""

    arn: LayerArn
    code: Code


AttachedLayers = tuple[AttachedLayer, ...]  # in the order in which they are merged: the later one wins


def attached(layers: Layers, arns: Sequence[str], caller: Caller, region: str) -> AttachedLayers:
    """What the caller may give a function in the region.

    Raises TooManyLayers, NoSuchLayerVersion, LayersInOtherRegion, NotAuthorized, LayerNamedTwice, LayersTooLarge.
    """
    if len(arns) > LAYERS_MAX:
        raise TooManyLayers(maximum=LAYERS_MAX)
    found: dict[LayerArn, AttachedLayer] = {}
    for text in arns:
        layer = _usable(layers, text, caller, region)
        first = found.setdefault(layer.arn.layer, layer)
        if first is not layer:
            raise LayerNamedTwice(first=first.arn, second=layer.arn)
    if unzipped_bytes(tuple(found.values())) >= UNZIPPED_MAX_BYTES:
        raise LayersTooLarge(maximum=UNZIPPED_MAX_BYTES)
    return tuple(found.values())


def _usable(layers: Layers, text: str, caller: Caller, region: str) -> AttachedLayer:
    arn = LayerArn.parsed(text)
    if arn is None:
        raise NoSuchLayerVersion(arn=text)
    version = layers.find(arn) if arn.region == region else None
    if arn.account != caller.account and (version is None or not version.shared_with(caller.account)):
        raise NotAuthorized(caller=caller.arn, action=USE, arn=arn)
    if arn.region != region:
        raise LayersInOtherRegion(region=region)
    if version is None:
        raise NoSuchLayerVersion(arn=arn)
    return AttachedLayer(version.arn, version.code)


def unzipped_bytes(layers: AttachedLayers) -> int:
    """What the layers take together, whether or not some of their files hide others."""
    return sum(layer.code.unzipped_bytes for layer in layers)


def check_code(code: Code, layers: AttachedLayers) -> None:
    """Refuse code for which the layers leave no room. Raises PackageTooLarge."""
    room = UNZIPPED_MAX_BYTES - unzipped_bytes(layers)
    if code.unzipped_bytes > room:
        raise PackageTooLarge(maximum=room)


def check_layers(layers: AttachedLayers, code: Code) -> None:
    """Refuse layers for which the code leaves no room. Raises CodeWithLayersTooLarge."""
    actual = code.unzipped_bytes + unzipped_bytes(layers)
    if actual > UNZIPPED_MAX_BYTES:
        raise CodeWithLayersTooLarge(maximum=UNZIPPED_MAX_BYTES, actual=actual)
