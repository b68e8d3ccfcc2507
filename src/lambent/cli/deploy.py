"""`lambent deploy`: a folder becomes a function, or the new code of the one that has its name.

    folder, requirements.txt ─▶ package ─▶ create, or update what differs ─▶ wait until it is active ─▶ how to invoke it

What exists keeps its runtime, handler and settings unless a flag says otherwise. An update is over as soon as the function is
ready: the status is not held for AWS's pace (core/pace.py). Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from lambent.cli import Run
from lambent.cli.checks import check
from lambent.cli.connection import Connection, add_connection, code_of, connected
from lambent.cli.errors import Failed
from lambent.cli.guesses import handler_of, runtime_of
from lambent.cli.packages import install, packaged
from lambent.cli.terminal import show
from lambent.core.pace import AT_ONCE
from lambent.lambda_.runtimes.catalogue import CATALOGUE, Provider

ROLE: Final = "lambent-deploy"
POLICY: Final = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SETTLE_S: Final = 120.0
POLL_S: Final = 0.05


def deploy(parser: argparse.ArgumentParser) -> Run:
    parser.epilog = (
        "The runtime and the handler are guessed from app.py, lambda_function.py, index.mjs, index.js or bootstrap. "
        "A requirements.txt is installed into the package with pip, for the function's Python."
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="the folder with the function's code")
    parser.add_argument("--name", help="the function's name (default: the folder's)")
    parser.add_argument("--runtime", help="python3.12, nodejs22.x, provided.al2023, ...")
    parser.add_argument("--handler", help="app.handler: the function `handler` of the file `app`")
    parser.add_argument("--memory", type=int, metavar="MB", help="its memory; 1769 MB come with a whole processor")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="the longest that an invocation may take")
    parser.add_argument(
        "--env", action="append", type=variable, metavar="NAME=VALUE", help="a variable; those given replace all others"
    )
    add_connection(parser)
    return run


def variable(text: str) -> tuple[str, str]:
    """Raises ArgumentTypeError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def run(given: argparse.Namespace) -> int:
    directory: Path = given.directory.resolve()
    if not directory.is_dir():
        raise Failed(no_folder(given.directory))
    name = given.name or name_of(directory)
    with connected(given) as aws:
        client = aws.client("lambda")
        client.meta.events.register("before-call.lambda", in_haste)
        before = settled(client, name) if exists(client, name) else None
        runtime: str = given.runtime or (before["Runtime"] if before else runtime_of(directory))
        handler: str = given.handler or (before["Handler"] if before else handler_of(directory, runtime))
        package = package_of(directory, runtime, handler)
        wanted = configuration_of(given)
        if before is None:
            create(aws, client, {"FunctionName": name, "Runtime": runtime, "Handler": handler} | wanted, package)
        else:
            update(client, before, wanted, package)
        told(settled(client, name), aws.flags)
    return 0


def in_haste(params: dict[str, Any], **_: object) -> None:
    """Ask for what AWS takes its time for to be done at once: a hook of botocore's, before a request is signed."""
    params["headers"][AT_ONCE] = "yes"


def no_folder(path: Path) -> str:
    """Why there is nothing to deploy at the path, which is no folder."""
    if not path.exists():
        return f"{path} does not exist; `lambent deploy` takes the folder with the function's code"
    if path.suffix == ".zip":
        return (
            f"{path} is no folder; `lambent deploy` takes a folder, and `aws lambda create-function --zip-file` a .zip"
        )
    return f"{path} is no folder; `lambent deploy` takes the folder with the function's code: {path.parent}?"


def name_of(directory: Path) -> str:
    """The folder's name, as a function may be named. Raises Failed."""
    name = re.sub(r"[^a-zA-Z0-9_-]+", "-", directory.name).strip("-")
    if not name:
        raise Failed(f"no function can be named after {directory}; give --name")
    return name


