"""What every operation of Lambda stands on: the binding to AWS's model, and the state that an operation's context has."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.core.kernel import Binding
from lambent.core.ports import EventSources, Networks, Roles
from lambent.lambda_.activation import Activation
from lambent.lambda_.code.links import Links
from lambent.lambda_.code.sources import Sources
from lambent.lambda_.code.store import CodeStore
from lambent.lambda_.concurrency.provisioned import Provisions
from lambent.lambda_.control import ControlPlane
from lambent.lambda_.invoke.path import InvokePath
from lambent.lambda_.layers.store import Layers
from lambent.lambda_.limits import AccountLimits
from lambent.lambda_.resources import Resources
from lambent.lambda_.signing.configs import CodeSigningConfigs
from lambent.lambda_.signing.deployments import Deployments
from lambent.lambda_.sources.mapping import EventSourceMapping
from lambent.lambda_.store import Functions

LAMBDA: Final = Binding("lambda")


class Lambda(msgspec.Struct, frozen=True):
    """The control plane's parts, and the way into the data plane."""

    functions: Functions
    code: CodeStore
    packages: Sources
    links: Links
    code_signing_configs: CodeSigningConfigs
    deployments: Deployments
    activation: Activation
    roles: Roles
    networks: Networks
    limits: AccountLimits
    event_source_mappings: Resources[EventSourceMapping]
    event_sources: EventSources
    layers: Layers
    invocations: InvokePath
    provisions: Provisions

    @staticmethod
    def of(control: ControlPlane, invocations: InvokePath, provisions: Provisions) -> Lambda:
        """Put the two planes together."""
        parts = {name: getattr(control, name) for name in ControlPlane.__struct_fields__}
        return Lambda(**parts, invocations=invocations, provisions=provisions)
