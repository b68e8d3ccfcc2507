"""AWS's shapes of the control plane, and how a `FunctionVersion` is shown as one.

A shape that comes in is named as the model's input shape; several serve for the answer too, where the model has another
name for the same members. What FunctionConfiguration holds when, and what of it lists leave out, is recorded
(reference/lambda.md 6; the model's documentation of ListFunctions).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from lambent.core.kernel import Shape
from lambent.lambda_.code.links import Links
from lambent.lambda_.configuration import FileSystem, Image, Vpc
from lambent.lambda_.functions import FunctionVersion, reason_shown
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.members import (
    DeadLetterConfig,
    Environment,
    EphemeralStorage,
    FileSystemConfig,
    ImageConfig,
    LoggingConfig,
    S3FilesConfig,
    TenancyConfig,
    TracingConfig,
)
from lambent.lambda_.names import LATEST, FunctionArn
from lambent.lambda_.states import Phase


class VpcConfigResponse(Shape):
    subnet_ids: list[str]
    security_group_ids: list[str]
    vpc_id: str
    ipv6_allowed_for_dual_stack: bool


class ImageConfigResponse(Shape):
    image_config: ImageConfig


class SnapStartResponse(Shape):
    apply_on: str
    optimization_status: str


class RuntimeVersionConfig(Shape):
    runtime_version_arn: str


class FunctionCode(Shape):
    zip_file: bytes | None = None
    s3_bucket: str | None = msgspec.field(default=None, name="S3Bucket")
    s3_key: str | None = msgspec.field(default=None, name="S3Key")
    s3_object_version: str | None = msgspec.field(default=None, name="S3ObjectVersion")
    s3_object_storage_mode: str | None = msgspec.field(default=None, name="S3ObjectStorageMode")
    image_uri: str | None = None
    source_kms_key_arn: str | None = msgspec.field(default=None, name="SourceKMSKeyArn")


class Layer(Shape):
    arn: str
    code_size: int


class FunctionConfiguration(Shape):
    function_name: str
    function_arn: str
    role: str
    code_size: int
    description: str
    timeout: int
    memory_size: int
    last_modified: str
    version: str
    tracing_config: TracingConfig
    revision_id: str
    package_type: str
    architectures: list[str]
    ephemeral_storage: EphemeralStorage
    snap_start: SnapStartResponse
    logging_config: LoggingConfig
    runtime: str | None = None
    handler: str | None = None
    code_sha256: str | None = None
    environment: Environment | None = None
    vpc_config: VpcConfigResponse | None = None
    dead_letter_config: DeadLetterConfig | None = None
    kms_key_arn: str | None = msgspec.field(default=None, name="KMSKeyArn")
    file_system_configs: list[FileSystemConfig] | None = None
    image_config_response: ImageConfigResponse | None = None
    layers: list[Layer] | None = None
    signing_profile_version_arn: str | None = None
    signing_job_arn: str | None = None
    state: str | None = None
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str | None = None
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    runtime_version_config: RuntimeVersionConfig | None = None
    tenancy_config: TenancyConfig | None = None


class FunctionCodeLocation(Shape):
    repository_type: str
    location: str | None = None
    image_uri: str | None = None
    resolved_image_uri: str | None = None
    source_kms_key_arn: str | None = msgspec.field(default=None, name="SourceKMSKeyArn")


class Concurrency(Shape):
    reserved_concurrent_executions: int | None = None


class GetFunctionResponse(Shape):
    configuration: FunctionConfiguration
    code: FunctionCodeLocation
    concurrency: Concurrency | None = None
    tags: dict[str, str] | None = None


class ListFunctionsResponse(Shape):
    functions: list[FunctionConfiguration]
    next_marker: str | None = None


class ListVersionsByFunctionResponse(Shape):
    versions: list[FunctionConfiguration]
    next_marker: str | None = None


class DeleteFunctionResponse(Shape):
    status_code: int


class ListTagsResponse(Shape):
    tags: dict[str, str]


class AccountLimit(Shape):
    total_code_size: int
    code_size_unzipped: int
    code_size_zipped: int
    concurrent_executions: int
    unreserved_concurrent_executions: int


class AccountUsage(Shape):
    total_code_size: int
    function_count: int


class GetAccountSettingsResponse(Shape):
    account_limit: AccountLimit
    account_usage: AccountUsage


def listed(version: FunctionVersion, arn: FunctionArn) -> FunctionConfiguration:
    """The version as lists show it: without its state and without its runtime's version.

    `arn` is the one under which it was asked for: without a qualifier, with its number, or with that of an alias.
    """
    return FunctionConfiguration(
        function_name=version.arn.name,
        function_arn=str(arn),
        runtime=version.runtime or None,
        role=version.role,
        handler=version.handler or None,
        code_size=version.code.size_bytes,
        description=version.description,
        timeout=version.timeout_s,
        memory_size=version.memory_mib,
        last_modified=timestamp(version.modified_at),
        code_sha256=sha256_of(version),
        version=version.version,
        tracing_config=TracingConfig(mode=version.tracing),
        revision_id=version.revision_id,
        package_type="Zip" if version.image is None else "Image",
        architectures=[version.architecture],
        ephemeral_storage=EphemeralStorage(size=version.tmp_mib),
        snap_start=SnapStartResponse(apply_on=version.snap_start, optimization_status=snapshot_status(version)),
        logging_config=LoggingConfig(
            log_format=version.logging.format,
            application_log_level=version.logging.application_level,
            system_log_level=version.logging.system_level,
            log_group=version.logging.group,
        ),
        environment=None if version.environment is None else Environment(variables=version.environment),
        vpc_config=None if version.vpc is None else vpc_config(version.vpc),
        dead_letter_config=DeadLetterConfig(target_arn=version.dead_letter_arn) if version.dead_letter_arn else None,
        kms_key_arn=version.kms_key_arn,
        file_system_configs=[file_system_config(system) for system in version.file_systems] or None,
        image_config_response=None if version.image is None else image_config(version.image),
        tenancy_config=TenancyConfig(tenant_isolation_mode=version.tenant_isolation)
        if version.tenant_isolation
        else None,
        layers=[Layer(arn=str(layer.arn), code_size=layer.code.size_bytes) for layer in version.layers] or None,
        signing_profile_version_arn=version.signed_by and version.signed_by.profile_version_arn,
        signing_job_arn=version.signed_by and version.signed_by.job_arn,
    )


def shown(version: FunctionVersion, arn: FunctionArn) -> FunctionConfiguration:
    """The version in full, under the ARN by which it was asked for."""
    configuration = listed(version, arn)
    if version.runtime:
        configuration.runtime_version_config = RuntimeVersionConfig(runtime_version_arn=runtime_version_arn(version))
    configuration.state = version.state
    configuration.last_update_status = version.last_update_status
    reason, code = reason_shown(version)
    if version.phase in (Phase.UPDATING, Phase.UPDATE_FAILED):
        configuration.last_update_status_reason, configuration.last_update_status_reason_code = reason, code
    else:
        configuration.state_reason, configuration.state_reason_code = reason, code
    return configuration


def sha256_of(version: FunctionVersion) -> str | None:
    """CodeSha256: of an image its digest in hex, where the URI tells it."""
    return version.code.sha256 if version.image is None else version.image.digest


def snapshot_status(version: FunctionVersion) -> str:
    """OptimizationStatus: snapshots are of published versions alone."""
    return "On" if version.snap_start != "None" and version.version != LATEST else "Off"


def vpc_config(vpc: Vpc) -> VpcConfigResponse:
    return VpcConfigResponse(
        subnet_ids=list(vpc.subnet_ids),
        security_group_ids=list(vpc.security_group_ids),
        vpc_id=vpc.vpc_id,
        ipv6_allowed_for_dual_stack=vpc.ipv6,
    )


def file_system_config(system: FileSystem) -> FileSystemConfig:
    direct = None if system.direct_s3_read is None else S3FilesConfig(direct_s3_read=system.direct_s3_read)
    return FileSystemConfig(arn=system.arn, local_mount_path=system.path, s3_files_config=direct)


def image_config(image: Image) -> ImageConfigResponse | None:
    """What is overridden of the image; None when nothing is."""
    if not (image.entry_point or image.command or image.working_directory):
        return None
    return ImageConfigResponse(
        image_config=ImageConfig(
            entry_point=list(image.entry_point) if image.entry_point else None,
            command=list(image.command) if image.command else None,
            working_directory=image.working_directory,
        )
    )


def code_location(version: FunctionVersion, links: Links, endpoint: str) -> FunctionCodeLocation:
    """Where the code is kept: of a package a link to it, for a caller who reaches us at `endpoint`."""
    if version.image is None:
        return FunctionCodeLocation(
            repository_type="S3",
            location=links.to(version.code.digest, endpoint),
            source_kms_key_arn=version.source_kms_key_arn,
        )
    resolved = version.image.uri if version.image.digest else None  # a tag, only a registry can resolve
    return FunctionCodeLocation(repository_type="ECR", image_uri=version.image.uri, resolved_image_uri=resolved)


def runtime_version_arn(version: FunctionVersion) -> str:
    """Name the runtime's version: one a runtime, since the interpreters are the machine's and not patched by us."""
    digest = hashlib.sha256(version.runtime.encode()).hexdigest()
    return f"arn:{version.arn.partition}:lambda:{version.arn.region}::runtime:{digest}"


def timestamp(seconds: float) -> str:
    """LastModified: `2026-11-23T09:00:00.000+0000`."""
    moment = datetime.fromtimestamp(round(seconds, 3), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def concurrency_shown(reserved: int | None) -> Concurrency | None:
    """What GetFunction tells of a reservation: nothing when there is none."""
    return None if reserved is None else Concurrency(reserved_concurrent_executions=reserved)


def account_limit(limits: AccountLimits, unreserved: int) -> AccountLimit:
    """The quotas as GetAccountSettings shows them, and what functions have left of the concurrent executions."""
    return AccountLimit(
        total_code_size=limits.total_code_size_bytes,
        code_size_unzipped=limits.code_size_unzipped_bytes,
        code_size_zipped=limits.code_size_zipped_bytes,
        concurrent_executions=limits.concurrent_executions,
        unreserved_concurrent_executions=unreserved,
    )
