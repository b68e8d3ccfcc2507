"""What a new mapping is compared with is found by an index, however many mappings there are."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from lambent.lambda_.rows import MIGRATIONS, QUERIES
from lambent.storage.database import opened
from lambent.storage.sql import Value


@pytest.mark.parametrize(
    ("query", "values", "index"),
    [
        ("select_mappings_between", {"name": "f", "event_source_arn": None}, "event_source_mappings_of_functions"),
        (
            "select_mappings_of_consumer_group",
            {"consumer_group": "g"},
            "event_source_mappings_of_consumer_groups",
        ),
        ("select_mappings_of_poller_group", {"poller_group": "g"}, "event_source_mappings_of_poller_groups"),
    ],
)
async def test_a_question_is_answered_by_an_index(
    tmp_path: Path, query: str, values: dict[str, Value], index: str
) -> None:
    bindings = {"account": "123456789012", "region": "eu-central-1", **values}

    def plan(connection: apsw.Connection) -> list[str]:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {getattr(QUERIES, query).sql}", bindings)
        return [str(step[3]) for step in steps]

    async with opened(tmp_path / "lambda.db", MIGRATIONS, "memory") as database:
        (step,) = await database.write(plan)
    assert step.startswith(f"SEARCH resources USING INDEX {index} (account=? AND region=? AND <expr>=?")
