"""What a function version is set to: values, checked before they came here (`settings`).

A field is AWS's member with its unit. What AWS shows and Lambent cannot do anything with (a VPC, a KMS key) is kept all the
same, so that it is read back as it was given; what a function would miss (a file system) is refused where it is invoked.
"""

from __future__ import annotations

import msgspec

from lambent.lambda_.code.store import Code
from lambent.lambda_.layers.attached import AttachedLayers
from lambent.lambda_.limits import MEMORY_DEFAULT_MIB, TIMEOUT_DEFAULT_S, TMP_MIN_MIB
from lambent.lambda_.signing.signed_by import SignedBy


class Logging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the function logs to, and how."""

    group: str
    format: str = "Text"  # or JSON
    application_level: str | None = None  # only with JSON, and then INFO unless set
    system_level: str | None = None


class Vpc(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The network that the function is attached to; empty: it was detached from one."""

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    vpc_id: str = ""
    ipv6: bool = False


class FileSystem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An access point, and where the function would see it."""

    arn: str
    path: str
    direct_s3_read: str | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a function of PackageType Image is made of, and what is overridden of it."""

    uri: str
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    working_directory: str | None = None

    @property
    def digest(self) -> str | None:
        """The sha256 in hex that the URI pins; None when it names a tag, which only a registry can resolve."""
        return self.uri.partition("@sha256:")[2] or None


class Configuration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Code and settings: what publishing a version freezes."""

    code: Code
    role: str
    logging: Logging
    runtime: str = ""  # of an image: none
    handler: str = ""  # of an image: none
    description: str = ""
    timeout_s: int = TIMEOUT_DEFAULT_S
    memory_mib: int = MEMORY_DEFAULT_MIB
    tmp_mib: int = TMP_MIN_MIB
    environment: dict[str, str] | None = None
    architecture: str = "x86_64"
    tracing: str = "PassThrough"
    image: Image | None = None
    vpc: Vpc | None = None
    file_systems: tuple[FileSystem, ...] = ()
    dead_letter_arn: str | None = None
    kms_key_arn: str | None = None
    signed_by: SignedBy | None = None
    source_kms_key_arn: str | None = None  # of the key that the package would be encrypted with where it is kept
    snap_start: str = "None"  # or PublishedVersions
    tenant_isolation: str | None = None  # PER_TENANT, from its creation on: no environment is shared by two tenants
    layers: AttachedLayers = ()
