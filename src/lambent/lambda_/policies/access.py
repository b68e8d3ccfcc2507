"""Whether a function's policies admit somebody: callers of other accounts, services, whoever calls its URL.

A request for a version or an alias (`function:f:prod`) is asked of two policies: the one that hangs there, and the
function's own, whose statements may be about it by a wildcard ("function:f:*"). A request without a qualifier is
asked of the function's alone; a statement about the function does not cover its versions. Sources:
reference/lambda.md 9; Lambda developer guide, "Granting Lambda function access to other accounts" and "Control access
to Lambda function URLs".
"""

from __future__ import annotations

from typing import Final

from lambent.core.policies.evaluation import Asked, Verdict, verdict
from lambent.core.policies.facts import Facts
from lambent.core.policies.principals import Requester
from lambent.lambda_.functions import Function
from lambent.lambda_.parts import NOTHING_ATTACHED
from lambent.lambda_.policies.policy import Policy, policy_at

INVOKE_FUNCTION: Final = "lambda:InvokeFunction"
INVOKE_FUNCTION_URL: Final = "lambda:InvokeFunctionUrl"


def says(function: Function, qualifier: str | None, action: str, requester: Requester, facts: Facts) -> Verdict:
    """What the policies say of `requester` doing `action` to the function, or to what the qualifier names.

    `facts` are those of `core.policies.facts.facts_of`, and of the keys aws:SourceArn, aws:SourceAccount,
    aws:PrincipalOrgID, lambda:EventSourceToken, lambda:FunctionUrlAuthType and lambda:InvokedViaFunctionUrl those that
    the request has. For the account's own callers NOTHING is no refusal, for everybody else it is one.
    """
    arn = function.arn if qualifier is None else function.arn.qualified(qualifier)
    asked = Asked(requester, action, str(arn), facts.and_of({"aws:ResourceAccount": function.arn.account}))
    return verdict([policy.document for policy in _asked_for(function, qualifier)], asked)


def admits(function: Function, qualifier: str | None, action: str, requester: Requester, facts: Facts) -> bool:
    """Whether the policies allow it and none denies it."""
    return says(function, qualifier, action, requester, facts) is Verdict.ALLOWED


def may_deny(function: Function, qualifier: str | None) -> bool:
    """Whether there is anything that the account's own callers must ask; for nearly every function there is not."""
    return function.attached is not NOTHING_ATTACHED and any(
        policy.denies for policy in _asked_for(function, qualifier)
    )


def _asked_for(function: Function, qualifier: str | None) -> list[Policy]:
    own = policy_at(function, qualifier) if qualifier is not None else None
    return [policy for policy in (policy_at(function, None), own) if policy is not None]
