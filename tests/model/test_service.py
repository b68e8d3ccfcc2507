"""The service models, read from botocore's files."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel

from lambent.model import files
from lambent.model.service import load


@pytest.mark.parametrize("service", ["lambda", "logs", "sts", "iam", "sqs", "dynamodb"])
def test_a_model_says_what_botocore_says(service: str) -> None:
    ours = load(service)
    theirs: Any = BotocoreModel(Loader().load_service_model(service, "service-2"), service)
    assert ours.operation_names == list(theirs.operation_names)
    assert ours.signing_name == theirs.signing_name
    for name in ours.operation_names:
        one, other = ours.operation(name), theirs.operation_model(name)
        assert (one.method, one.request_uri) == (other.http["method"], other.http["requestUri"])
        assert [error.name for error in one.errors] == [error.name for error in other.error_shapes]
        assert list(one.input.members if one.input else ()) == list(
            other.input_shape.members if other.input_shape else ()
        )


def test_the_newest_version_is_the_one_that_is_read() -> None:
    assert load("lambda").metadata.api_version == "2015-03-31"


def test_a_service_nobody_knows_is_not_found() -> None:
    with pytest.raises(files.ModelNotFound):
        load("lambada")


def test_a_compressed_and_a_plain_file_read_the_same(tmp_path: Path) -> None:
    version = tmp_path / "small" / "2020-01-01"
    version.mkdir(parents=True)
    (version / files.SERVICE_FILE).write_bytes(b'{"plain":1}')
    assert files.read(files.newest_version(tmp_path, "small"), files.SERVICE_FILE) == b'{"plain":1}'


def test_a_shape_that_holds_itself_can_be_followed() -> None:
    shape = load("dynamodb").shape("AttributeValue")
    for _ in range(50):
        shape = shape.members["M"].value
    assert shape.name == "AttributeValue"


def test_documentation_is_not_kept() -> None:
    traits = load("lambda").traits.shapes["FunctionName"]
    assert not hasattr(traits, "documentation")


def test_an_error_is_found_by_its_name_and_by_its_code() -> None:
    errors = load("iam").errors
    assert errors["NoSuchEntity"] is not None
    assert errors["NoSuchEntity"].name == errors["NoSuchEntityException"].name == "NoSuchEntityException"


def test_reading_a_model_does_not_import_botocore() -> None:
    code = "import sys, lambent.core.kernel as k; k.Binding('lambda').model; print('botocore' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
