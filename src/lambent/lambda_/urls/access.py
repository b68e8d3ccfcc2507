"""Whom a function URL lets in.

(policies come)
"""

from __future__ import annotations

from lambent.core.kernel import Caller
from lambent.lambda_.functions import Function
from lambent.lambda_.urls.addresses import Target


def admits(function: Function, target: Target, caller: Caller | None) -> bool:
    del function
    return caller is None or (
        caller.account == target.arn.account and (caller.is_root or caller.session_name is not None)
    )
