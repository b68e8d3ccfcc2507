"""Functions as their owner meets them: created, read, listed, changed, deleted, refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from lambent.core.errors import AwsError
from lambent.lambda_.functions import FunctionVersion
from lambent.lambda_.limits import RESERVED_ENVIRONMENT
from tests.lambda_.plane import ACCOUNT, ARN, REGION, ROLE, Plane, only, plane
from tests.lambda_.zips import HELLO, OTHER, zipped


@pytest.fixture
def gate() -> asyncio.Event:
    """While it is not set, no version becomes ready."""
    opened = asyncio.Event()
    opened.set()
    return opened


@pytest.fixture
async def aws(tmp_path: Path, gate: asyncio.Event) -> AsyncGenerator[Plane]:
    async def prepare(_: FunctionVersion) -> None:
        await gate.wait()

    async with plane(tmp_path, prepare=prepare) as made:
        yield made


async def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(AwsError) as caught:
        await call
    return caught.value.code, str(caught.value)


INVALID = "InvalidParameterValueException"


# --- create and read -------------------------------------------------------------------------------------------------


async def test_a_created_function_is_pending_and_has_every_member_that_aws_shows(aws: Plane) -> None:
    created = await aws.create(Environment={"Variables": {"B1": "2", "A1": "1"}}, Description="d")
    assert created.pop("RevisionId")
    assert created.pop("RuntimeVersionConfig")["RuntimeVersionArn"].startswith(f"arn:aws:lambda:{REGION}::runtime:")
    assert created == {
        "FunctionName": "f",
        "FunctionArn": ARN + "f",
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "app.handler",
        "CodeSize": len(HELLO),
        "Description": "d",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2027-01-15T08:00:00.000+0000",
        "CodeSha256": base64.b64encode(hashlib.sha256(HELLO).digest()).decode(),
        "Version": "$LATEST",
        "Environment": {"Variables": {"B1": "2", "A1": "1"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    }


async def test_a_function_becomes_active_with_a_new_revision(aws: Plane) -> None:
    created = await aws.create()
    active = await aws.settled()
    assert (active["State"], active["LastUpdateStatus"]) == ("Active", "Successful")
    assert "StateReason" not in active
    assert active["RevisionId"] != created["RevisionId"]


async def test_get_function_gives_configuration_and_tags_under_every_form_of_the_name(aws: Plane) -> None:
    await aws.active(Tags={"team": "a"})
    for name in ("f", ARN + "f", f"{ACCOUNT}:function:f", "function:f"):
        found = await aws("GetFunction", FunctionName=name)
        assert found["Tags"] == {"team": "a"}
        assert found["Code"].keys() == {"RepositoryType", "Location"}
        assert found["Configuration"]["FunctionArn"] == ARN + "f"
    qualified = await aws("GetFunction", FunctionName="f", Qualifier="$LATEST")
    assert qualified["Configuration"]["FunctionArn"] == ARN + "f:$LATEST"


@pytest.mark.parametrize(
    ("name", "qualifier", "arn"),
    [
        ("ghost", None, ARN + "ghost"),
        ("ghost", "$LATEST", ARN + "ghost:$LATEST"),
        ("f", "1221", ARN + "f:1221"),
        ("f", "noalias", ARN + "f:noalias"),
        ("f:42", None, ARN + "f:42"),
    ],
)
async def test_what_does_not_exist_is_not_found_by_its_arn(
    aws: Plane, name: str, qualifier: str | None, arn: str
) -> None:
    await aws.active()
    for operation in ("GetFunction", "GetFunctionConfiguration"):
        found = await refused(aws(operation, FunctionName=name, Qualifier=qualifier))
        assert found == ("ResourceNotFoundException", f"Function not found: {arn}")


async def test_only_a_new_function_has_a_name_of_at_most_64_characters(aws: Plane) -> None:
    name = "a" * 65
    sentence = (
        f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        "Member must have length less than or equal to 64"
    )
    assert await refused(aws.create(name)) == (INVALID, sentence)
    assert (await aws.create("a" * 64))["FunctionName"] == "a" * 64
    missing = ("ResourceNotFoundException", f"Function not found: {ARN}{name}")
    for operation in ("GetFunction", "DeleteFunction", "GetPolicy", "ListVersionsByFunction", "PublishVersion"):
        assert await refused(aws(operation, FunctionName=name)) == missing


@pytest.mark.parametrize("written", ["ghost", "a" * 65, "function:ghost", ARN + "ghost"])
async def test_an_invocation_without_a_qualifier_means_latest(aws: Plane, written: str) -> None:
    arn = ARN + written.rpartition(":")[2]
    for kind in ("RequestResponse", "DryRun"):
        found = await refused(aws("Invoke", FunctionName=written, InvocationType=kind))
        assert found == ("ResourceNotFoundException", f"Function not found: {arn}:$LATEST")
    for qualifier in ("$LATEST", "7", "live"):
        found = await refused(aws("Invoke", FunctionName=written, Qualifier=qualifier))
        assert found == ("ResourceNotFoundException", f"Function not found: {arn}:{qualifier}")


async def test_an_empty_environment_is_one_and_is_shown_by_everything_that_shows_the_configuration(aws: Plane) -> None:
    assert "Environment" not in await aws.create("without")
    assert "Environment" not in await aws.create("of-nothing", Environment={})
    empty = {"Variables": {}}
    answers = [
        await aws.create(Environment=empty, Publish=True),
        await aws.settled(),
        (await aws("GetFunction", FunctionName="f"))["Configuration"],
        await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER),
        await aws.settled(),
        await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=5),
        await aws.settled(),
        await aws("PublishVersion", FunctionName="f"),
        await aws("GetFunctionConfiguration", FunctionName="f", Qualifier="2"),
        *(await aws("ListVersionsByFunction", FunctionName="f"))["Versions"],
        *(found for found in (await aws("ListFunctions"))["Functions"] if found["FunctionName"] == "f"),
    ]
    assert [answer["Environment"] for answer in answers] == [empty] * 13


async def test_a_name_can_be_taken_once(aws: Plane) -> None:
    await aws.create()
    assert await refused(aws.create(content=OTHER)) == (
        "ResourceConflictException",
        "Function already exist: f",
    )
    assert aws.trees() == {hashlib.sha256(HELLO).hexdigest()}


async def test_settings_are_kept_as_given(aws: Plane) -> None:
    given = {
        "Timeout": 900,
        "MemorySize": 10240,
        "EphemeralStorage": {"Size": 10240},
        "TracingConfig": {"Mode": "Active"},
        "Architectures": ["arm64"],
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "mine"},
    }
    created = await aws.create(**given)
    given["LoggingConfig"] = {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "DEBUG",
        "SystemLogLevel": "INFO",
        "LogGroup": "mine",
    }
    assert only(created, *given) == given


# --- refused by rule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (
            {"Handler": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        (
            {"Runtime": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        ),
        (
            {"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"},
            "The role defined for the function cannot be assumed by Lambda.",
        ),
        (
            {"Runtime": "go1.x"},
            (
                "The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. "
                "We recommend you use a supported runtime while creating or updating functions."
            ),
        ),
        (  # reference/lambda.md 2.6
            {"LoggingConfig": {"LogFormat": "Text", "SystemLogLevel": "INFO"}},
            (
                'LogLevel is not supported when LogFormat is set to "Text". '
                'Remove LogLevel from your request or change the LogFormat to "JSON" and try again.'
            ),
        ),
        (
            {"Timeout": 901},
            "'Timeout' value failed to satisfy constraint: Member must have value less than or equal to 900",
        ),
        (
            {"MemorySize": 10241},
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240",
        ),
        (
            {"EphemeralStorage": {"Size": 10241}},
            (
                "'EphemeralStorage.Size' value failed to satisfy constraint: "
                "Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"Environment": {"Variables": {"AWS_REGION": "x", "OK": "y", "_HANDLER": "z"}}},
            None,
        ),
        (
            {"Tags": {f"k{number}": "" for number in range(51)}},
            "Number of tags exceeds resource tag limit.",
        ),
    ],
)
async def test_what_lambda_does_not_take_is_refused(aws: Plane, members: dict[str, Any], sentence: str | None) -> None:
    code, message = await refused(aws.create(**members))
    assert code == (INVALID if sentence else "ValidationException")
    assert message == sentence or sentence is None
    assert aws.trees() == set()


@pytest.mark.parametrize("key", sorted(key for key in RESERVED_ENVIRONMENT if key[0] != "_"))
async def test_reserved_environment_keys_are_refused(aws: Plane, key: str) -> None:
    code, message = await refused(aws.create(Environment={"Variables": {"OK": "x", key: "y"}}))
    assert code == INVALID
    assert message.endswith(f"for modification. Reserved keys used in this request: {key}")


async def test_an_unknown_runtime_is_refused_with_the_runtimes_there_are(aws: Plane) -> None:
    code, message = await refused(aws.create(Runtime="PYTHON3.9"))
    assert code == INVALID
    assert message.startswith(
        "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["
    )
    assert message.endswith("] or be a valid ARN")
    assert "python3.12" in message
    assert "go1.x" not in message


async def test_environment_variables_may_measure_4096_bytes_as_json(aws: Plane) -> None:
    frame = len('{"LARGE_VAR":""}')
    await aws.create(Environment={"Variables": {"LARGE_VAR": "x" * (4096 - frame)}})
    value = "x" * (4096 - frame - 16)
    code, message = await refused(aws.create("g", Environment={"Variables": {"SMALL_VAR": "ok", "LARGE_VAR": value}}))
    assert code == INVALID
    assert message == (
        "Lambda was unable to configure your environment variables because the environment variables you have "
        f'provided exceeded the 4KB limit. String measured: {{"SMALL_VAR":"ok","LARGE_VAR":"{value}"}}'
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("DurableConfig", {"ExecutionTimeout": 10}),
    ],
)
async def test_what_cannot_be_honoured_yet_is_refused_by_name(aws: Plane, member: str, value: Any) -> None:
    expected = (INVALID, f"{member} is not supported by this version of Lambent.")
    assert await refused(aws.create(**{member: value})) == expected
    await aws.active()
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="f", **{member: value})) == expected


async def test_members_that_ask_for_nothing_are_accepted(aws: Plane) -> None:
    await aws.create(
        Layers=[],
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        DeadLetterConfig={"TargetArn": ""},
        SnapStart={"ApplyOn": "None"},
        KMSKeyArn="",
        PackageType="Zip",
        FileSystemConfigs=[],
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ({}, "Please provide a source for function code."),
        ({"ZipFile": b""}, "Uploaded file must be a non-empty zip"),
        ({"ZipFile": b"x"}, "Could not unzip uploaded file. Please check your file, then try to upload again."),
        ({"ImageUri": "x"}, "Please don't provide ImageUri when updating a function with packageType Zip."),
    ],
)
async def test_code_must_be_a_zip_in_the_request(aws: Plane, code: dict[str, Any], sentence: str) -> None:
    call = aws("CreateFunction", FunctionName="f", Runtime="python3.11", Handler="a.b", Role=ROLE, Code=code)
    assert await refused(call) == (INVALID, sentence)
    assert (await aws("ListFunctions"))["Functions"] == []


async def test_a_version_cannot_be_created_or_changed(aws: Plane) -> None:
    await aws.active(Publish=True)
    sentence = (
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
        "Please specify either a function name or an unqualified function ARN."
    )
    assert await refused(aws.create("g:1")) == (INVALID, sentence)
    assert await refused(aws("UpdateFunctionCode", FunctionName="f:1", ZipFile=OTHER)) == (INVALID, sentence)
    assert await refused(aws("UpdateFunctionConfiguration", FunctionName="f:1", Timeout=4)) == (INVALID, sentence)
    assert await refused(aws("PublishVersion", FunctionName="f:1")) == (INVALID, sentence)


# --- update ----------------------------------------------------------------------------------------------------------


async def test_an_update_is_in_progress_and_then_successful(aws: Plane) -> None:
    before = await aws.active()
    aws.clock.advance(60)
    updated = await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=10, Description="new")
    assert only(updated, "State", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode") == {
        "State": "Active",
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }
    assert updated["LastModified"] == "2027-01-15T08:01:00.000+0000"
    after = await aws.settled()
    assert only(after, "LastUpdateStatus", "Timeout", "Description", "MemorySize") == {
        "LastUpdateStatus": "Successful",
        "Timeout": 10,
        "Description": "new",
        "MemorySize": 128,
    }
    assert len({before["RevisionId"], updated["RevisionId"], after["RevisionId"]}) == 3


async def test_what_an_update_does_not_name_stays(aws: Plane) -> None:
    before = await aws.active(
        Environment={"Variables": {"AB": "1"}},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": "mine"},
        TracingConfig={"Mode": "Active"},
    )
    await aws("UpdateFunctionConfiguration", FunctionName="f", MemorySize=256)
    after = await aws.settled()
    changed = {"MemorySize": 256, "RevisionId": after["RevisionId"]}
    assert after == before | changed


async def test_an_empty_environment_removes_the_variables(aws: Plane) -> None:
    await aws.active(Environment={"Variables": {"AB": "1"}})
    updated = await aws("UpdateFunctionConfiguration", FunctionName="f", Environment={})
    assert updated["Environment"] == {"Variables": {}}


async def test_new_code_replaces_the_old_and_the_old_is_collected(aws: Plane) -> None:
    await aws.active()
    updated = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER)
    assert updated["CodeSha256"] == base64.b64encode(hashlib.sha256(OTHER).digest()).decode()
    await aws.settled()
    assert aws.trees() == {hashlib.sha256(OTHER).hexdigest()}
    tree = aws.control.code.tree(aws.invoked().code_digest)
    assert "other" in (tree / "app.py").read_text()


async def test_a_dry_run_checks_and_changes_nothing(aws: Plane) -> None:
    before = await aws.active()
    answer = await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, DryRun=True)
    assert answer["CodeSize"] == len(OTHER)
    assert await aws("GetFunctionConfiguration", FunctionName="f") == before
    assert aws.trees() == {hashlib.sha256(HELLO).hexdigest()}
    code, _ = await refused(aws("UpdateFunctionCode", FunctionName="f", ZipFile=b"no zip", DryRun=True))
    assert code == INVALID


async def test_a_stale_revision_id_is_refused(aws: Plane) -> None:
    created = await aws.create()
    active = await aws.settled()
    sentence = (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    )
    for operation, members in (
        ("UpdateFunctionCode", {"ZipFile": OTHER}),
        ("UpdateFunctionConfiguration", {"Timeout": 5}),
        ("PublishVersion", {}),
    ):
        stale = aws(operation, FunctionName="f", RevisionId=created["RevisionId"], **members)
        assert await refused(stale) == ("PreconditionFailedException", sentence)
    await aws("UpdateFunctionCode", FunctionName="f", ZipFile=OTHER, RevisionId=active["RevisionId"])


async def test_nothing_changes_while_a_function_is_pending_or_being_updated(aws: Plane, gate: asyncio.Event) -> None:
    async def conflicts(sentence: str) -> None:
        for operation, members in (
            ("UpdateFunctionCode", {"ZipFile": OTHER}),
            ("UpdateFunctionConfiguration", {"Timeout": 5}),
            ("PublishVersion", {}),
        ):
            assert await refused(aws(operation, FunctionName="f", **members)) == (
                "ResourceConflictException",
                "The operation cannot be performed at this time. " + sentence,
            )

    gate.clear()
    await aws.create()
    await conflicts(f"The resource {ARN}f is currently in the following state: 'Pending'. StateReasonCode: 'Creating'")
    gate.set()
    await aws.settled()
    gate.clear()
    await aws("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)
    await conflicts(f"An update is in progress for resource: {ARN}f")


# --- delete ----------------------------------------------------------------------------------------------------------


async def test_a_deleted_function_is_gone_with_its_versions_and_its_code(aws: Plane) -> None:
    await aws.active(Publish=True)
    assert await aws("DeleteFunction", FunctionName="f") == {"StatusCode": 204}
    for qualifier in (None, "$LATEST", "1"):
        code, _ = await refused(aws("GetFunction", FunctionName="f", Qualifier=qualifier))
        assert code == "ResourceNotFoundException"
        with pytest.raises(AwsError):
            aws.invoked("f", qualifier)
    assert aws.trees() == set()
    assert await refused(aws("DeleteFunction", FunctionName="f")) == (
        "ResourceNotFoundException",
        f"Function not found: {ARN}f",
    )


async def test_latest_cannot_be_deleted_alone(aws: Plane) -> None:
    await aws.active()
    assert await refused(aws("DeleteFunction", FunctionName="f", Qualifier="$LATEST")) == (
        INVALID,
        "$LATEST version cannot be deleted without deleting the function.",
    )


async def test_functions_of_one_content_share_it_until_the_last_is_deleted(aws: Plane) -> None:
    await aws.active("a")
    await aws.active("b")
    assert len(aws.trees()) == 1
    await aws("DeleteFunction", FunctionName="a")
    assert len(aws.trees()) == 1
    await aws("DeleteFunction", FunctionName="b")
    assert aws.trees() == set()


# --- list, account ---------------------------------------------------------------------------------------------------


async def test_functions_are_listed_by_name_fifty_a_page_without_their_states(aws: Plane) -> None:
    names = sorted(f"f{number:03d}" for number in range(60))
    for name in reversed(names):
        await aws.create(name)
    first = await aws("ListFunctions", MaxItems=1000)
    assert len(first["Functions"]) == 50
    second = await aws("ListFunctions", Marker=first["NextMarker"])
    assert "NextMarker" not in second
    listed = first["Functions"] + second["Functions"]
    assert [function["FunctionName"] for function in listed] == names
    hidden = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus", "RuntimeVersionConfig"}
    assert not hidden & listed[0].keys()
    assert listed[0]["FunctionArn"] == ARN + "f000"


async def test_a_page_goes_on_in_its_place_when_functions_come_and_go(aws: Plane) -> None:
    for name in "bdfh":
        await aws.create(name)
    first = await aws("ListFunctions", MaxItems=2)
    await aws("DeleteFunction", FunctionName="d")
    await aws.create("a")
    await aws.create("e")
    second = await aws("ListFunctions", Marker=first["NextMarker"])
    assert [function["FunctionName"] for function in second["Functions"]] == ["e", "f", "h"]


@pytest.mark.parametrize("marker", ["x", "!!", "bnVsbA==", "W10=", "é"])
async def test_a_marker_that_is_not_ours_is_refused(aws: Plane, marker: str) -> None:
    code, _ = await refused(aws("ListFunctions", Marker=marker))
    assert code == INVALID


async def test_no_function_is_a_replica_of_another_region(aws: Plane) -> None:
    await aws.create()
    assert await aws("ListFunctions", MasterRegion="us-east-1", FunctionVersion="ALL") == {"Functions": []}


async def test_all_versions_are_listed_when_asked_for(aws: Plane) -> None:
    await aws.active("a", Publish=True)
    await aws.active("b")
    listed = await aws("ListFunctions", FunctionVersion="ALL")
    assert [function["FunctionArn"] for function in listed["Functions"]] == [
        ARN + "a:$LATEST",
        ARN + "a:1",
        ARN + "b:$LATEST",
    ]


async def test_the_account_settings_count_functions_and_the_code_of_every_version(aws: Plane) -> None:
    await aws.active("a", Publish=True)
    settings = await aws("GetAccountSettings")
    assert settings == {
        "AccountLimit": {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": 1000,
            "UnreservedConcurrentExecutions": 1000,
        },
        "AccountUsage": {"TotalCodeSize": 2 * len(HELLO), "FunctionCount": 1},
    }


async def test_a_large_package_of_many_files_is_unpacked(aws: Plane) -> None:
    content = zipped({f"lib/m{number}.py": f"x = {number}\n" for number in range(500)})
    await aws.active(content=content)
    tree = aws.control.code.tree(aws.invoked().code_digest)
    assert len(list((tree / "lib").iterdir())) == 500
