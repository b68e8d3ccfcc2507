"""The functions that are played in rehearsals."""

# pyright: basic
# ruff: noqa: ARG001

import json
import logging
import os

logger = logging.getLogger()


def does_what_all_do(event, context):
    return event


def does_what_most_do(event, context):
    print(context.aws_request_id)
    logger.warning("%s of %s", event, os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    return {"statusCode": 200, "body": json.dumps(event)}
