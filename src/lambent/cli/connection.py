"""How a command speaks to a running Lambent: boto3 clients that sign with the account's own key.

The endpoint is that of --host and --port, else AWS_ENDPOINT_URL, else that of the configuration. The keys of the
environment belong to AWS_ENDPOINT_URL (`lambent env` exports both); for any other endpoint they may be someone's keys of
the real AWS, and come after the root key of the data directory.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from boto3.session import Session
from botocore import exceptions
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError

from lambent.cli.endpoint import endpoint, from_environment
from lambent.cli.errors import Failed
from lambent.cli.keys import data_directory, root_key
from lambent.cli.settings import add_settings, configuration
from lambent.config import Config

SETTINGS: Final = ("host", "port", "data", "region")
CONNECT_TIMEOUT_S: Final = 10
READ_TIMEOUT_S: Final = 60
BAD_KEYS: Final = ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException")


class Keys(NamedTuple):
    access_key_id: str
    secret_access_key: str
    session_token: str | None
    source: str  # for a person whose keys are refused


class Connection(NamedTuple):
    """A Lambent to speak to."""

    endpoint: str
    region: str
    keys: Keys
    flags: str  # those that the user gave to say where it is, each with a space before it

    def client(self, service: str, *, read_timeout_s: float = READ_TIMEOUT_S) -> Any:
        """A boto3 client that asks once and goes through no proxy."""
        return Session().client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            aws_session_token=self.keys.session_token,
            config=ClientConfig(
                retries={"total_max_attempts": 1},
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=read_timeout_s,
                proxies={},
            ),
        )


def add_connection(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, SETTINGS)


@contextmanager
def connected(given: argparse.Namespace) -> Generator[Connection]:
    """The Lambent that the flags and the environment name; what AWS's SDK raises in the block becomes Failed."""
    connection = connection_of(given, configuration(given), os.environ)
    try:
        yield connection
    except ClientError as error:
        raise Failed(told(error, connection)) from None
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise Failed(f"nothing answers at {connection.endpoint} ({error}); `lambent up` starts it") from None
    except BotoCoreError as error:
        raise Failed(str(error)) from None


def connection_of(given: argparse.Namespace, config: Config, environ: Mapping[str, str]) -> Connection:
    """Raises Failed."""
    named = {name: getattr(given, name) for name in SETTINGS if getattr(given, name) is not None}
    exported = from_environment(given, environ) is not None
    region = config.region
    if exported and "region" not in named:
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or region
    return Connection(
        endpoint(given, config, environ),
        region,
        keys_of(config, environ, theirs_first=exported and "data" not in named),
        "".join(f" --{name} {shlex.quote(str(value))}" for name, value in named.items()),
    )


def keys_of(config: Config, environ: Mapping[str, str], *, theirs_first: bool) -> Keys:
    """Those of the environment, or of the data directory, or the ones that are there. Raises Failed."""
    theirs = keys_in(environ)
    if theirs is not None and theirs_first:
        return theirs
    directory = data_directory(config)
    try:
        key = root_key(directory)
    except Failed:
        if theirs is None:
            raise
        return theirs
    return Keys(key.access_key_id, key.secret_access_key, None, str(directory))


def keys_in(environ: Mapping[str, str]) -> Keys | None:
    access_key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key_id or not secret:
        return None
    return Keys(access_key_id, secret, environ.get("AWS_SESSION_TOKEN"), "the environment")


def code_of(error: ClientError) -> str:
    """AWS's name of the error."""
    return error.response["Error"]["Code"]


def told(error: ClientError, connection: Connection) -> str:
    details = error.response["Error"]
    if details["Code"] in BAD_KEYS:
        return (
            f"the Lambent at {connection.endpoint} refuses the keys from {connection.keys.source} "
            f"({details['Code']}); name the directory that it keeps its data in with --data"
        )
    return f"{details.get('Message') or 'no message'} ({details['Code']})"
