"""CloudWatch Logs through boto3: what goes in comes out, in order, by page, by pattern, until it expires."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.cloud import Cloud

G, S = "/aws/lambda/hello", "2026/01/01/[$LATEST]0123"


async def stream(aws: Cloud, group: str = G, name: str = S) -> None:
    await aws.call("logs", "create_log_group", logGroupName=group)
    await aws.call("logs", "create_log_stream", logGroupName=group, logStreamName=name)


def events(aws: Cloud, *offsets_ms: int) -> list[dict[str, object]]:
    return [{"timestamp": aws.now_ms + offset, "message": f"at {offset}"} for offset in offsets_ms]


async def put(aws: Cloud, *offsets_ms: int):
    return await aws.call("logs", "put_log_events", logGroupName=G, logStreamName=S, logEvents=events(aws, *offsets_ms))


async def refused_put(aws: Cloud, log_events: list[dict[str, object]]) -> tuple[str, str]:
    return await aws.refusal("logs", "put_log_events", logGroupName=G, logStreamName=S, logEvents=log_events)


async def messages(aws: Cloud, **members: object) -> list[str]:
    answer = await aws.call("logs", "filter_log_events", logGroupName=G, **members)
    return [event["message"] for event in answer["events"]]


async def test_a_group_is_made_once_described_and_deleted(aws: Cloud):
    await stream(aws)
    assert await aws.refusal("logs", "create_log_group", logGroupName=G) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    (group,) = (await aws.call("logs", "describe_log_groups", logGroupNamePrefix="/aws/"))["logGroups"]
    assert group["arn"] == f"arn:aws:logs:eu-central-1:123456789012:log-group:{G}:*"
    assert (group["storedBytes"], group["deletionProtectionEnabled"]) == (0, False)
    await aws.call("logs", "delete_log_group", logGroupName=G)
    assert await aws.refusal("logs", "delete_log_group", logGroupName=G) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


async def test_groups_are_listed_by_page_and_by_pattern(aws: Cloud):
    for name in ("a", "b", "c", "Bee"):
        await aws.call("logs", "create_log_group", logGroupName=name)
    first = await aws.call("logs", "describe_log_groups", limit=3)
    second = await aws.call("logs", "describe_log_groups", limit=3, nextToken=first["nextToken"])
    assert [group["logGroupName"] for page in (first, second) for group in page["logGroups"]] == ["Bee", "a", "b", "c"]
    assert "nextToken" not in second
    found = await aws.call("logs", "describe_log_groups", logGroupNamePattern="b")
    assert [group["logGroupName"] for group in found["logGroups"]] == ["Bee", "b"]


async def test_a_listing_by_pattern_says_less_and_always_has_a_token(aws: Cloud):
    for name in ("a", "ab", "abc"):
        await aws.call("logs", "create_log_group", logGroupName=name)
    pages, token = list[dict[str, Any]](), dict[str, str]()
    while not pages or "nextToken" in pages[-1]:
        pages.append(await aws.call("logs", "describe_log_groups", logGroupNamePattern="b", limit=1, **token))
        token = {"nextToken": pages[-1].get("nextToken", "")}
    assert [[group["logGroupName"] for group in page["logGroups"]] for page in pages] == [["ab"], ["abc"], []]
    assert pages[0]["logGroups"][0].keys() == {
        *("logGroupName", "creationTime", "metricFilterCount", "arn", "logGroupClass", "logGroupArn")
    }


async def test_a_stream_without_events_has_no_upload_sequence_token(aws: Cloud):
    await stream(aws)
    (made,) = (await aws.call("logs", "describe_log_streams", logGroupName=G))["logStreams"]
    assert made.keys() == {"arn", "creationTime", "logStreamName", "storedBytes"}
    await put(aws, 0)
    (written,) = (await aws.call("logs", "describe_log_streams", logGroupName=G))["logStreams"]
    assert len(written["uploadSequenceToken"]) == 56


LONG = "n" * 513


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("create_log_group", {"logGroupName": LONG}),
        ("delete_log_group", {"logGroupName": LONG}),
        ("describe_log_groups", {"logGroupNamePrefix": LONG}),
        ("put_retention_policy", {"logGroupName": LONG, "retentionInDays": 1}),
        ("create_log_stream", {"logGroupName": LONG, "logStreamName": "s"}),
        ("create_log_stream", {"logGroupName": G, "logStreamName": LONG}),
        ("describe_log_streams", {"logGroupName": LONG}),
        ("describe_log_streams", {"logGroupName": G, "logStreamNamePrefix": LONG}),
        ("get_log_events", {"logGroupName": G, "logStreamName": LONG}),
        ("put_log_events", {"logGroupName": G, "logStreamName": LONG, "logEvents": [{"timestamp": 1, "message": "m"}]}),
        ("filter_log_events", {"logGroupName": LONG}),
        ("filter_log_events", {"logGroupName": G, "logStreamNamePrefix": LONG}),
    ],
)
async def test_a_name_that_is_too_long_is_refused_in_the_services_own_words(
    aws: Cloud, operation: str, members: dict[str, Any]
):
    await aws.call("logs", "create_log_group", logGroupName=G)
    assert await aws.refusal("logs", operation, **members) == (
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    )


async def test_a_name_of_512_characters_is_taken_and_a_wrong_letter_comes_before_the_length(aws: Cloud):
    await aws.call("logs", "create_log_group", logGroupName=LONG[1:])
    code, sentence = await aws.refusal("logs", "create_log_group", logGroupName=LONG + "!")
    assert (code, sentence.count("failed to satisfy constraint"), "length" in sentence) == (
        *("InvalidParameterException", 1),
        False,
    )


async def test_streams_are_listed_by_name_and_by_last_event(aws: Cloud):
    await aws.call("logs", "create_log_group", logGroupName=G)
    for name, offset in (("b", -1), ("a", -3), ("c", -2)):
        await aws.call("logs", "create_log_stream", logGroupName=G, logStreamName=name)
        await aws.call(
            "logs", "put_log_events", logGroupName=G, logStreamName=name, logEvents=events(aws, offset * 1000)
        )

    async def names(**members: object) -> list[str]:
        found: list[str] = []
        while True:
            page = await aws.call("logs", "describe_log_streams", logGroupName=G, limit=2, **members)
            found += [each["logStreamName"] for each in page["logStreams"]]
            if "nextToken" not in page:
                return found
            members["nextToken"] = page["nextToken"]

    assert await names() == ["a", "b", "c"]
    assert await names(descending=True) == ["c", "b", "a"]
    assert await names(orderBy="LastEventTime") == ["a", "c", "b"]
    assert await names(orderBy="LastEventTime", descending=True) == ["b", "c", "a"]
    assert await names(logStreamNamePrefix="b") == ["b"]
    code, _ = await aws.refusal(
        "logs", "describe_log_streams", logGroupName=G, orderBy="LastEventTime", logStreamNamePrefix="a"
    )
    assert code == "InvalidParameterException"


async def test_a_batch_out_of_order_or_over_a_day_is_refused(aws: Cloud):
    await stream(aws)
    assert await refused_put(aws, events(aws, 0, -1)) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    code, sentence = await refused_put(aws, events(aws, -24 * 3_600_000 - 1, 0))
    assert (code, "cannot span more than 24 hours" in sentence) == ("InvalidParameterException", True)
    now = aws.now_ms
    code, sentence = await refused_put(aws, [{"timestamp": now, "message": "x" * 600_000}] * 2)
    assert sentence == "Upload too large: 1200052 bytes exceeds limit of 1048576"
    code, sentence = await refused_put(aws, [{"timestamp": now, "message": "x"}] * 10_001)
    assert "less than or equal to 10000" in sentence


async def test_events_too_old_or_too_new_are_left_out_and_told_by_index(aws: Cloud):
    await stream(aws)
    day, hour = 24 * 3_600_000, 3_600_000
    old = await put(aws, -14 * day - 2, -14 * day - 1, -14 * day)
    assert old["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    new = await put(aws, 0, 2 * hour, 2 * hour + 1)
    assert new["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 2}
    assert await messages(aws) == [f"at {-14 * day}", "at 0", f"at {2 * hour}"]
    await aws.call("logs", "put_retention_policy", logGroupName=G, retentionInDays=1)
    expired = await put(aws, -day - 1, -day)
    assert expired["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert "rejectedLogEventsInfo" not in await put(aws, 0)


async def test_pages_go_forward_and_backward_and_stand_still_at_the_ends(aws: Cloud):
    await stream(aws)
    await put(aws, *range(10))

    async def page(**members: object):
        answer = await aws.call("logs", "get_log_events", logGroupName=G, logStreamName=S, limit=4, **members)
        return [e["message"] for e in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]

    newest, forward, backward = await page()
    assert newest == ["at 6", "at 7", "at 8", "at 9"]
    nothing, same, _ = await page(nextToken=forward)
    assert (nothing, same) == ([], forward)
    older, _, backward = await page(nextToken=backward)
    assert older == ["at 2", "at 3", "at 4", "at 5"]
    oldest, _, backward = await page(nextToken=backward)
    assert oldest == ["at 0", "at 1"]
    nothing, _, same = await page(nextToken=backward)
    assert (nothing, same) == ([], backward)
    head, forward, _ = await page(startFromHead=True)
    assert head == ["at 0", "at 1", "at 2", "at 3"]
    assert (await page(nextToken=forward))[0] == ["at 4", "at 5", "at 6", "at 7"]
    code, sentence = await aws.refusal("logs", "get_log_events", logGroupName=G, logStreamName=S, nextToken="what")
    assert (code, sentence) == ("InvalidParameterException", "The specified nextToken is invalid.")


async def test_a_token_of_an_empty_stream_finds_what_comes_later(aws: Cloud):
    await stream(aws)
    empty = await aws.call("logs", "get_log_events", logGroupName=G, logStreamName=S)
    await put(aws, 0)
    later = await aws.call(
        "logs", "get_log_events", logGroupName=G, logStreamName=S, nextToken=empty["nextForwardToken"]
    )
    assert [event["message"] for event in later["events"]] == ["at 0"]


async def test_filtering_interleaves_streams_and_pages_through_all(aws: Cloud):
    for index in range(20):
        aws.sink.append(G, f"s{index % 3}", aws.now_ms + index, [f"line {index}"])
    await aws.services["logs"].state.writer.drain()
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = await aws.call("logs", "filter_log_events", logGroupName=G, limit=6, **token)
        found += [event["message"] for event in answer["events"]]
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert found == [f"line {index}" for index in range(20)]
    assert await messages(aws, logStreamNames=["s1"], limit=2) == ["line 1", "line 4"]
    assert await messages(aws, logStreamNamePrefix="s2", filterPattern='"line 2"') == ["line 2"]
    now = aws.now_ms
    assert await messages(aws, startTime=now + 3, endTime=now + 5) == ["line 3", "line 4", "line 5"]
    code, _ = await aws.refusal("logs", "filter_log_events", logGroupName=G, filterPattern="{ $.a = ")
    assert code == "InvalidParameterException"


async def test_what_the_data_plane_appends_makes_its_group_and_stream(aws: Cloud):
    await aws.logged(G, S, "START", "END")
    assert await messages(aws) == ["START", "END"]
    (found,) = (await aws.call("logs", "describe_log_streams", logGroupName=G))["logStreams"]
    assert found["logStreamName"] == S
    assert found["lastEventTimestamp"] == aws.now_ms


async def test_a_message_is_kept_letter_by_letter(aws: Cloud):
    odd = 'a\0b "quoted" \\ \u2028 \N{GRINNING FACE}\x01\x7f\tend'
    await aws.logged(G, S, odd)
    assert await messages(aws) == [odd]


async def test_retention_must_be_one_of_awss_numbers(aws: Cloud):
    await stream(aws)
    code, sentence = await aws.refusal("logs", "put_retention_policy", logGroupName=G, retentionInDays=2)
    assert code == "InvalidParameterException"
    assert "Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum" in sentence
    await aws.call("logs", "put_retention_policy", logGroupName=G, retentionInDays=7)
    (group,) = (await aws.call("logs", "describe_log_groups"))["logGroups"]
    assert group["retentionInDays"] == 7
    await aws.call("logs", "delete_retention_policy", logGroupName=G)
    (group,) = (await aws.call("logs", "describe_log_groups"))["logGroups"]
    assert "retentionInDays" not in group


async def test_tags_are_set_listed_and_removed(aws: Cloud):
    await aws.call("logs", "create_log_group", logGroupName=G, tags={"a": "1"})
    arn = f"arn:aws:logs:eu-central-1:123456789012:log-group:{G}"
    await aws.call("logs", "tag_resource", resourceArn=arn, tags={"b": "2"})
    await aws.call("logs", "untag_resource", resourceArn=arn, tagKeys=["a"])
    assert (await aws.call("logs", "list_tags_for_resource", resourceArn=arn))["tags"] == {"b": "2"}
    assert (await aws.call("logs", "list_tags_log_group", logGroupName=G))["tags"] == {"b": "2"}


async def test_tags_are_set_and_removed_in_the_older_way_too(aws: Cloud):
    await aws.call("logs", "create_log_group", logGroupName=G)
    await aws.call("logs", "tag_log_group", logGroupName=G, tags={"a": "1", "b": "2"})
    await aws.call("logs", "untag_log_group", logGroupName=G, tags=["a"])
    assert (await aws.call("logs", "list_tags_log_group", logGroupName=G))["tags"] == {"b": "2"}


async def test_a_stream_deleted_takes_its_events_and_no_others(aws: Cloud):
    await aws.logged(G, S, "gone")
    await aws.logged(G, "other", "kept")
    await aws.call("logs", "delete_log_stream", logGroupName=G, logStreamName=S)
    assert await messages(aws) == ["kept"]
    assert await aws.refusal("logs", "delete_log_stream", logGroupName=G, logStreamName=S) == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )


async def test_expired_events_are_forgotten_by_the_sweep_and_no_others(open_aws: Cloud):
    aws = open_aws
    await aws.logged(G, S, "old")
    await aws.logged("/kept", S, "old too")
    await aws.call("logs", "put_retention_policy", logGroupName=G, retentionInDays=1)
    aws.clock.advance(2 * 24 * 3600)
    await aws.logged(G, S, "new")
    for _ in range(2000):
        if await messages(aws) == ["new"]:
            break
    assert await messages(aws) == ["new"]
    kept = await aws.call("logs", "filter_log_events", logGroupName="/kept")
    assert [event["message"] for event in kept["events"]] == ["old too"]


async def test_a_group_deleted_and_made_again_is_empty(aws: Cloud):
    await aws.logged(G, S, "before")
    await aws.call("logs", "delete_log_group", logGroupName=G)
    await aws.logged(G, S, "after")
    assert await messages(aws) == ["after"]


async def test_a_group_must_be_named(aws: Cloud):
    code, _ = await aws.refusal("logs", "filter_log_events")
    assert code == "InvalidParameterException"


@pytest.mark.parametrize("operation", ["describe_log_streams", "filter_log_events", "get_log_events"])
async def test_a_group_is_named_once(aws: Cloud, operation: str):
    members = {"logStreamName": "s"} if operation == "get_log_events" else {}
    assert await aws.refusal("logs", operation, logGroupName="a", logGroupIdentifier="a", **members) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
