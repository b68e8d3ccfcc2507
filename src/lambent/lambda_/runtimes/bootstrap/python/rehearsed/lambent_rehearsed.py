"""The function that is played in rehearsals: it does what most functions do."""

# pyright: basic
# ruff: noqa: T201

import json
import logging
import os

logger = logging.getLogger()


def handler(event, context):
    print(context.aws_request_id)
    logger.warning("%s of %s", event, os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    return {"statusCode": 200, "body": json.dumps(event)}