def configuration_of(given: argparse.Namespace) -> dict[str, Any]:
    """The members of a configuration that flags decide."""
    wanted = {
        "Runtime": given.runtime,
        "Handler": given.handler,
        "MemorySize": given.memory,
        "Timeout": given.timeout,
        "Environment": None if given.env is None else {"Variables": dict(given.env)},
    }
    return {member: value for member, value in wanted.items() if value is not None}


def exists(client: Any, name: str) -> bool:
    try:
        client.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            return False
        raise
    return True


def package_of(directory: Path, runtime: str, handler: str) -> bytes:
    """Raises Failed."""
    row = CATALOGUE.get(runtime)
    requirements = directory / "requirements.txt"
    with tempfile.TemporaryDirectory(prefix="lambent-deploy-") as scratch:
        directories = [directory]
        if row is not None and row.provider is Provider.PYTHON and requirements.exists():
            step(f"installing {requirements.name} for {runtime}")
            install(requirements, row, Path(scratch))
            directories.insert(0, Path(scratch))
        check(directories, row.provider if row is not None else Provider.NONE, handler)
        package = packaged(*directories)
    step(f"packaged {directory.name}: {len(package) / 1e6:.1f} MB")
    return package


def create(aws: Connection, client: Any, configuration: dict[str, Any], package: bytes) -> None:
    step(f"creating {configuration['FunctionName']} ({configuration['Runtime']}, {configuration['Handler']})")
    client.create_function(**configuration, Role=role_arn(aws), Code={"ZipFile": package})


def update(client: Any, before: dict[str, Any], wanted: dict[str, Any], package: bytes) -> None:
    """Change what differs. An update ends before the next begins, which AWS would refuse otherwise."""
    name = before["FunctionName"]
    changes = {member: value for member, value in wanted.items() if before.get(member) != value}
    if changes:
        step(f"updating the configuration of {name}: {', '.join(changes)}")
        client.update_function_configuration(FunctionName=name, **changes)
        settled(client, name)
    if base64.b64encode(hashlib.sha256(package).digest()).decode() != before["CodeSha256"]:
        step(f"updating the code of {name}")
        client.update_function_code(FunctionName=name, ZipFile=package)
    elif not changes:
        step(f"{name} is up to date")


def role_arn(aws: Connection) -> str:
    """The role that deployed functions run as, made when it is first needed."""
    iam = aws.client("iam")
    try:
        return iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    except ClientError as error:
        if code_of(error) != "NoSuchEntity":
            raise
    step(f"making the role {ROLE}")
    description = "Functions made by `lambent deploy`"
    made = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST), Description=description)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    return made["Role"]["Arn"]


def settled(client: Any, name: str) -> dict[str, Any]:
    """The function's configuration, once nothing is under way. Raises Failed."""
    give_up = time.monotonic() + SETTLE_S
    while True:
        found = client.get_function_configuration(FunctionName=name)
        if found["State"] != "Pending" and found.get("LastUpdateStatus") != "InProgress":
            return found
        if time.monotonic() > give_up:
            raise Failed(f"{name} is still {found['State']} after {SETTLE_S:.0f} s; `lambent status` tells more")
        time.sleep(POLL_S)


def told(function: dict[str, Any], flags: str) -> None:
    """Say that it is active, and how to go on. Raises Failed when it cannot run."""
    name = function["FunctionName"]
    if function["State"] == "Failed":
        raise Failed(f"{name} cannot run: {function.get('StateReason')}")
    if function.get("LastUpdateStatus") == "Failed":
        raise Failed(f"{name} runs as it was before: {function.get('LastUpdateStatusReason')}")
    size = f"{function['MemorySize']} MB, {function['Timeout']} s"
    show(f"{name} is active ({function['Runtime']}, {function['Handler']}, {size}). To go on:")
    show(f"  lambent invoke {name}{flags} --payload '{{}}' --log")
    show(f"  lambent logs {name}{flags} --follow")


def step(text: str) -> None:
    show(text, file=sys.stderr)
    sys.stderr.flush()
