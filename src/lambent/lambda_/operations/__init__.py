"""The operations of the Lambda API, one file per noun: each reads like AWS's reference, asks the domain, returns."""

from typing import Final

from lambent.lambda_.operations import account, aliases, functions, invocations, tags, versions

MODULES: Final = (account, aliases, functions, invocations, tags, versions)  # every operation that is bound
