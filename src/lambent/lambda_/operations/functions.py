"""Functions: create, read, list, change, delete. reference/lambda.md 6."""

from __future__ import annotations

from collections.abc import Iterator

from lambent.core.kernel import Context
from lambent.lambda_.aliases import Alias
from lambent.lambda_.concurrency.claims import reserved
from lambent.lambda_.configuration import Configuration
from lambent.lambda_.errors import (
    AliasNotDeleted,
    FunctionNameTooLong,
    FunctionNotFound,
    LatestCannotBeDeleted,
    RuntimeAndHandlerRequired,
)
from lambent.lambda_.functions import Function, FunctionVersion, created
from lambent.lambda_.layers.attached import check_code
from lambent.lambda_.limits import FUNCTION_NAME_MAX
from lambent.lambda_.members import (
    DeadLetterConfig,
    Environment,
    EphemeralStorage,
    FileSystemConfig,
    ImageConfig,
    LoggingConfig,
    SnapStart,
    TenancyConfig,
    TracingConfig,
    VpcConfig,
)
from lambent.lambda_.names import LATEST, LATEST_PUBLISHED, FunctionReference
from lambent.lambda_.operations.code_signing import named
from lambent.lambda_.operations.context import check_role, function_for, function_named, layered, located, vpc_asked_for
from lambent.lambda_.operations.function_code import packaged, source_of
from lambent.lambda_.pages import name_in, paged_behind, place
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import (
    HARMLESS,
    STORED,
    Settings,
    check_tags,
    check_whole,
    image_of,
    refuse_unsupported,
)
from lambent.lambda_.shapes import (
    DeleteFunctionResponse,
    FunctionCode,
    FunctionConfiguration,
    GetFunctionResponse,
    ListFunctionsResponse,
    code_location,
    concurrency_shown,
    listed,
    shown,
)
from lambent.lambda_.signing.configs import CodeSigning, ImageNotSigned, there

Structure = dict[str, object]  # a member of which only is asked whether it asks for anything


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
    logging_config: LoggingConfig | None = None,
    package_type: str = "Zip",
    vpc_config: VpcConfig | None = None,
    dead_letter_config: DeadLetterConfig | None = None,
    kms_key_arn: str | None = None,
    file_system_configs: list[FileSystemConfig] | None = None,
    image_config: ImageConfig | None = None,
    snap_start: SnapStart | None = None,
    publish_to: str | None = None,
    layers: list[str] | None = None,
    code_signing_config_arn: str | None = None,
    tenancy_config: TenancyConfig | None = None,
    capacity_provider_config: Structure | None = None,
    durable_config: Structure | None = None,
    runtime_config: Structure | None = None,
    accelerator_config: Structure | None = None,
) -> FunctionConfiguration:
    """Make a function; it is Pending until its code and its runtime were found fit in the background.

    Errors: InvalidParameterValueException, ResourceConflictException, RequestEntityTooLargeException,
    CodeStorageExceededException, CodeSigningConfigNotFoundException, CodeVerificationFailedException,
    InvalidCodeSignatureException.
    """
    refuse_unsupported(
        PublishTo=publish_to,
        CapacityProviderConfig=capacity_provider_config,
        DurableConfig=durable_config,
        RuntimeConfig=runtime_config,
        AcceleratorConfig=accelerator_config,
    )
    arn = function_named(ctx, function_name)
    if len(arn.name) > FUNCTION_NAME_MAX:
        raise FunctionNameTooLong(name=arn.name, maximum=FUNCTION_NAME_MAX)
    is_image = package_type == "Image"
    settings = Settings(
        runtime=runtime,
        handler=handler,
        role=role,
        description=description,
        timeout=timeout,
        memory_size=memory_size,
        ephemeral_storage=ephemeral_storage,
        environment=environment,
        tracing_config=tracing_config,
        logging_config=logging_config,
        vpc_config=vpc_config,
        dead_letter_config=dead_letter_config,
        kms_key_arn=kms_key_arn,
        file_system_configs=file_system_configs,
        image_config=image_config,
        snap_start=snap_start,
        layers=layers,
    )
    settings.check_package(is_image=is_image)
    source = source_of(code, is_image=is_image)
    if is_image and code_signing_config_arn:
        raise ImageNotSigned
    if not is_image and (runtime is None or handler is None):
        raise RuntimeAndHandlerRequired
    settings.check()
    check_tags(tags or {})
    check_role(ctx, role)
    fields = settings.fields(arn.name, vpc_asked_for(ctx, vpc_config))
    signing = named(ctx, code_signing_config_arn) if code_signing_config_arn else None
    revisions, now = (ctx.ids.uuid(), ctx.ids.uuid()), ctx.clock.now()
    async with layered(ctx, layers, signing) as given, packaged(ctx, source) as content:
        check_code(content, given)
        configuration = Configuration(
            code=content,
            signed_by=None if is_image else await ctx.state.deployments.checked(content.digest, arn.name, signing),
            architecture=(architectures or ["x86_64"])[0],
            image=image_of(code.image_uri, image_config) if code.image_uri is not None else None,
            tenant_isolation=tenancy_config.tenant_isolation_mode if tenancy_config is not None else None,
            layers=given,
            source_kms_key_arn=code.source_kms_key_arn or None,
            **fields,
        )
        check_whole(configuration)

        def make(last_number: int) -> Function:
            function = created(
                arn, configuration, tags=tags or {}, last_number=last_number, revision_id=revisions[0], now=now
            )
            if signing is not None:
                function = function.with_part(CodeSigning(config_arn=signing.arn))
            return function.publish(revision_id=revisions[1], latest_revision_id=revisions[0]) if publish else function

        function = await ctx.state.functions.create(arn, make, None if signing is None else there(signing.arn))
    ctx.state.activation.start(function)
    # The answer has the function's own ARN even when it describes version 1 (recorded); UpdateFunctionCode has the version's.
    return shown(function.last_published if publish else function.latest, arn)


