"""What a caller asks a function to be, and the rules for it that the model does not carry.

The kernel has checked the model's constraints before. `Settings` holds AWS's members as they came; `check` refuses what is
wrong by itself, `fields` turns it into fields of `Configuration`, and `check_whole` refuses what does not go together in the
result. Sentences are in `errors`, numbers and lists in `limits`. A member is obeyed, or stored and returned because it
changes nothing that a function could notice (STORED), or refused by name (HARMLESS says which of its values ask for
nothing): never accepted and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from lambent.core.arn import Arn
from lambent.lambda_.configuration import Configuration, FileSystem, Image, Logging, Vpc
from lambent.lambda_.errors import (
    AboveMaximum,
    DeadLetterTargetInvalid,
    EnvironmentReserved,
    EnvironmentTooLarge,
    FileSystemNeedsVpc,
    ImageMemberUnexpected,
    LogLevelWithText,
    MemberNotSupported,
    NulNotAllowed,
    RuntimeNotSupported,
    RuntimeUnknown,
    S3FilesConfigUnexpected,
    SnapStartExcludes,
    SnapStartNotSupported,
    SubnetsAndGroupsTogether,
    TagKeyReserved,
    TooManyTags,
    ZipMemberUnexpected,
)
from lambent.lambda_.limits import (
    ENVIRONMENT_MAX_BYTES,
    MEMORY_MAX_MIB,
    RESERVED_ENVIRONMENT,
    RESERVED_TAG_PREFIX,
    SNAP_START_FAMILIES,
    SNAP_START_TMP_MAX_MIB,
    TAGS_MAX,
    TIMEOUT_MAX_S,
    TMP_MAX_MIB,
)
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
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Runtime
from lambent.lambda_.service import LAMBDA
from lambent.model.java import hash_set_order


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """AWS's members of a function's configuration; None: not given."""

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    ephemeral_storage: EphemeralStorage | None = None
    environment: Environment | None = None
    tracing_config: TracingConfig | None = None
    logging_config: LoggingConfig | None = None
    vpc_config: VpcConfig | None = None
    dead_letter_config: DeadLetterConfig | None = None
    kms_key_arn: str | None = None
    file_system_configs: Sequence[FileSystemConfig] | None = None
    image_config: ImageConfig | None = None
    snap_start: SnapStart | None = None
    layers: Sequence[str] | None = None

    def check(self) -> None:
        """Refuse what is wrong by itself.

        Raises RuntimeUnknown, RuntimeNotSupported, AboveMaximum, NulNotAllowed, EnvironmentReserved,
        EnvironmentTooLarge, SubnetsAndGroupsTogether, DeadLetterTargetInvalid, S3FilesConfigUnexpected.
        """
        if self.runtime is not None:
            check_runtime(self.runtime)
        if self.handler is not None and "\0" in self.handler:
            raise NulNotAllowed(member="Handler")
        for member, value, maximum in (
            ("Timeout", self.timeout, TIMEOUT_MAX_S),
            ("MemorySize", self.memory_size, MEMORY_MAX_MIB),
            ("EphemeralStorage.Size", self.ephemeral_storage and self.ephemeral_storage.size, TMP_MAX_MIB),
        ):
            if value is not None and value > maximum:
                raise AboveMaximum(member=member, maximum=maximum)
        if self.environment is not None and self.environment.variables is not None:
            check_environment(self.environment.variables)
        if self.vpc_config is not None and bool(self.vpc_config.subnet_ids) != bool(self.vpc_config.security_group_ids):
            raise SubnetsAndGroupsTogether
        if self.dead_letter_config is not None and self.dead_letter_config.target_arn:
            check_dead_letter_target(self.dead_letter_config.target_arn)
        for system in self.file_system_configs or ():
            if system.s3_files_config is not None and Arn.parse(system.arn).service == "elasticfilesystem":
                raise S3FilesConfigUnexpected

    def fields(self, function_name: str, vpc_id: str, before: Configuration | None = None) -> dict[str, Any]:
        """The fields of `Configuration` that are asked for; `before` is what the function is set to.

        `vpc_id` is that of the VPC that is asked for. Raises LogLevelWithText.
        """
        given = {
            "runtime": self.runtime,
            "handler": self.handler,
            "role": self.role,
            "description": self.description,
            "timeout_s": self.timeout,
            "memory_mib": self.memory_size,
            "tmp_mib": self.ephemeral_storage and self.ephemeral_storage.size,
            "tracing": self.tracing_config and self.tracing_config.mode,
            "logging": logging_of(function_name, self.logging_config, before and before.logging),
            "vpc": None if self.vpc_config is None else vpc_of(self.vpc_config, vpc_id),
            "file_systems": None if self.file_system_configs is None else file_systems_of(self.file_system_configs),
            "snap_start": self.snap_start and self.snap_start.apply_on,
        }
        fields: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if self.environment is not None and (self.environment.variables is not None or before is not None):
            fields["environment"] = self.environment.variables or {}  # an empty one is one, and is shown; recorded
        if self.dead_letter_config is not None:
            fields["dead_letter_arn"] = self.dead_letter_config.target_arn or None
        if self.kms_key_arn is not None:
            fields["kms_key_arn"] = self.kms_key_arn or None
        if self.image_config is not None and before is not None and before.image is not None:
            fields["image"] = image_of(before.image.uri, self.image_config)
        return fields

    def check_package(self, *, is_image: bool) -> None:
        """Refuse what the function's PackageType has no use for. Raises ImageMemberUnexpected, ZipMemberUnexpected."""
        if is_image and (self.runtime is not None or self.handler is not None or self.layers):
            raise ImageMemberUnexpected
        if not is_image and self.image_config is not None and not empty(msgspec.to_builtins(self.image_config)):
            raise ZipMemberUnexpected(member="ImageConfig")


