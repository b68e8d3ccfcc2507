"""What app.py makes of IAM: its migrations for the shared database, its state, its service."""

from __future__ import annotations

from typing import Final

from lambent.core.kernel import Service, operations_in
from lambent.services.iam.managed import aws_managed_policies
from lambent.services.iam.operations import policies, role_policies, roles
from lambent.services.iam.policies import ManagedPolicies
from lambent.services.iam.roles import Roles
from lambent.services.iam.state import IAM, Iam
from lambent.storage.database import Database
from lambent.storage.migrations import migrations_of

MIGRATIONS: Final = migrations_of("lambent.services.iam")


def iam(database: Database) -> Service[Iam]:
    """IAM on a database that was opened with `MIGRATIONS`; `service.state.roles` is the port `core.ports.Roles`."""
    state = Iam(Roles(database), ManagedPolicies(database, aws_managed_policies()))
    return Service(IAM, state, operations_in(roles, role_policies, policies))
