"""The account: its quotas and what it uses of them. reference/lambda.md 5."""

from __future__ import annotations

from lambent.core.kernel import Context
from lambent.lambda_.concurrency.claims import unreserved
from lambent.lambda_.service import LAMBDA, Lambda
from lambent.lambda_.shapes import AccountUsage, GetAccountSettingsResponse, account_limit


@LAMBDA.operation
async def get_account_settings(ctx: Context[Lambda]) -> GetAccountSettingsResponse:
    """Tell the quotas in this region, how many functions there are, and how large all versions' code and all layers are."""
    functions = list(ctx.state.functions.listed(ctx.account, ctx.region))
    layers = ctx.state.layers.listed(ctx.account, ctx.region)
    return GetAccountSettingsResponse(
        account_limit=account_limit(ctx.state.limits, unreserved(functions, ctx.state.limits)),
        account_usage=AccountUsage(
            total_code_size=sum(each.code_size_bytes for each in (*functions, *layers)),
            function_count=len(functions),
        ),
    )