def check_whole(configuration: Configuration) -> None:
    """Refuse what does not go together. Raises FileSystemNeedsVpc, SnapStartNotSupported, SnapStartExcludes."""
    if configuration.file_systems and not (configuration.vpc and configuration.vpc.subnet_ids):
        raise FileSystemNeedsVpc(arn=configuration.file_systems[0].arn)
    if configuration.snap_start != "None":
        if configuration.image is None and not snap_starts(configuration.runtime):
            raise SnapStartNotSupported(runtime=configuration.runtime)
        if configuration.file_systems:
            raise SnapStartExcludes(what="file systems")
        if configuration.tenant_isolation:
            raise SnapStartExcludes(what="tenant isolation")
        if configuration.tmp_mib > SNAP_START_TMP_MAX_MIB:
            raise SnapStartExcludes(what=f"ephemeral storage of more than {SNAP_START_TMP_MAX_MIB} MB")


def snap_starts(runtime_id: str) -> bool:
    """Whether AWS offers SnapStart for the runtime."""
    runtime = CATALOGUE[runtime_id]
    oldest = SNAP_START_FAMILIES.get(runtime.family)
    return oldest is not None and tuple(map(int, runtime.version.split("."))) >= oldest


def logging_of(function_name: str, given: LoggingConfig | None, before: Logging | None) -> Logging:
    """Complete LoggingConfig: what is not given stays, or has AWS's default; levels belong to JSON alone.

    Raises LogLevelWithText.
    """
    before = before or Logging(group=f"/aws/lambda/{function_name}")
    given = given or LoggingConfig()
    group, form = given.log_group or before.group, given.log_format or before.format
    if form != "JSON":
        if given.application_log_level or given.system_log_level:
            raise LogLevelWithText
        return Logging(group=group, format=form)
    return Logging(
        group=group,
        format=form,
        application_level=given.application_log_level or before.application_level or "INFO",
        system_level=given.system_log_level or before.system_level or "INFO",
    )


def vpc_of(given: VpcConfig, vpc_id: str) -> Vpc:
    """The network that is asked for; without subnets the function is detached."""
    return Vpc(
        subnet_ids=tuple(given.subnet_ids or ()),
        security_group_ids=tuple(given.security_group_ids or ()),
        vpc_id=vpc_id if given.subnet_ids else "",
        ipv6=bool(given.ipv6_allowed_for_dual_stack),
    )


def file_systems_of(given: Sequence[FileSystemConfig]) -> tuple[FileSystem, ...]:
    return tuple(
        FileSystem(
            arn=system.arn,
            path=system.local_mount_path,
            direct_s3_read=system.s3_files_config and system.s3_files_config.direct_s3_read,
        )
        for system in given
    )


