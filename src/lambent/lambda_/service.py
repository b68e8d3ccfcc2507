"""What every operation of Lambda stands on: the binding to AWS's model, and the state that an operation's context has."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Binding
from lambent.core.ports import Roles
from lambent.lambda_.activation import Activation
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.store import Functions

LAMBDA: Final = Binding("lambda")


class Lambda(msgspec.Struct, frozen=True):
    """The control plane's parts, and the way into the data plane."""

    functions: Functions
    code: CodeStore
    activation: Activation
    roles: Roles
    limits: AccountLimits
    invocations: InvokePath