@LAMBDA.operation
async def get_function(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> GetFunctionResponse:
    """Describe a function or one version, with the function's tags.

    Errors: ResourceNotFoundException.
    """
    reference = FunctionReference.of(function_name, qualifier)
    function = function_for(ctx, reference, "lambda:GetFunction")
    version = function.described(reference.qualifier)
    arn = reference.located(function.arn.account, ctx.region)
    return GetFunctionResponse(
        configuration=shown(version, arn),
        code=code_location(version, ctx.state.links, ctx.endpoint),
        concurrency=concurrency_shown(reserved(function)),
        tags=function.tags or None,
    )


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

    def behind(last: str | None) -> Iterator[FunctionVersion]:
        for function in ctx.state.functions.listed(ctx.account, ctx.region, name_in(last or "")):
            for version in function if every else (function.latest,):
                if last is None or place(version) > last:
                    yield version

    scope = f"ListFunctions {ctx.account} {ctx.region} {function_version}"
    page = paged_behind(behind, key=place, scope=scope, marker=marker, max_items=max_items)
    return ListFunctionsResponse(
        functions=[listed(version, version.arn if every else version.arn.unqualified) for version in page.items],
        next_marker=page.marker,
    )


@LAMBDA.operation
async def delete_function(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> DeleteFunctionResponse:
    """Delete a function with all its versions, or with a qualifier one version; a number that no version has is no error.

    Errors: ResourceNotFoundException, InvalidParameterValueException ($LATEST alone, or an alias),
    ResourceConflictException (a version that an alias names).
    """
    arn = located(ctx, function_name, qualifier)
    number = arn.qualifier
    if number is None:
        await ctx.state.functions.remove(arn)
        return DeleteFunctionResponse(status_code=204)
    if number in (LATEST, LATEST_PUBLISHED):
        raise LatestCannotBeDeleted

    def delete(function: Function) -> Function:
        if function.part(Alias, number) is not None:
            raise AliasNotDeleted(name=number)
        try:
            version = function.version(number)
        except FunctionNotFound:
            if number.isdecimal():
                return function  # no error, however often (recorded)
            raise
        return function.without(version)

    await ctx.state.functions.change(arn.unqualified, delete)
    return DeleteFunctionResponse(status_code=204)
