"""What STS's operations stand on: the binding to the model, the access keys, and whoever knows the roles."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Binding
from lambent.core.ports import Roles
from lambent.services.sts.access_keys import AccessKeys

STS: Final = Binding("sts")


class Sts(msgspec.Struct, frozen=True):
    """The state of STS, which is nearly none."""

    keys: AccessKeys
    roles: Roles
