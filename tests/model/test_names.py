"""Snake case as boto3 has it."""

import pytest
from botocore import xform_name

from lambent.model import files
from lambent.model.names import lower_camel, snake_case
from lambent.model.service import load


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ListMFADevices", "list_mfa_devices"),
        ("CodeSha256", "code_sha256"),
        ("KMSKeyArn", "kms_key_arn"),
        ("FunctionARNs", "function_arns"),
        ("UUID", "uuid"),
        ("S3ObjectVersion", "s3_object_version"),
        ("logGroupName", "log_group_name"),
        ("CreateOAuth2Token", "create_oauth2_token"),
    ],
)
def test_a_run_of_capitals_is_one_word(name: str, words: str) -> None:
    assert snake_case(name) == words


def test_every_operation_and_member_we_bind_is_called_as_in_boto3() -> None:
    for service in ("lambda", "logs", "sts", "iam"):
        model = load(service)
        names = {*model.operation_names, *(name for shape in model.traits.shapes.values() for name in shape.members)}
        assert {name: snake_case(name) for name in names} == {name: xform_name(name) for name in names}


def test_no_two_operations_of_a_service_share_a_name() -> None:
    folder = files.data_folder()
    for service in ("ec2", "s3", "dynamodb", "sqs", "sns", "stepfunctions"):
        model = load(service, folder)
        assert len(model.by_snake_case) == len(model.operation_names)


def test_a_sentence_writes_a_member_with_a_small_first_letter() -> None:
    assert lower_camel("FunctionName") == "functionName"
    assert lower_camel("KMSKeyArn") == "kMSKeyArn"
