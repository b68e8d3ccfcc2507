"""What a function version is set to, and the rules for it that the model does not carry.

The kernel has checked the model's constraints before; `Configuration` holds what passed, and the functions here
refuse what AWS refuses beyond them, in its sentences, and what Lambent cannot honour yet, in ours. A member is
either obeyed, or stored and returned because it changes nothing that a function could notice (TracingConfig), or
refused by name: never accepted and forgotten. Numbers and lists are in `limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import msgspec

from lambent.lambda_.code.store import Code
from lambent.lambda_.errors import (
    AboveMaximum,
    EnvironmentReserved,
    EnvironmentTooLarge,
    LogLevelWithText,
    MemberNotSupported,
    RuntimeNotSupported,
    RuntimeUnknown,
    TooManyTags,
)
from lambent.lambda_.limits import (
    ENVIRONMENT_MAX_BYTES,
    MEMORY_DEFAULT_MIB,
    MEMORY_MAX_MIB,
    RESERVED_ENVIRONMENT,
    TAGS_MAX,
    TIMEOUT_DEFAULT_S,
    TIMEOUT_MAX_S,
    TMP_MAX_MIB,
    TMP_MIN_MIB,
)
from lambent.lambda_.runtimes.catalogue import CATALOGUE
from lambent.model.java import hash_set_order


class Logging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the function logs to, and how."""

    group: str
    format: str = "Text"  # or JSON
    application_level: str | None = None  # only with JSON, and then INFO unless set
    system_level: str | None = None


class Configuration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Code and settings: what publishing a version freezes."""

    code: Code
    runtime: str
    handler: str
    role: str
    logging: Logging
    description: str = ""
    timeout_s: int = TIMEOUT_DEFAULT_S
    memory_mib: int = MEMORY_DEFAULT_MIB
    tmp_mib: int = TMP_MIN_MIB
    environment: dict[str, str] | None = None
    architecture: str = "x86_64"
    tracing: str = "PassThrough"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for, in AWS's members; None: not given."""

    runtime: str | None = None
    handler: str | None = None
    role: str | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    ephemeral_storage_size: int | None = None
    variables: dict[str, str] | None = None
    tracing_mode: str | None = None
    logging: Mapping[str, str] | None = None

    def check(self) -> None:
        """Raises RuntimeUnknown, RuntimeNotSupported, AboveMaximum, EnvironmentReserved, EnvironmentTooLarge."""
        if self.runtime is not None:
            check_runtime(self.runtime)
        for member, value, maximum in (
            ("Timeout", self.timeout, TIMEOUT_MAX_S),
            ("MemorySize", self.memory_size, MEMORY_MAX_MIB),
            ("EphemeralStorage.Size", self.ephemeral_storage_size, TMP_MAX_MIB),
        ):
            if value is not None and value > maximum:
                raise AboveMaximum(member=member, maximum=maximum)
        if self.variables is not None:
            check_environment(self.variables)

    def fields(self, function_name: str, before: Logging | None = None) -> dict[str, Any]:
        """The fields of `Configuration` that are asked for; `before` is what LoggingConfig was."""
        given = {
            "runtime": self.runtime,
            "handler": self.handler,
            "role": self.role,
            "description": self.description,
            "timeout_s": self.timeout,
            "memory_mib": self.memory_size,
            "tmp_mib": self.ephemeral_storage_size,
            "environment": self.variables,
            "tracing": self.tracing_mode,
            "logging": logging_of(function_name, self.logging or {}, before),
        }
        return {field: value for field, value in given.items() if value is not None}


def logging_of(function_name: str, given: Mapping[str, str], before: Logging | None) -> Logging:
    """Complete LoggingConfig: what is not given stays, or has AWS's default; levels belong to JSON alone.

    Raises LogLevelWithText.
    """
    before = before or Logging(group=f"/aws/lambda/{function_name}")
    group, form = given.get("LogGroup", before.group), given.get("LogFormat", before.format)
    if form != "JSON":
        if "ApplicationLogLevel" in given or "SystemLogLevel" in given:
            raise LogLevelWithText
        return Logging(group=group, format=form)
    return Logging(
        group=group,
        format=form,
        application_level=given.get("ApplicationLogLevel", before.application_level) or "INFO",
        system_level=given.get("SystemLogLevel", before.system_level) or "INFO",
    )


def check_environment(variables: Mapping[str, str]) -> None:
    """Raises EnvironmentReserved, EnvironmentTooLarge."""
    if reserved := [key for key in variables if key in RESERVED_ENVIRONMENT]:
        raise EnvironmentReserved(keys=", ".join(reserved))
    measured = msgspec.json.encode(variables)
    if len(measured) > ENVIRONMENT_MAX_BYTES:
        raise EnvironmentTooLarge(measured=measured.decode())


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises TooManyTags."""
    if len(tags) > TAGS_MAX:
        raise TooManyTags


def check_runtime(runtime: str) -> None:
    """Raises RuntimeUnknown, RuntimeNotSupported, MemberNotSupported."""
    known = CATALOGUE.get(runtime)
    if known is None:
        supported = [row.id for row in CATALOGUE.values() if not row.blocked and row.family != "custom"]
        raise RuntimeUnknown(runtime=runtime, supported=", ".join(hash_set_order(supported)))
    if known.family == "custom":
        raise MemberNotSupported(member="Runtime custom")
    if known.blocked:
        raise RuntimeNotSupported(runtime=runtime)


def _empty(value: Any) -> bool:
    """Nothing is asked for: an empty list, an empty string, a structure of nothing but such."""
    if isinstance(value, dict):
        return all(_empty(member) for member in cast("dict[str, Any]", value).values())
    return not value


def _never(_: Any) -> bool:
    return False


STORED: Final = frozenset({"TracingConfig"})  # kept and returned: there is no X-Ray that a function could notice

HARMLESS: Final[Mapping[str, Callable[[Any], bool]]] = {
    # member of AWS -> whether this value of it asks for nothing that Lambent cannot do yet
    "AcceleratorConfig": _never,
    "CapacityProviderConfig": _never,
    "CodeSigningConfigArn": _empty,
    "DeadLetterConfig": _empty,
    "DurableConfig": _never,
    "FileSystemConfigs": _empty,
    "ImageConfig": _empty,
    "ImageUri": _never,
    "KMSKeyArn": _empty,
    "Layers": _empty,
    "PackageType": lambda value: value == "Zip",
    "PublishTo": _never,
    "RuntimeConfig": _never,
    "S3Bucket": _never,
    "S3Key": _never,
    "SnapStart": lambda value: value.get("ApplyOn", "None") == "None",
    "SourceKMSKeyArn": _empty,
    "TenancyConfig": _never,
    "VpcConfig": _empty,
}


def refuse_unsupported(**members: object) -> None:
    """Refuse what would change the function's behaviour and cannot be honoured yet. Raises MemberNotSupported."""
    for member, value in members.items():
        if value is not None and not HARMLESS[member](value):
            raise MemberNotSupported(member=member)
