"""The operations of the Lambda API, one file per noun: each reads like AWS's reference, asks the domain, returns."""

from typing import Final

from lambent.lambda_.operations import (
    account,
    aliases,
    code_signing,
    concurrency,
    event_invoke_configs,
    event_source_mappings,
    function_code,
    function_configuration,
    function_scaling_configs,
    functions,
    invocations,
    layers,
    permissions,
    recursion_configs,
    resource_policies,
    runtime_management,
    tags,
    urls,
    versions,
)

MODULES: Final = (  # every operation that is bound
    account,
    aliases,
    code_signing,
    concurrency,
    event_invoke_configs,
    event_source_mappings,
    function_code,
    function_configuration,
    function_scaling_configs,
    functions,
    invocations,
    layers,
    permissions,
    recursion_configs,
    resource_policies,
    runtime_management,
    tags,
    urls,
    versions,
)
