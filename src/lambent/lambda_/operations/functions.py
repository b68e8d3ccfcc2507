"""Functions: create, read, list, change, delete. reference/lambda.md 6."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Context
from lambent.lambda_.aliases import Alias
from lambent.lambda_.configuration import (
    HARMLESS,
    STORED,
    Configuration,
    Settings,
    check_tags,
    refuse_unsupported,
)
from lambent.lambda_.errors import (
    AliasNotDeleted,
    CodeMissing,
    LatestCannotBeDeleted,
    QualifierNotAllowed,
    RoleNotAssumable,
    RuntimeAndHandlerRequired,
)
from lambent.lambda_.functions import Function, created
from lambent.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionArn, FunctionReference
from lambent.lambda_.pages import paged, place
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.shapes import (
    DeleteFunctionResponse,
    Environment,
    EphemeralStorage,
    FunctionCode,
    FunctionCodeLocation,
    FunctionConfiguration,
    GetFunctionResponse,
    ListFunctionsResponse,
    TracingConfig,
    listed,
    shown,
)
from lambent.lambda_.states import refuse_change

LAMBDA_PRINCIPAL: Final = "lambda.amazonaws.com"

Structure = dict[str, object]  # a member of which only is asked whether it asks for anything


def function_named(ctx: Context[Lambda], function_name: str) -> FunctionArn:
    """The ARN of a function as a whole. Raises QualifierNotAllowed, FunctionInOtherRegion, FunctionInOtherAccount."""
    arn = FunctionReference.of(function_name).located(ctx.account, ctx.region)
    if arn.qualifier not in (None, LATEST):
        raise QualifierNotAllowed
    return arn.unqualified


def check_role(ctx: Context[Lambda], role: str | None) -> None:
    """Raises RoleNotAssumable."""
    if role is not None and not ctx.state.roles.assumable_by(role, LAMBDA_PRINCIPAL):
        raise RoleNotAssumable


@LAMBDA.operation(stored=STORED, refused=HARMLESS)
async def create_function(
    ctx: Context[Lambda],
    *,
    function_name: str,
    role: str,
    code: FunctionCode,
    runtime: str | None = None,
    handler: str | None = None,
    description: str | None = None,
    timeout: int | None = None,
    memory_size: int | None = None,
    publish: bool = False,
    environment: Environment | None = None,
    tracing_config: TracingConfig | None = None,
    tags: dict[str, str] | None = None,
    architectures: list[str] | None = None,
    ephemeral_storage: EphemeralStorage | None = None,
    logging_config: dict[str, str] | None = None,
    package_type: str | None = None,
    publish_to: str | None = None,
    vpc_config: Structure | None = None,
    dead_letter_config: Structure | None = None,
    kms_key_arn: str | None = None,
    layers: list[str] | None = None,
    file_system_configs: list[Structure] | None = None,
    code_signing_config_arn: str | None = None,
    image_config: Structure | None = None,
    snap_start: Structure | None = None,
    tenancy_config: Structure | None = None,
    capacity_provider_config: Structure | None = None,
    durable_config: Structure | None = None,
    runtime_config: Structure | None = None,
    accelerator_config: Structure | None = None,
) -> FunctionConfiguration:
    """Make a function of a zip file; it is Pending until its code and its runtime were found fit in the background.

    Errors: InvalidParameterValueException, ResourceConflictException, RequestEntityTooLargeException.
    """
    refuse_unsupported(
        PackageType=package_type,
        S3Bucket=code.s3_bucket,
        S3Key=code.s3_key,
        ImageUri=code.image_uri,
        SourceKMSKeyArn=code.source_kms_key_arn,
        PublishTo=publish_to,
        VpcConfig=vpc_config,
        DeadLetterConfig=dead_letter_config,
        KMSKeyArn=kms_key_arn,
        Layers=layers,
        FileSystemConfigs=file_system_configs,
        CodeSigningConfigArn=code_signing_config_arn,
        ImageConfig=image_config,
        SnapStart=snap_start,
        TenancyConfig=tenancy_config,
        CapacityProviderConfig=capacity_provider_config,
        DurableConfig=durable_config,
        RuntimeConfig=runtime_config,
        AcceleratorConfig=accelerator_config,
    )
    arn = function_named(ctx, function_name)
    if code.zip_file is None:
        raise CodeMissing
    if runtime is None or handler is None:
        raise RuntimeAndHandlerRequired
    settings = Settings(
        runtime=runtime,
        handler=handler,
        role=role,
        description=description,
        timeout=timeout,
        memory_size=memory_size,
        ephemeral_storage_size=ephemeral_storage.size if ephemeral_storage else None,
        variables=environment.variables if environment else None,
        tracing_mode=tracing_config.mode if tracing_config else None,
        logging=logging_config,
    )
    settings.check()
    check_tags(tags or {})
    check_role(ctx, role)
    revisions, now = (ctx.ids.uuid(), ctx.ids.uuid()), ctx.clock.now()
    async with ctx.state.code.added(code.zip_file) as content:
        configuration = Configuration(
            code=content, architecture=(architectures or ["x86_64"])[0], **settings.fields(arn.name)
        )

        def make(last_number: int) -> Function:
            function = created(
                arn, configuration, tags=tags or {}, last_number=last_number, revision_id=revisions[0], now=now
            )
            return function.publish(revision_id=revisions[1]) if publish else function

        function = await ctx.state.functions.create(arn, make)
    ctx.state.activation.start(function)
    return shown(function.last_published, function.last_published.arn) if publish else shown(function.latest, arn)


@LAMBDA.operation
async def get_function(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> GetFunctionResponse:
    """Describe a function or one version, with the function's tags.

    Errors: ResourceNotFoundException.
    """
    arn = FunctionReference.of(function_name, qualifier).located(ctx.account, ctx.region)
    function = ctx.state.functions.get(arn)
    return GetFunctionResponse(
        configuration=shown(function.described(arn.qualifier), arn),
        code=FunctionCodeLocation(repository_type="S3"),
        tags=function.tags or None,
    )


@LAMBDA.operation
async def get_function_configuration(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> FunctionConfiguration:
    """Describe a function or one version.

    Errors: ResourceNotFoundException.
    """
    arn = FunctionReference.of(function_name, qualifier).located(ctx.account, ctx.region)
    function = ctx.state.functions.get(arn)
    return shown(function.described(arn.qualifier), arn)


@LAMBDA.operation
async def list_functions(
    ctx: Context[Lambda],
    *,
    master_region: str | None = None,
    function_version: str | None = None,
    marker: str | None = None,
    max_items: int | None = None,
) -> ListFunctionsResponse:
    """List the region's functions by name, with `function_version` ALL every version of each.

    A `master_region` asks for the replicas of Lambda@Edge functions, of which there are none.
    """
    every = function_version == "ALL"
    if master_region not in (None, "ALL"):
        return ListFunctionsResponse(functions=[])
    versions = [
        version
        for function in ctx.state.functions.listed(ctx.account, ctx.region)
        for version in (function if every else (function.latest,))
    ]
    scope = f"ListFunctions {ctx.account} {ctx.region} {function_version}"
    page = paged(versions, key=place, scope=scope, marker=marker, max_items=max_items)
    return ListFunctionsResponse(
        functions=[listed(version, version.arn if every else version.arn.unqualified) for version in page.items],
        next_marker=page.marker,
    )


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
    refuse_unsupported(
        S3Bucket=s3_bucket, S3Key=s3_key, ImageUri=image_uri, PublishTo=publish_to, SourceKMSKeyArn=source_kms_key_arn
    )
    arn = function_named(ctx, function_name)
    present = ctx.state.functions.get(arn)
    present.guard(revision_id)
    refuse_change(present.latest.phase, arn)
    if zip_file is None:
        raise CodeMissing
    revisions, now = (ctx.ids.uuid(), ctx.ids.uuid()), ctx.clock.now()
    async with ctx.state.code.added(zip_file) as content:
        changes: dict[str, object] = {"code": content}
        if architectures:
            changes["architecture"] = architectures[0]
        if dry_run:
            return shown(msgspec.structs.replace(present.latest, **changes), arn)

        def change(function: Function) -> Function:
            function.guard(revision_id)
            function = function.changed(revision_id=revisions[0], now=now, **changes)
            return function.publish(revision_id=revisions[1]) if publish else function

        function = await ctx.state.functions.change(arn, change)
    ctx.state.activation.start(function)
    return shown(function.last_published, function.last_published.arn) if publish else shown(function.latest, arn)


@LAMBDA.operation(stored=STORED, refused=HARMLESS)
async def update_function_configuration(
    ctx: Context[Lambda],
    *,
    function_name: str,
    role: str | None = None,
    handler: str | None = None,
    description: str | None = None,
    timeout: int | None = None,
    memory_size: int | None = None,
    environment: Environment | None = None,
    runtime: str | None = None,
    tracing_config: TracingConfig | None = None,
    revision_id: str | None = None,
    ephemeral_storage: EphemeralStorage | None = None,
    logging_config: dict[str, str] | None = None,
    vpc_config: Structure | None = None,
    dead_letter_config: Structure | None = None,
    kms_key_arn: str | None = None,
    layers: list[str] | None = None,
    file_system_configs: list[Structure] | None = None,
    image_config: Structure | None = None,
    snap_start: Structure | None = None,
    capacity_provider_config: Structure | None = None,
    durable_config: Structure | None = None,
    runtime_config: Structure | None = None,
    accelerator_config: Structure | None = None,
) -> FunctionConfiguration:
    """Change settings of $LATEST, those that are given; invocations run with the old ones until the new are ready.

    Errors: ResourceNotFoundException, ResourceConflictException, PreconditionFailedException,
    InvalidParameterValueException.
    """
    refuse_unsupported(
        VpcConfig=vpc_config,
        DeadLetterConfig=dead_letter_config,
        KMSKeyArn=kms_key_arn,
        Layers=layers,
        FileSystemConfigs=file_system_configs,
        ImageConfig=image_config,
        SnapStart=snap_start,
        CapacityProviderConfig=capacity_provider_config,
        DurableConfig=durable_config,
        RuntimeConfig=runtime_config,
        AcceleratorConfig=accelerator_config,
    )
    arn = function_named(ctx, function_name)
    settings = Settings(
        runtime=runtime,
        handler=handler,
        role=role,
        description=description,
        timeout=timeout,
        memory_size=memory_size,
        ephemeral_storage_size=ephemeral_storage.size if ephemeral_storage else None,
        variables=(environment.variables or {}) if environment else None,
        tracing_mode=tracing_config.mode if tracing_config else None,
        logging=logging_config,
    )
    settings.check()
    check_role(ctx, role)
    revision, now = ctx.ids.uuid(), ctx.clock.now()

    def change(function: Function) -> Function:
        function.guard(revision_id)
        fields = settings.fields(arn.name, function.latest.logging)
        return function.changed(revision_id=revision, now=now, **fields)

    function = await ctx.state.functions.change(arn, change)
    ctx.state.activation.start(function)
    return shown(function.latest, arn)


@LAMBDA.operation
async def delete_function(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> DeleteFunctionResponse:
    """Delete a function with all its versions, or with a qualifier one version.

    Errors: ResourceNotFoundException, InvalidParameterValueException ($LATEST alone, or an alias),
    ResourceConflictException (a version that an alias names).
    """
    arn = FunctionReference.of(function_name, qualifier).located(ctx.account, ctx.region)
    functions = ctx.state.functions
    if arn.qualifier is None:
        await functions.remove(arn)
    elif arn.qualifier in (LATEST, LATEST_PUBLISHED):
        raise LatestCannotBeDeleted
    elif functions.get(arn).part(Alias, arn.qualifier) is not None:
        raise AliasNotDeleted(name=arn.qualifier)
    else:
        await functions.change(arn, lambda function: function.without(function.version(arn.qualifier)))
    return DeleteFunctionResponse(status_code=204)
