"""What IAM's operations stand on: the binding to the model, the roles and the policies."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Binding
from lambent.services.iam.policies import ManagedPolicies
from lambent.services.iam.roles import Roles

IAM: Final = Binding("iam")


class Iam(msgspec.Struct, frozen=True):
    """The state of IAM; global, so no region stands in it."""

    roles: Roles
    policies: ManagedPolicies
