"""An Amazon Resource Name as a type: parsed once at the rim, carried as fields, written back the same.

`arn:partition:service:region:account:resource`; region and account may be empty and the resource may hold further
colons and slashes, which only its service understands.
"""

from typing import Self

import msgspec


class InvalidArn(ValueError):
    """The text is not an ARN. Which AWS error that is depends on the member it stood in, so the caller says."""


class Arn(msgspec.Struct, frozen=True, gc=False):
    """The six parts of an ARN; equal when all parts are."""

    service: str
    region: str
    account: str
    resource: str
    partition: str = "aws"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidArn."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
            raise InvalidArn(text)
        return cls(partition=parts[1], service=parts[2], region=parts[3], account=parts[4], resource=parts[5])

    @property
    def resource_type(self) -> str:
        """What stands before the first ":" or "/" of the resource; empty if neither is there (a bucket, a queue)."""
        kind, _, _ = self._split()
        return kind

    @property
    def resource_id(self) -> str:
        """What stands after the first ":" or "/" of the resource; all of it if neither is there."""
        _, _, rest = self._split()
        return rest

    def _split(self) -> tuple[str, str, str]:
        for index, letter in enumerate(self.resource):
            if letter in ":/":
                return self.resource[:index], letter, self.resource[index + 1 :]
        return "", "", self.resource

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"
