"""Whether a caller may do what they ask.

Identity policies are not evaluated yet. Until they are, the account's root may do everything in the account, and so
may every role session of the account, whatever the role's policies say: a function's own credentials (its execution
role) must be able to call the gateway, and refusing them would break every function that uses an SDK. What is already
kept: nobody acts in another account than their own, and a principal that is neither root nor a role session is
refused. What would be done with the operator's own means, outside of Lambent, is root's alone: reading from S3.

Which role may be assumed at all is checked where roles are assumed (STS, and CreateFunction), and what the policy of
a resource allows or denies where that resource is kept (Lambda), not here.
"""

from __future__ import annotations

from typing import Any

from lambent.core.errors import AccessDeniedException
from lambent.core.kernel import Caller, Service


def may_get_object(account: str, caller: Caller, bucket: str, key: str) -> bool:
    """Whether the caller has s3:GetObject on an object of the S3 that the operator of `account` has configured."""
    del bucket, key
    return caller.is_root and caller.account == account


def authorise(caller: Caller, account: str | None, service: Service[Any], operation: str) -> None:
    """Allow the call, or raise AccessDeniedException; `account` is the one that is served, None for any (open mode)."""
    if account is None or (caller.account == account and (caller.is_root or caller.session_name is not None)):
        return
    raise AccessDeniedException(caller=caller.arn, action=service.action(operation), resource="*")
