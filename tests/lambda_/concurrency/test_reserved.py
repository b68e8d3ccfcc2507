"""Reserved concurrency: who may reserve how much, and what is left to the others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.core.errors import AwsError
from lambent.lambda_.concurrency.claims import ProvisionedConcurrency, ReservedConcurrency, provisioned, unreserved
from lambent.lambda_.concurrency.reserved import ReservationTooLarge, ReservationTooSmall
from lambent.lambda_.errors import FunctionNotFound, QualifierNotAllowed
from lambent.lambda_.limits import UNRESERVED_MIN, AccountLimits
from tests.lambda_.plane import ARN, Plane, plane


async def left(lambda_: Plane) -> int:
    """What the account has unreserved."""
    return (await lambda_("GetAccountSettings"))["AccountLimit"]["UnreservedConcurrentExecutions"]


async def reserve(lambda_: Plane, executions: int, name: str = "f") -> dict[str, object]:
    return await lambda_("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=executions)


async def test_a_reservation_reads_back_everywhere(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {}
        assert "Concurrency" not in await lambda_("GetFunction", FunctionName="f")
        assert await reserve(lambda_, 5) == {"ReservedConcurrentExecutions": 5}
        assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {"ReservedConcurrentExecutions": 5}
        assert (await lambda_("GetFunction", FunctionName="f"))["Concurrency"] == {"ReservedConcurrentExecutions": 5}
        assert await left(lambda_) == 995


async def test_nothing_can_be_reserved_which_is_not_the_same_as_no_reservation(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        await reserve(lambda_, 0)
        assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {"ReservedConcurrentExecutions": 0}
        assert await left(lambda_) == 1000


async def test_a_reservation_is_replaced_and_deleted_and_deleting_none_is_no_error(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        await reserve(lambda_, 900)
        await reserve(lambda_, 890)
        assert await left(lambda_) == 110
        for _ in range(2):
            assert await lambda_("DeleteFunctionConcurrency", FunctionName="f") == {}
        assert await left(lambda_) == 1000


async def test_a_hundred_executions_are_left_to_functions_without_a_reservation(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        await lambda_.active("g")
        await reserve(lambda_, 500)
        with pytest.raises(ReservationTooLarge) as caught:
            await reserve(lambda_, 401, "g")
        assert caught.value.text == (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            "below its minimum value of [100]."
        )
        await reserve(lambda_, 400, "g")
        assert await left(lambda_) == UNRESERVED_MIN


async def test_a_deleted_function_gives_back_what_it_had_reserved(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        await reserve(lambda_, 900)
        await lambda_("DeleteFunction", FunctionName="f")
        await lambda_.active("g")
        await reserve(lambda_, 900, "g")


async def test_what_is_provisioned_cannot_be_reserved_away(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active(Publish=True)
        await lambda_(
            "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=10
        )
        assert await left(lambda_) == 990
        with pytest.raises(ReservationTooSmall, match=r"10"):
            await reserve(lambda_, 9)
        await reserve(lambda_, 10)
        assert await left(lambda_) == 990  # once for both


async def test_only_a_function_as_a_whole_has_a_reservation(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active(Publish=True)
        for name in ("f:1", "f:$LATEST", ARN + "f:$LATEST", "nobody:$LATEST"):
            with pytest.raises(QualifierNotAllowed):
                await reserve(lambda_, 1, name)
        for executions in (1, 0):
            with pytest.raises(FunctionNotFound) as caught:
                await reserve(lambda_, executions, "nobody")
            assert caught.value.text == f"Function not found: {ARN}nobody:$LATEST"
        for operation in ("GetFunctionConcurrency", "DeleteFunctionConcurrency"):
            with pytest.raises(FunctionNotFound):
                await lambda_(operation, FunctionName="nobody")


async def test_functions_that_reserve_at_the_same_time_never_take_more_than_there_is(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        for number in range(8):
            await lambda_.active(f"f{number}")
        outcomes = await asyncio.gather(
            *(reserve(lambda_, 200, f"f{number}") for number in range(8)), return_exceptions=True
        )
        assert sum(isinstance(outcome, ReservationTooLarge) for outcome in outcomes) == 4
        assert await left(lambda_) == 200


async def test_a_reservation_survives_a_restart(tmp_path: Path):
    async with plane(tmp_path) as lambda_:
        await lambda_.active()
        await reserve(lambda_, 7)
    async with plane(tmp_path) as lambda_:
        assert await lambda_("GetFunctionConcurrency", FunctionName="f") == {"ReservedConcurrentExecutions": 7}
        assert await left(lambda_) == 993


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Reserve", "Provision", "Unreserve", "Unprovision"]),
            st.sampled_from("fgh"),
            st.integers(0, 600),
        ),
        max_size=12,
    )
)
def test_whatever_is_claimed_in_whatever_order_the_minimum_is_left(calls: list[tuple[str, str, int]]):
    async def run() -> None:
        with TemporaryDirectory() as directory:
            async with plane(Path(directory)) as lambda_:
                for name in "fgh":
                    await lambda_.active(name, Publish=True)
                for call, name, executions in calls:
                    try:
                        await claim(lambda_, call, name, executions)
                    except AwsError as refused:
                        assert "onc" in refused.text
                    functions = lambda_.control.functions.listed("123456789012", "eu-central-1")
                    rest = unreserved(functions, AccountLimits())
                    assert rest >= UNRESERVED_MIN
                    assert await left(lambda_) == rest
                    for function in functions:
                        kept = function.part(ReservedConcurrency)
                        assert kept is None or provisioned(function) <= kept.executions
                        assert all(p.executions > 0 for p in function.parts(ProvisionedConcurrency).values())

    asyncio.run(run())


async def claim(lambda_: Plane, call: str, name: str, executions: int) -> None:
    match call:
        case "Reserve":
            await reserve(lambda_, executions, name)
        case "Provision":
            wanted = {"Qualifier": "1", "ProvisionedConcurrentExecutions": executions + 1}
            await lambda_("PutProvisionedConcurrencyConfig", FunctionName=name, **wanted)
        case "Unreserve":
            await lambda_("DeleteFunctionConcurrency", FunctionName=name)
        case _:
            await lambda_("DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier="1")
