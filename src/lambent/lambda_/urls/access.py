"""Whom a function URL lets in.

Two permissions are needed since October 2025: to call the URL, and to invoke the function by way of it. A URL without
authentication takes both from the function's policies, which must allow everybody; one with AWS_IAM too, but for callers of
the function's own account, who have them by who they are unless a policy denies them. Sources: reference/lambda.md 2.3;
Lambda developer guide, "Control access to Lambda function URLs".
"""

from __future__ import annotations

from lambent.core.kernel import Caller
from lambent.core.policies.evaluation import Verdict
from lambent.core.policies.facts import facts_of
from lambent.core.policies.principals import ANONYMOUS, Requester
from lambent.lambda_.functions import Function
from lambent.lambda_.policies.access import INVOKE_FUNCTION, INVOKE_FUNCTION_URL, may_deny, says
from lambent.lambda_.urls.addresses import Target


def admits(function: Function, target: Target, caller: Caller | None, *, source_ip: str, now: float) -> bool:
    """Whether the URL may be called by `caller`; None: by somebody nobody knows."""
    own = caller is not None and _is_own(caller, function)
    if own and not may_deny(function, target.alias):
        return True
    requester = ANONYMOUS if caller is None else Requester.of(caller)
    facts = facts_of(requester, region=function.arn.region, now=now).and_of({"aws:SourceIp": source_ip or None})
    asked = (
        (INVOKE_FUNCTION_URL, facts.and_of({"lambda:FunctionUrlAuthType": target.config.auth_type})),
        (INVOKE_FUNCTION, facts.and_of({"lambda:InvokedViaFunctionUrl": "true"})),
    )
    verdicts = {says(function, target.alias, action, requester, known) for action, known in asked}
    return Verdict.DENIED not in verdicts if own else verdicts == {Verdict.ALLOWED}


def _is_own(caller: Caller, function: Function) -> bool:
    """As the gateway has it (`gateway.authorise`): root and every role session of the account."""
    return caller.account == function.arn.account and (caller.is_root or caller.session_name is not None)
