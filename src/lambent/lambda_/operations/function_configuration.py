"""The configuration of a function: read, and changed. reference/lambda.md 6."""

from __future__ import annotations

from lambent.core.kernel import Context
from lambent.lambda_.functions import Function
from lambent.lambda_.layers.attached import check_layers
from lambent.lambda_.members import (
    DeadLetterConfig,
    Environment,
    EphemeralStorage,
    FileSystemConfig,
    ImageConfig,
    LoggingConfig,
    SnapStart,
    TracingConfig,
    VpcConfig,
)
from lambent.lambda_.names import FunctionReference
from lambent.lambda_.operations.code_signing import signing_of
from lambent.lambda_.operations.context import check_role, function_for, function_named, layered, vpc_asked_for
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.settings import (
    HARMLESS,
    STORED,
    Settings,
    check_whole,
    refuse_unsupported,
)
from lambent.lambda_.shapes import (
    FunctionConfiguration,
    shown,
)

Structure = dict[str, object]  # a member of which only is asked whether it asks for anything


@LAMBDA.operation
async def get_function_configuration(
    ctx: Context[Lambda], *, function_name: str, qualifier: str | None = None
) -> FunctionConfiguration:
    """Describe a function or one version.

    Errors: ResourceNotFoundException.
    """
    reference = FunctionReference.of(function_name, qualifier)
    function = function_for(ctx, reference, "lambda:GetFunctionConfiguration")
    arn = reference.located(function.arn.account, ctx.region)
    return shown(function.described(reference.qualifier), arn)


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
    logging_config: LoggingConfig | None = None,
    vpc_config: VpcConfig | None = None,
    dead_letter_config: DeadLetterConfig | None = None,
    kms_key_arn: str | None = None,
    file_system_configs: list[FileSystemConfig] | None = None,
    image_config: ImageConfig | None = None,
    snap_start: SnapStart | None = None,
    layers: list[str] | None = None,
    capacity_provider_config: Structure | None = None,
    durable_config: Structure | None = None,
    runtime_config: Structure | None = None,
    accelerator_config: Structure | None = None,
) -> FunctionConfiguration:
    """Change settings of $LATEST, those that are given; invocations run with the old ones until the new are ready.

    Errors: ResourceNotFoundException, ResourceConflictException, PreconditionFailedException,
    InvalidParameterValueException, CodeVerificationFailedException and InvalidCodeSignatureException (layers).
    """
    refuse_unsupported(
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
    settings.check()
    check_role(ctx, role)
    vpc_id = vpc_asked_for(ctx, vpc_config)
    revision, now = ctx.ids.uuid(), ctx.clock.now()

    signing = signing_of(ctx, ctx.state.functions.get(arn)) if layers else None
    async with layered(ctx, layers, signing) as given:

        def change(function: Function) -> Function:
            function.guard(revision_id)
            settings.check_package(is_image=function.latest.image is not None)
            fields = settings.fields(arn.name, vpc_id, function.latest)
            if layers is not None:
                check_layers(given, function.latest.code)
                fields["layers"] = given
            function = function.changed(revision_id=revision, now=now, **fields)
            check_whole(function.latest)
            return function

        function = await ctx.state.functions.change(arn, change)
    ctx.state.activation.start(function, at_once=ctx.at_once)
    return shown(function.latest, arn)
