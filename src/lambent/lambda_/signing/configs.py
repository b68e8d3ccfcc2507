"""The nouns: a `CodeSigningConfig`, and the part of a function that says which one it has.

A configuration is a resource of its own, shared by the functions that name it, and cannot be deleted while one does.
Sources: reference/lambda.md 6, 14; developer guide, "Using code signing to verify code integrity with Lambda".
"""

from __future__ import annotations

from typing import ClassVar, Final

import apsw
import msgspec

from lambent.core.arn import Arn
from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.lambda_.parts import Part
from lambent.lambda_.resources import Place, Resources
from lambent.lambda_.rows import QUERIES
from lambent.storage.commits import Commits, Guard

KIND: Final = "code-signing-config"
ID_LENGTH: Final = 17
PREFIX: Final = "csc-"


class CodeSigningConfigMissing(AwsError, code="ResourceNotFoundException", extra={"Type": None}):
    """Recorded, for operations on the configuration; without a Type."""

    message = "The Lambda code signing configuration {arn} can not be found."


class CodeSigningConfigUnknown(AwsError, code="CodeSigningConfigNotFoundException"):
    """As LocalStack has it of AWS, for operations on a function that name the configuration."""

    message = (
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    )


class CodeSigningConfigInUse(AwsError, code="ResourceConflictException"):
    """The rule is of the API reference; the sentence is ours."""

    message = "The code signing configuration {arn} cannot be deleted because a function is using it."


class ImageNotSigned(AwsError, code="InvalidParameterValueException"):
    """The rule is of the developer guide; the sentence is ours."""

    message = "Code signing is not supported for functions created with container images."


class CodeSigning(Part, frozen=True, kw_only=True):
    """Which configuration a function has."""

    KIND: ClassVar[str] = "code-signing"

    config_arn: str


class CodeSigningConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose packages are taken, and what becomes of others."""

    arn: str
    publishers: tuple[str, ...]  # ARNs of versions of signing profiles
    modified_at: float  # Unix epoch seconds
    policy: str = "Warn"  # or Enforce
    description: str = ""
    tags: dict[str, str] = {}

    @property
    def config_id(self) -> str:
        """AWS's CodeSigningConfigId."""
        return id_of(self.arn)

    def tagged(self, tags: dict[str, str]) -> CodeSigningConfig:
        """The configuration with exactly these tags."""
        return msgspec.structs.replace(self, tags=tags)


class CodeSigningConfigs:
    """The configurations there are; made by `loaded`."""

    def __init__(self, resources: Resources[CodeSigningConfig]) -> None:
        self.resources: Final = resources

    @staticmethod
    async def loaded(commits: Commits) -> CodeSigningConfigs:
        """The configurations in a database migrated by `rows.MIGRATIONS`."""
        return CodeSigningConfigs(await Resources[CodeSigningConfig].loaded(commits, KIND, CodeSigningConfig))

    def find(self, arn: str, account: str, region: str) -> CodeSigningConfig | None:
        """The configuration of that ARN, if it is one that this account has in this region."""
        found = self.resources.get(account, region, id_of(arn))
        return found if found is not None and found.arn == arn else None

    def get(self, arn: str, account: str, region: str) -> CodeSigningConfig:
        """The same. Raises CodeSigningConfigMissing."""
        found = self.find(arn, account, region)
        if found is None:
            raise CodeSigningConfigMissing(arn=arn)
        return found

    def listed(self, account: str, region: str) -> list[CodeSigningConfig]:
        """All of the account in the region, by id."""
        return self.resources.listed(account, region)

    async def add(self, config: CodeSigningConfig) -> None:
        """Keep a new one."""
        await self.resources.change(place_of(config.arn), lambda _: config)

    async def change(self, config: CodeSigningConfig, **changes: object) -> CodeSigningConfig:
        """Set these fields. Raises CodeSigningConfigMissing: it was deleted meanwhile."""

        def decide(before: CodeSigningConfig | None) -> CodeSigningConfig:
            if before is None:
                raise CodeSigningConfigMissing(arn=config.arn)
            return msgspec.structs.replace(before, **changes)

        after = await self.resources.change(place_of(config.arn), decide)
        assert after is not None  # decide gives one
        return after

    async def remove(self, config: CodeSigningConfig) -> None:
        """Forget it. Raises CodeSigningConfigInUse, CodeSigningConfigMissing (it was deleted meanwhile)."""
        place = place_of(config.arn)

        def decide(before: CodeSigningConfig | None) -> None:
            if before is None:
                raise CodeSigningConfigMissing(arn=config.arn)

        await self.resources.change(place, decide, lambda connection: _refuse_in_use(connection, place, config.arn))


def new_arn(partition: str, account: str, region: str, ids: Ids) -> str:
    """An ARN that no configuration has."""
    return str(Arn("lambda", region, account, f"{KIND}:{PREFIX}{ids.hex(ID_LENGTH)}", partition))


def id_of(arn: str) -> str:
    return arn.rpartition(":")[2]


def place_of(arn: str) -> Place:
    """Where the configuration stands among the resources."""
    return Place.of(Arn.parse(arn))


def there(arn: str) -> Guard:
    """What lets a transaction go on only while the configuration is there. It raises CodeSigningConfigUnknown."""

    def guard(connection: apsw.Connection) -> None:
        if QUERIES.select_resource.row(connection, kind=KIND, **place_of(arn)._asdict()) is None:
            raise CodeSigningConfigUnknown(arn=arn)

    return guard


def _refuse_in_use(connection: apsw.Connection, place: Place, arn: str) -> None:
    user = QUERIES.select_part_with_config.row(
        connection, account=place.account, region=place.region, kind=CodeSigning.KIND, config_arn=arn
    )
    if user is not None:
        raise CodeSigningConfigInUse(arn=arn)
