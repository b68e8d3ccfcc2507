"""Whom a function URL lets in.

Since October 2025 a caller needs two permissions: to call the URL, and to invoke the function by way of it. Before, the
first sufficed, and it still does for accounts that AWS has exempted (recorded on 24 November 2025); `Permissions` says
which rule holds. A URL without authentication takes permissions from the function's policies, which must allow everybody.
One with AWS_IAM does too, but callers of the function's own account have them by who they are unless a policy denies them.
Sources: reference/lambda.md 2.3; Lambda developer guide, "Control access to Lambda function URLs".
"""

from __future__ import annotations

from typing import Literal

from lambent.core.kernel import Caller
from lambent.core.policies.evaluation import Verdict
from lambent.core.policies.facts import facts_of
from lambent.core.policies.principals import ANONYMOUS, Requester
from lambent.lambda_.functions import Function
from lambent.lambda_.policies.access import INVOKE_FUNCTION, INVOKE_FUNCTION_URL, may_deny, says
from lambent.lambda_.urls.addresses import Target

Permissions = Literal["url", "both"]  # lambda:InvokeFunctionUrl alone, or lambda:InvokeFunction as well


def admits(
    function: Function,
    target: Target,
    caller: Caller | None,
    *,
    source_ip: str,
    now: float,
    permissions: Permissions = "both",
) -> bool:
    """Whether the URL may be called by `caller`; None: by somebody nobody knows."""
    own = caller is not None and _is_own(caller, function)
    if own and not may_deny(function, target.alias):
        return True
    requester = ANONYMOUS if caller is None else Requester.of(caller)
    facts = facts_of(requester, region=function.arn.region, now=now).and_of({"aws:SourceIp": source_ip or None})
    asked = [(INVOKE_FUNCTION_URL, facts.and_of({"lambda:FunctionUrlAuthType": target.config.auth_type}))]
    if permissions == "both":
        asked.append((INVOKE_FUNCTION, facts.and_of({"lambda:InvokedViaFunctionUrl": "true"})))
    verdicts = {says(function, target.alias, action, requester, known) for action, known in asked}
    return Verdict.DENIED not in verdicts if own else verdicts == {Verdict.ALLOWED}


def _is_own(caller: Caller, function: Function) -> bool:
    """As the gateway has it (`gateway.authorise`): root and every role session of the account."""
    return caller.account == function.arn.account and (caller.is_root or caller.session_name is not None)
