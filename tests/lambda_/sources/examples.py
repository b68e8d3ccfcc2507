"""A source of every kind, and what a mapping of it needs."""

from __future__ import annotations

from typing import Any

from lambent.lambda_.sources.kinds import Kind
from tests.lambda_.plane import ACCOUNT, REGION

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:broker"
ACCESS = [{"Type": "BASIC_AUTH", "URI": SECRET}]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


QUEUE = arn("sqs", "q")
STREAM = arn("kinesis", "stream/s")
TABLE = arn("dynamodb", "table/t/stream/2025-02-22T03:03:25.490")

NEEDED: dict[Kind, dict[str, Any]] = {
    Kind.SQS: {"EventSourceArn": QUEUE},
    Kind.FIFO: {"EventSourceArn": QUEUE + ".fifo"},
    Kind.KINESIS: {"EventSourceArn": STREAM, "StartingPosition": "LATEST"},
    Kind.DYNAMODB: {"EventSourceArn": TABLE, "StartingPosition": "TRIM_HORIZON"},
    Kind.MSK: {"EventSourceArn": arn("kafka", "cluster/c/0a1b-5"), "Topics": ["topic"]},
    Kind.KAFKA: {
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}},
        "Topics": ["topic"],
        "SourceAccessConfigurations": ACCESS,
    },
    Kind.MQ: {"EventSourceArn": arn("mq", "broker:b:b-0a1b"), "Queues": ["q"], "SourceAccessConfigurations": ACCESS},
    Kind.DOCUMENTDB: {
        "EventSourceArn": arn("rds", "cluster:c"),
        "DocumentDBEventSourceConfig": {"DatabaseName": "d"},
        "SourceAccessConfigurations": ACCESS,
    },
}

CONSUMER = arn("kinesis", "stream/s/consumer/c:1700000000")
