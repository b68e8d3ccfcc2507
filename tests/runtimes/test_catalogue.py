"""The catalogue against AWS's model."""

import gzip
import json
from importlib.metadata import distribution
from pathlib import Path

from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider


def test_there_is_a_row_for_every_runtime_that_aws_names_and_for_no_other() -> None:
    data = Path(str(distribution("botocore").locate_file("botocore/data/lambda/2015-03-31")))
    file = next(data.glob("service-2.json*"))
    model = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
    assert set(CATALOGUE) == set(model["shapes"]["Runtime"]["enum"])


def test_retired_runtimes_are_blocked_and_deprecated_ones_only_after_their_grace() -> None:
    blocked = {row.id for row in CATALOGUE.values() if row.blocked}
    assert {"go1.x", "provided", "java8", "nodejs14.x", "python3.7", "dotnetcore3.1", "ruby2.7"} <= blocked
    assert not {"python3.8", "nodejs20.x", "dotnet8", "provided.al2", "python3.10", "python3.15"} & blocked


def test_what_can_be_run_can_be_created() -> None:
    assert not [row.id for row in CATALOGUE.values() if row.blocked and row.provider is not Provider.NONE]


def test_packages_with_their_own_runtime_are_told_no_execution_environment() -> None:
    without = {row.id for row in CATALOGUE.values() if row.execution_environment is None}
    assert without == {"provided", "provided.al2", "provided.al2023", "custom"}
    assert CATALOGUE["python3.12"].execution_environment == "AWS_Lambda_python3.12"


def test_dates_of_a_row_follow_each_other() -> None:
    for row in CATALOGUE.values():
        if row.block_create and row.block_update:
            assert row.block_create <= row.block_update, row.id
