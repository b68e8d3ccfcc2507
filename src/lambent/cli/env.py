"""`lambent env`: the export lines with which an SDK or the AWS CLI speaks to Lambent."""

from __future__ import annotations

import argparse
import shlex

from lambent.cli import Run
from lambent.cli.keys import data_directory, root_key
from lambent.cli.settings import add_settings, configuration
from lambent.config import endpoint_of


def env(parser: argparse.ArgumentParser) -> Run:
    add_settings(parser, ("host", "port", "data", "region"))
    return run


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    key = root_key(data_directory(config))
    exports = {
        "AWS_ENDPOINT_URL": endpoint_of(config.host, config.port),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": config.region,
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
