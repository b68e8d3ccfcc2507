"""AWS's shapes that come in and go out alike: the members of a function's configuration."""

from __future__ import annotations

import msgspec

from lambent.core.kernel import Shape


class Environment(Shape):
    variables: dict[str, str] | None = None


class EphemeralStorage(Shape):
    size: int  # MiB


class TracingConfig(Shape):
    mode: str | None = None


class LoggingConfig(Shape):
    log_format: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None


class TenancyConfig(Shape):
    tenant_isolation_mode: str


class SnapStart(Shape):
    apply_on: str | None = None


class VpcConfig(Shape):
    subnet_ids: list[str] | None = None
    security_group_ids: list[str] | None = None
    ipv6_allowed_for_dual_stack: bool | None = None


class DeadLetterConfig(Shape):
    target_arn: str | None = None


class S3FilesConfig(Shape):
    direct_s3_read: str | None = msgspec.field(default=None, name="DirectS3Read")


class FileSystemConfig(Shape):
    arn: str
    local_mount_path: str
    s3_files_config: S3FilesConfig | None = msgspec.field(default=None, name="S3FilesConfig")


class ImageConfig(Shape):
    entry_point: list[str] | None = None
    command: list[str] | None = None
    working_directory: str | None = None
