"""Layers: publish, read, list, delete, share. reference/lambda.md 6, 14."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambent.core.kernel import Context, Shape
from lambent.lambda_.code.sources import S3Object, s3_object
from lambent.lambda_.layers.errors import (
    LayerContentMissing,
    LayerContentTwice,
    LayerInOtherRegion,
    LayerVersionBelowOne,
    LayerVersionMissing,
    LayerVersionNotFound,
)
from lambent.lambda_.layers.layer import USE, Grant, Layer, LayerVersion
from lambent.lambda_.layers.names import LayerArn
from lambent.lambda_.operations.function_code import packaged
from lambent.lambda_.pages import paged
from lambent.lambda_.policies.errors import NotAuthorized
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import HARMLESS
from lambent.lambda_.shapes import timestamp

NUMBER_ROOM: Final = 10**12  # above every version's number: what is left to it sorts as text, the newest first


class LayerVersionContentInput(Shape):
    zip_file: bytes | None = None
    s3_bucket: str | None = msgspec.field(default=None, name="S3Bucket")
    s3_key: str | None = msgspec.field(default=None, name="S3Key")
    s3_object_version: str | None = msgspec.field(default=None, name="S3ObjectVersion")
    s3_object_storage_mode: str | None = msgspec.field(default=None, name="S3ObjectStorageMode")


class LayerVersionContentOutput(Shape):
    location: str
    code_sha256: str
    code_size: int
    signing_profile_version_arn: str | None = None
    signing_job_arn: str | None = None


class LayerVersionsListItem(Shape):
    layer_version_arn: str
    version: int
    description: str
    created_date: str
    compatible_architectures: list[str] | None = None
    compatible_runtimes: list[str] | None = None
    license_info: str | None = None


class GetLayerVersionResponse(LayerVersionsListItem, kw_only=True):
    content: LayerVersionContentOutput
    layer_arn: str


class ListLayerVersionsResponse(Shape):
    layer_versions: list[LayerVersionsListItem]
    next_marker: str | None = None


class LayersListItem(Shape):
    layer_name: str
    layer_arn: str
    latest_matching_version: LayerVersionsListItem


class ListLayersResponse(Shape):
    layers: list[LayersListItem]
    next_marker: str | None = None


class AddLayerVersionPermissionResponse(Shape):
    statement: str
    revision_id: str


class GetLayerVersionPolicyResponse(Shape):
    policy: str
    revision_id: str


def layer_named(ctx: Context[Lambda], layer_name: str) -> LayerArn:
    """The layer that the caller means. Raises LayerInOtherRegion."""
    arn = LayerArn.named(layer_name, ctx.account, ctx.region)
    if arn.region != ctx.region:
        raise LayerInOtherRegion(other=arn.region, region=ctx.region)
    return arn


def owned(ctx: Context[Lambda], arn: LayerArn, action: str) -> LayerArn:
    """The layer, or the version, of the caller's account: a policy shares nothing but the reading of versions.

    Raises NotAuthorized.
    """
    if arn.account != ctx.account:
        raise NotAuthorized(caller=ctx.caller.arn, action=f"lambda:{action}", arn=arn)
    return arn


def version_named(ctx: Context[Lambda], layer_name: str, number: int) -> LayerArn:
    """The ARN of a version, which may not be there. Raises LayerVersionBelowOne, LayerInOtherRegion."""
    if number < 1:
        raise LayerVersionBelowOne
    return layer_named(ctx, layer_name).versioned(number)


def readable(ctx: Context[Lambda], arn: LayerArn) -> LayerVersion:
    """A version that the caller owns, or that is shared with them. Raises NotAuthorized, LayerVersionNotFound."""
    version = ctx.state.layers.find(arn)
    if arn.account != ctx.account and (version is None or not version.shared_with(ctx.account)):
        raise NotAuthorized(caller=ctx.caller.arn, action=USE, arn=arn)
    if version is None:
        raise LayerVersionNotFound
    return version


def facts_of(version: LayerVersion) -> dict[str, Any]:
    """What lists and descriptions have in common."""
    return {
        "layer_version_arn": str(version.arn),
        "version": version.number,
        "description": version.description,
        "created_date": timestamp(version.created_at),
        "compatible_architectures": _list(version.architectures),
        "compatible_runtimes": _list(version.runtimes),
        "license_info": version.license_info,
    }


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def described(ctx: Context[Lambda], version: LayerVersion) -> GetLayerVersionResponse:
    """The version in full, with a link to its archive."""
    return GetLayerVersionResponse(
        **facts_of(version),
        layer_arn=str(version.arn.layer),
        content=LayerVersionContentOutput(
            location=ctx.state.links.to(version.code.digest, ctx.endpoint),
            code_sha256=version.code.sha256,
            code_size=version.code.size_bytes,
            signing_profile_version_arn=version.signed_by and version.signed_by.profile_version_arn,
            signing_job_arn=version.signed_by and version.signed_by.job_arn,
        ),
    )


def archive_of(content: LayerVersionContentInput) -> bytes | S3Object:
    """Where the archive comes from. Raises LayerContentMissing, LayerContentTwice, MemberNotSupported."""
    package = s3_object(content.s3_bucket, content.s3_key, content.s3_object_version, content.s3_object_storage_mode)
    if package is not None and content.zip_file is not None:
        raise LayerContentTwice
    found = package or content.zip_file
    if found is None:
        raise LayerContentMissing
    return found


@LAMBDA.operation(refused=HARMLESS)
async def publish_layer_version(
    ctx: Context[Lambda],
    *,
    layer_name: str,
    content: LayerVersionContentInput,
    description: str = "",
    compatible_runtimes: list[str] | None = None,
    compatible_architectures: list[str] | None = None,
    license_info: str | None = None,
) -> GetLayerVersionResponse:
    """Publish the next version of a layer, which comes into being with its first.

    Errors: InvalidParameterValueException, RequestEntityTooLargeException, CodeStorageExceededException,
    AccessDeniedException (another account's).
    """
    arn = owned(ctx, layer_named(ctx, layer_name), "PublishLayerVersion")
    archive = archive_of(content)
    now = ctx.clock.now()
    async with packaged(ctx, archive) as code:
        signed_by = await ctx.state.deployments.checked(code.digest, str(arn), None)

        def publish(layer: Layer) -> Layer:
            return layer.published(
                code,
                now=now,
                signed_by=signed_by,
                description=description,
                license_info=license_info,
                runtimes=None if compatible_runtimes is None else tuple(compatible_runtimes),
                architectures=None if compatible_architectures is None else tuple(compatible_architectures),
            )

        layer = await ctx.state.layers.change(arn, publish, more_bytes=code.size_bytes)
    return described(ctx, layer.latest)


@LAMBDA.operation
async def get_layer_version(ctx: Context[Lambda], *, layer_name: str, version_number: int) -> GetLayerVersionResponse:
    """Describe a version of a layer of the account, or of one that is shared with it.

    Errors: ResourceNotFoundException, InvalidParameterValueException (a number below 1), AccessDeniedException.
    """
    return described(ctx, readable(ctx, version_named(ctx, layer_name, version_number)))


@LAMBDA.operation(action=USE)
async def get_layer_version_by_arn(ctx: Context[Lambda], *, arn: str) -> GetLayerVersionResponse:
    """Describe the layer version of this ARN.

    Errors: ResourceNotFoundException, AccessDeniedException.
    """
    found = LayerArn.parsed(arn)
    if found is None:
        raise LayerVersionNotFound
    if found.region != ctx.region:
        raise LayerInOtherRegion(other=found.region, region=ctx.region)
    return described(ctx, readable(ctx, found))


@LAMBDA.operation
async def list_layer_versions(
    ctx: Context[Lambda],
    *,
    layer_name: str,
    compatible_runtime: str | None = None,
    compatible_architecture: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> ListLayerVersionsResponse:
    """List a layer's versions that suit, the newest first; none of a layer that is not there.

    Errors: InvalidParameterValueException (Marker), AccessDeniedException (another account's).
    """
    arn = owned(ctx, layer_named(ctx, layer_name), "ListLayerVersions")
    page = paged(
        ctx.state.layers.get(arn).matching(compatible_runtime, compatible_architecture),
        key=lambda version: str(NUMBER_ROOM - version.number),
        scope=f"ListLayerVersions {arn} {compatible_runtime} {compatible_architecture}",
        marker=marker,
        max_items=max_items,
    )
    return ListLayerVersionsResponse(
        layer_versions=[LayerVersionsListItem(**facts_of(version)) for version in page.items], next_marker=page.marker
    )


@LAMBDA.operation
async def list_layers(
    ctx: Context[Lambda],
    *,
    compatible_runtime: str | None = None,
    compatible_architecture: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> ListLayersResponse:
    """List the account's layers in the region by name, those that have a version that suits, each with the newest of these.

    Errors: InvalidParameterValueException (Marker).
    """
    layers = ctx.state.layers.listed(ctx.account, ctx.region)
    suiting = [layer.matching(compatible_runtime, compatible_architecture)[:1] for layer in layers]
    page = paged(
        [newest for versions in suiting for newest in versions],
        key=lambda version: version.arn.name,
        scope=f"ListLayers {ctx.account} {ctx.region} {compatible_runtime} {compatible_architecture}",
        marker=marker,
        max_items=max_items,
    )
    listed = [
        LayersListItem(
            layer_name=version.arn.name,
            layer_arn=str(version.arn.layer),
            latest_matching_version=LayerVersionsListItem(**facts_of(version)),
        )
        for version in page.items
    ]
    return ListLayersResponse(layers=listed, next_marker=page.marker)


@LAMBDA.operation
async def delete_layer_version(ctx: Context[Lambda], *, layer_name: str, version_number: int) -> None:
    """Take a layer version away from those who do not use it yet; one that is not there is no error.

    Errors: InvalidParameterValueException (a number below 1), AccessDeniedException (another account's).
    """
    arn = owned(ctx, version_named(ctx, layer_name, version_number), "DeleteLayerVersion")
    if ctx.state.layers.find(arn) is not None:
        await ctx.state.layers.change(arn, lambda layer: layer.without(version_number))


@LAMBDA.operation
async def add_layer_version_permission(
    ctx: Context[Lambda],
    *,
    layer_name: str,
    version_number: int,
    statement_id: str,
    action: str,
    principal: str,
    organization_id: str | None = None,
    revision_id: str | None = None,
) -> AddLayerVersionPermissionResponse:
    """Share a layer version with an account, or with all.

    Errors: ResourceNotFoundException, ResourceConflictException (the statement id), PreconditionFailedException,
    PolicyLengthExceededException, InvalidParameterValueException, AccessDeniedException (another account's).
    """
    arn = owned(ctx, version_named(ctx, layer_name, version_number), "AddLayerVersionPermission")
    grant = Grant(statement_id, principal, action, organization_id)
    revision = ctx.ids.uuid()
    await ctx.state.layers.change_version(
        arn, lambda version: version.granted(grant, seen=revision_id, revision_id=revision)
    )
    return AddLayerVersionPermissionResponse(
        statement=msgspec.json.encode(grant.statement(arn)).decode(), revision_id=revision
    )


@LAMBDA.operation
async def remove_layer_version_permission(
    ctx: Context[Lambda],
    *,
    layer_name: str,
    version_number: int,
    statement_id: str,
    revision_id: str | None = None,
) -> None:
    """Take a statement out of a layer version's policy; functions that have the version keep it.

    Errors: ResourceNotFoundException (the version, the statement), PreconditionFailedException,
    InvalidParameterValueException, AccessDeniedException (another account's).
    """
    arn = owned(ctx, version_named(ctx, layer_name, version_number), "RemoveLayerVersionPermission")
    revision = ctx.ids.uuid()
    await ctx.state.layers.change_version(
        arn, lambda version: version.revoked(statement_id, seen=revision_id, revision_id=revision)
    )


@LAMBDA.operation
async def get_layer_version_policy(
    ctx: Context[Lambda], *, layer_name: str, version_number: int
) -> GetLayerVersionPolicyResponse:
    """Tell a layer version's policy.

    Errors: ResourceNotFoundException (the version, or it has no policy), InvalidParameterValueException,
    AccessDeniedException (another account's).
    """
    arn = owned(ctx, version_named(ctx, layer_name, version_number), "GetLayerVersionPolicy")
    version = ctx.state.layers.find(arn)
    if version is None:
        raise LayerVersionMissing(arn=arn)
    return GetLayerVersionPolicyResponse(policy=version.policy(), revision_id=version.policy_revision_id or "")
