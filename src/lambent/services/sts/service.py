"""What app.py makes of STS."""

from __future__ import annotations

from lambent.core.kernel import Service, operations_in
from lambent.core.ports import Roles
from lambent.services.sts.access_keys import AccessKeys
from lambent.services.sts.operations import sessions
from lambent.services.sts.state import STS, Sts


def sts(keys: AccessKeys, roles: Roles) -> Service[Sts]:
    """STS over the access keys (`AccessKeys.of(data, account, roles, clock, ids)`) and the roles."""
    return Service(STS, Sts(keys, roles), operations_in(sessions))