def image_of(uri: str, given: ImageConfig | None) -> Image:
    """The image with what is overridden of it."""
    if given is None:
        return Image(uri=uri)
    return Image(
        uri=uri,
        entry_point=tuple(given.entry_point) if given.entry_point else None,
        command=tuple(given.command) if given.command else None,
        working_directory=given.working_directory or None,
    )


def check_environment(variables: Mapping[str, str]) -> None:
    """Raises EnvironmentReserved, EnvironmentTooLarge, NulNotAllowed."""
    if reserved := [key for key in variables if key in RESERVED_ENVIRONMENT]:
        raise EnvironmentReserved(keys=", ".join(reserved))
    measured = msgspec.json.encode(variables)
    if len(measured) > ENVIRONMENT_MAX_BYTES:
        raise EnvironmentTooLarge(measured=measured.decode())
    if any("\0" in value for value in variables.values()):
        raise NulNotAllowed(member="Environment.Variables")


def check_dead_letter_target(arn: str) -> None:
    """Only a standard queue or a standard topic takes dead letters. Raises DeadLetterTargetInvalid."""
    if not arn.startswith("arn:") or arn.count(":") < 5:
        raise DeadLetterTargetInvalid(arn=arn)
    target = Arn.parse(arn)
    if target.service not in ("sqs", "sns") or arn.endswith(".fifo"):
        raise DeadLetterTargetInvalid(arn=arn)


def check_tags(given: Mapping[str, str], before: Mapping[str, str] | None = None) -> None:
    """Whether a resource that has the tags `before` may be given these. Raises TagKeyReserved, TooManyTags."""
    if any(key.lower().startswith(RESERVED_TAG_PREFIX) for key in given):
        raise TagKeyReserved
    if len((before or {}).keys() | given.keys()) > TAGS_MAX:
        raise TooManyTags


def check_runtime(runtime: str) -> None:
    """Raises RuntimeUnknown, RuntimeNotSupported, MemberNotSupported."""
    known = CATALOGUE.get(runtime)
    if known is None:
        names = LAMBDA.model.shape(
            "Runtime"
        ).traits.enum  # in the order of the model, which decides where hashes do not
        supported = [name for name in names if name in CATALOGUE and is_offered(CATALOGUE[name])]
        raise RuntimeUnknown(runtime=runtime, supported=", ".join(hash_set_order(supported)))
    if known.family == "custom":
        raise MemberNotSupported(member="Runtime custom")
    if known.blocked:
        raise RuntimeNotSupported(runtime=runtime)


def is_offered(runtime: Runtime) -> bool:
    """Whether new functions can be made with it."""
    return not runtime.blocked and runtime.family != "custom"


def empty(value: Any) -> bool:
    """Whether nothing is asked for: an empty list, an empty string, a structure of nothing but such."""
    if isinstance(value, dict):
        return all(empty(member) for member in cast("dict[str, Any]", value).values())
    return not value


def _never(_: Any) -> bool:
    return False


def _copies(value: Any) -> bool:
    return value == "COPY"


# Kept and returned. There is no X-Ray, VPC or KMS that a function could notice; SnapStart only makes starts quicker, and
# dead letters come with the asynchronous queue.
STORED: Final = frozenset(
    {"TracingConfig", "VpcConfig", "DeadLetterConfig", "KMSKeyArn", "SourceKMSKeyArn", "SnapStart"}
)

HARMLESS: Final[Mapping[str, Callable[[Any], bool]]] = {
    # member of AWS -> whether this value of it asks for nothing that Lambent cannot do yet
    "AcceleratorConfig": _never,
    "CapacityProviderConfig": _never,
    "DurableConfig": _never,
    "PublishTo": _never,
    "RuntimeConfig": _never,
    "S3ObjectStorageMode": _copies,
}


def refuse_unsupported(**members: object) -> None:
    """Refuse what would change the function's behaviour and cannot be honoured yet. Raises MemberNotSupported."""
    for member, value in members.items():
        if value is not None and not HARMLESS[member](value):
            raise MemberNotSupported(member=member)
