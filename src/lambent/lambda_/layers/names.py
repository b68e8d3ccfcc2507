"""How layers are named: `name`, the layer's ARN, or the ARN of one version of it.

It does not know which layers exist. Sources: reference/lambda.md 1.3; the forms are the model's LayerNameOrArn and
LayerVersionArn, which the kernel has checked before.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

FORM: Final = re.compile(
    r"arn:(?P<partition>aws[a-zA-Z-]*)?:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"layer:(?P<name>[a-zA-Z0-9-_]+)(?::(?P<version>\d+))?",
    re.ASCII,
)


class LayerArn(msgspec.Struct, frozen=True, cache_hash=True):
    """`arn:aws:lambda:<region>:<account>:layer:<name>`, with `:<version>` when it names one."""

    region: str
    account: str
    name: str
    version: int | None = None
    partition: str = "aws"

    def __str__(self) -> str:
        tail = "" if self.version is None else f":{self.version}"
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:layer:{self.name}{tail}"

    @property
    def layer(self) -> LayerArn:
        """The ARN without a version."""
        return self.versioned(None)

    def versioned(self, number: int | None) -> LayerArn:
        """The ARN of a version; None: of the layer."""
        return LayerArn(self.region, self.account, self.name, number, self.partition)

    @staticmethod
    def named(layer_name: str, account: str, region: str) -> LayerArn:
        """Read a name or an ARN, as a caller of the account in the region means it."""
        return LayerArn.parsed(layer_name) or LayerArn(region, account, layer_name)

    @staticmethod
    def parsed(text: str) -> LayerArn | None:
        """Read an ARN; None: it has another form, of which the model knows AWS's own `awslayer`. None of those is here."""
        form = FORM.fullmatch(text)
        if form is None:
            return None
        version = None if form["version"] is None else int(form["version"])
        return LayerArn(form["region"], form["account"], form["name"], version, form["partition"] or "aws")
