"""The operations of the Lambda API, one file per noun: each reads like AWS's reference, asks the domain, returns."""

from typing import Final

from lambent.lambda_.operations import (
    account,
    aliases,
    function_code,
    function_configuration,
    functions,
    invocations,
    tags,
    versions,
)

MODULES: Final = (  # every operation that is bound
    account,
    aliases,
    function_code,
    function_configuration,
    functions,
    invocations,
    tags,
    versions,
)
