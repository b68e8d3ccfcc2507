"""`lambent env`: the export lines with which an SDK or the AWS CLI speaks to Lambent."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from typing import Any

import msgspec

from lambent.cli.settings import add_settings, configuration
from lambent.services.sts.access_keys import RootKey
from lambent.storage.directory import default_path


def add(commands: Any) -> None:
    parser = commands.add_parser("env", help='print the exports for SDKs and the AWS CLI: eval "$(lambent env)"')
    add_settings(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    data = config.data or default_path(os.environ)
    try:
        key = msgspec.json.decode((data / "root.key").read_bytes(), type=RootKey)
    except FileNotFoundError:
        print(f"lambent: there is no key in {data} yet; it is made by the first `lambent up`", file=sys.stderr)
        return 1
    except PermissionError:
        print(f"lambent: {data} belongs to another user", file=sys.stderr)
        return 1
    exports = {
        "AWS_ENDPOINT_URL": f"http://{config.host}:{config.port}",
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": config.region,
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0
