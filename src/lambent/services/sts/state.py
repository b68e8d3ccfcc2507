"""What STS's operations stand on: the binding to the model, the access keys, and whoever knows the roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lambent.core.kernel import Binding
from lambent.core.ports import Roles
from lambent.services.sts.access_keys import AccessKeys

STS: Final = Binding("sts")


@dataclass(frozen=True, slots=True)
class Sts:
    """The state of STS, which is nearly none."""

    keys: AccessKeys
    roles: Roles
