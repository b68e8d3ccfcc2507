"""The code of a function: how it comes in, and how it is replaced. reference/lambda.md 6."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from lambent.core.kernel import Context
from lambent.lambda_.code.sources import S3Object, s3_object
from lambent.lambda_.code.store import NO_CODE, Code
from lambent.lambda_.errors import (
    CodeMissing,
    ImageAndZip,
    ImageUriRequired,
    ImageUriUnexpected,
)
from lambent.lambda_.functions import Function
from lambent.lambda_.layers.attached import check_code
from lambent.lambda_.operations.code_signing import signing_of
from lambent.lambda_.operations.context import function_named
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import (
    HARMLESS,
    STORED,
    refuse_unsupported,
)
from lambent.lambda_.shapes import (
    FunctionCode,
    FunctionConfiguration,
    shown,
)
from lambent.lambda_.signing.signed_by import SignedBy
from lambent.lambda_.states import refuse_change

Source = bytes | S3Object | None  # an upload, an object, or for an image nothing


def source_of(code: FunctionCode, *, is_image: bool) -> Source:
    """Where the package comes from; refuses code that does not come as the PackageType says.

    Raises ImageAndZip, ImageUriUnexpected, ImageUriRequired, CodeMissing, MemberNotSupported.
    """
    package = s3_object(code.s3_bucket, code.s3_key, code.s3_object_version, code.s3_object_storage_mode)
    if sum(given is not None for given in (code.zip_file, code.image_uri, package)) > 1:
        raise ImageAndZip
    if is_image:
        if code.image_uri is None:
            raise ImageUriRequired
    elif code.image_uri is not None:
        raise ImageUriUnexpected
    elif code.zip_file is None and package is None:
        raise CodeMissing
    return package or code.zip_file


@asynccontextmanager
async def packaged(ctx: Context[Lambda], source: Source) -> AsyncGenerator[Code]:
    """The content that the caller sends or names, kept for as long as the block lasts; an image has none.

    Raises what `Sources` raises.
    """
    if source is None:
        yield NO_CODE
        return
    sources, caller = ctx.state.packages, ctx.caller
    async with (
        sources.copied(source, caller) if isinstance(source, S3Object) else sources.uploaded(source, caller.account)
    ) as content:
        yield content


@LAMBDA.operation(stored=STORED, refused=HARMLESS)
async def update_function_code(
    ctx: Context[Lambda],
    *,
    function_name: str,
    zip_file: bytes | None = None,
    s3_bucket: str | None = None,
    s3_key: str | None = None,
    s3_object_version: str | None = None,
    s3_object_storage_mode: str | None = None,
    image_uri: str | None = None,
    architectures: list[str] | None = None,
    publish: bool = False,
    publish_to: str | None = None,
    dry_run: bool = False,
    revision_id: str | None = None,
    source_kms_key_arn: str | None = None,
) -> FunctionConfiguration:
    """Replace the code of $LATEST; invocations run the old one until the new one is ready.

    Errors: ResourceNotFoundException, ResourceConflictException, PreconditionFailedException,
    InvalidParameterValueException, RequestEntityTooLargeException, CodeStorageExceededException,
    CodeVerificationFailedException, InvalidCodeSignatureException.
    """
    refuse_unsupported(PublishTo=publish_to)
    arn = function_named(ctx, function_name)
    present = ctx.state.functions.get(arn)
    present.guard(revision_id)
    refuse_change(present.latest.phase, arn)
    code = FunctionCode(
        zip_file=zip_file,
        s3_bucket=s3_bucket,
        s3_key=s3_key,
        s3_object_version=s3_object_version,
        s3_object_storage_mode=s3_object_storage_mode,
        image_uri=image_uri,
        source_kms_key_arn=source_kms_key_arn,
    )
    source = source_of(code, is_image=present.latest.image is not None)
    revisions, now = (ctx.ids.uuid(), ctx.ids.uuid()), ctx.clock.now()
    signing = signing_of(ctx, present)
    async with packaged(ctx, source) as content:
        signed_by = None if source is None else await ctx.state.deployments.checked(content.digest, arn.name, signing)
        if dry_run:
            changes = new_code(present, code, content, signed_by, architectures)
            return shown(msgspec.structs.replace(present.latest, **changes), arn)

        def change(function: Function) -> Function:
            function.guard(revision_id)
            changes = new_code(function, code, content, signed_by, architectures)
            function = function.changed(revision_id=revisions[0], now=now, **changes)
            return function.publish(revision_id=revisions[1], latest_revision_id=revisions[0]) if publish else function

        function = await ctx.state.functions.change(arn, change)
    ctx.state.activation.start(function, at_once=ctx.at_once)
    return shown(function.last_published, function.last_published.arn) if publish else shown(function.latest, arn)


def new_code(
    function: Function,
    code: FunctionCode,
    content: Code,
    signed_by: SignedBy | None,
    architectures: list[str] | None,
) -> dict[str, object]:
    """What another package changes of the configuration. Raises ImageUriRequired, ImageUriUnexpected, PackageTooLarge.

    The function may have been deleted and made anew as one of the other PackageType since it was looked at.
    """
    image = function.latest.image
    if image is not None and code.image_uri is None:
        raise ImageUriRequired
    if image is None and code.image_uri is not None:
        raise ImageUriUnexpected
    check_code(content, function.latest.layers)
    changes: dict[str, object] = {
        "code": content,
        "signed_by": signed_by,
        "source_kms_key_arn": code.source_kms_key_arn or None,
    }
    if image is not None:
        changes["image"] = msgspec.structs.replace(image, uri=code.image_uri)
    if architectures:
        changes["architecture"] = architectures[0]
    return changes
