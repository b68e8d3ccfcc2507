"""The code of a function: how it comes in, and how it is replaced. reference/lambda.md 6."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from lambent.core.kernel import Context
from lambent.lambda_.code.store import NO_CODE, Code
from lambent.lambda_.errors import (
    CodeMissing,
    ImageAndZip,
    ImageUriRequired,
    ImageUriUnexpected,
)
from lambent.lambda_.functions import Function
from lambent.lambda_.layers.attached import check_code
from lambent.lambda_.operations.context import function_named
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import (
    HARMLESS,
    refuse_unsupported,
)
from lambent.lambda_.shapes import (
    FunctionCode,
    FunctionConfiguration,
    shown,
)
from lambent.lambda_.states import refuse_change


def check_source(code: FunctionCode, *, is_image: bool) -> None:
    """Refuse code that does not come as the PackageType says.

    Raises ImageAndZip, ImageUriUnexpected, ImageUriRequired, CodeMissing.
    """
    if code.zip_file is not None and code.image_uri is not None:
        raise ImageAndZip
    if is_image:
        if code.image_uri is None:
            raise ImageUriRequired
    elif code.image_uri is not None:
        raise ImageUriUnexpected
    elif code.zip_file is None:
        raise CodeMissing


@asynccontextmanager
async def packaged(ctx: Context[Lambda], code: FunctionCode) -> AsyncGenerator[Code]:
    """The content that the caller sends, kept for as long as the block lasts; an image has none.

    Raises what `CodeStore.added` raises.
    """
    if code.zip_file is None:
        yield NO_CODE
    else:
        async with ctx.state.code.added(code.zip_file) as content:
            yield content


@LAMBDA.operation(refused=HARMLESS)
async def update_function_code(
    ctx: Context[Lambda],
    *,
    function_name: str,
    zip_file: bytes | None = None,
    s3_bucket: str | None = None,
    s3_key: str | None = None,
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
    InvalidParameterValueException, RequestEntityTooLargeException.
    """
    refuse_unsupported(S3Bucket=s3_bucket, S3Key=s3_key, PublishTo=publish_to, SourceKMSKeyArn=source_kms_key_arn)
    arn = function_named(ctx, function_name)
    present = ctx.state.functions.get(arn)
    present.guard(revision_id)
    refuse_change(present.latest.phase, arn)
    code = FunctionCode(zip_file=zip_file, image_uri=image_uri)
    check_source(code, is_image=present.latest.image is not None)
    revisions, now = (ctx.ids.uuid(), ctx.ids.uuid()), ctx.clock.now()
    async with packaged(ctx, code) as content:
        if dry_run:
            return shown(
                msgspec.structs.replace(present.latest, **new_code(present, code, content, architectures)), arn
            )

        def change(function: Function) -> Function:
            function.guard(revision_id)
            changes = new_code(function, code, content, architectures)
            function = function.changed(revision_id=revisions[0], now=now, **changes)
            return function.publish(revision_id=revisions[1]) if publish else function

        function = await ctx.state.functions.change(arn, change)
    ctx.state.activation.start(function)
    return shown(function.last_published, function.last_published.arn) if publish else shown(function.latest, arn)


def new_code(
    function: Function, code: FunctionCode, content: Code, architectures: list[str] | None
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
    changes: dict[str, object] = {"code": content}
    if image is not None:
        changes["image"] = msgspec.structs.replace(image, uri=code.image_uri)
    if architectures:
        changes["architecture"] = architectures[0]
    return changes
