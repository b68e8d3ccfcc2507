"""`make demo`: the first function, from nothing to a thumbnail on disk, through boto3 and nothing else.

Lambent runs as a user would run it, on a data directory under .build/demo; so what was deployed is still there for the
next `lambent up` on that directory. Flags that are not the demo's own go to `lambent up`: a machine that cannot isolate
functions makes Lambent stop and name the flag that would allow less, and the demo stops with it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import platform
import re
import shlex
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parent.parent
THUMBNAIL = ROOT / "examples" / "thumbnail"
BUILD = ROOT / ".build" / "demo"
LAMBENT = [sys.executable, "-m", "lambent"]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
STOP_S = 10
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}],
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="examples/demo.py", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave Lambent running until Ctrl-C")
    given, flags = parser.parse_known_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    package = packaged()
    with lambent(flags) as endpoint:
        thumbnail_made(package, exports(endpoint))
        if given.keep:
            how_to_go_on(exports(endpoint))
            print("\nLambent keeps running; Ctrl-C stops it.")
            wait_for_interrupt()
    if not given.keep:
        how_to_go_on(exports())
    return 0


def packaged() -> bytes:
    """The function's .zip, with Pillow for the function's Python in it."""
    directory = BUILD / f"package-python{PYTHON}"
    if not directory.exists():
        step("packaging examples/thumbnail with Pillow")
        making = directory.with_suffix(".new")
        wheels = f"--only-binary=:all: --implementation=cp --python-version={PYTHON} {platform_tags()}"
        command = f"install --quiet --upgrade --no-compile --disable-pip-version-check {wheels}"
        requirements = THUMBNAIL / "requirements.txt"
        pip = [sys.executable, "-m", "pip", *command.split(), "--target", str(making), "-r", str(requirements)]
        subprocess.run(pip, check=True)
        making.rename(directory)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        add(package, THUMBNAIL / "app.py", "app.py")
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            add(package, file, str(file.relative_to(directory)))
    return archive.getvalue()


def add(package: zipfile.ZipFile, file: Path, name: str) -> None:
    """Add a file that everybody may read, whatever the umask was: a function does not own its code."""
    entry = zipfile.ZipInfo.from_file(file, name)
    entry.external_attr = (stat.S_IFREG | (0o755 if os.access(file, os.X_OK) else 0o644)) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    package.writestr(entry, file.read_bytes())


def platform_tags() -> str:
    """Wheels for any Linux of this machine's kind: the function runs on this machine."""
    return " ".join(f"--platform=manylinux{tag}_{platform.machine()}" for tag in ("_2_28", "_2_17", "2014"))


@contextmanager
def lambent(flags: list[str]) -> Generator[str]:
    """A running Lambent, as its endpoint. Ends the demo with Lambent's own status when it does not start."""
    step("starting Lambent")
    command = [*LAMBENT, "up", "--port", "0", "--data", str(BUILD / "data"), "--log-level", "warning", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            endpoint = re.search(r"http://\S+", ready)
            if endpoint is None:
                status = process.wait()
                print("The demo passes flags on to `lambent up`: make demo ARGS='--sandbox process'", file=sys.stderr)
                raise SystemExit(status or 1)
            print(f"  {ready.strip()}")
            yield endpoint[0]
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def exports(endpoint: str | None = None) -> dict[str, str]:
    """What `lambent env` says that an SDK needs; for the default port, unless Lambent is at `endpoint`."""
    port = ["--port", endpoint.rpartition(":")[2]] if endpoint else []
    command = [*LAMBENT, "env", "--data", str(BUILD / "data"), *port]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    words = [shlex.split(line)[1] for line in lines]
    return dict(word.split("=", 1) for word in words)


def thumbnail_made(package: bytes, variables: dict[str, str]) -> None:
    """Deploy the function, send it the picture twice, keep what comes back."""
    client = deployed(package, variables)
    picture = (THUMBNAIL / "lake.jpg").read_bytes()
    event = BUILD / "event.json"
    event.write_text(json.dumps({"picture": base64.b64encode(picture).decode(), "longest_side": 320}))
    step(f"invoking it with {THUMBNAIL.relative_to(ROOT)}/lake.jpg ({len(picture)} bytes)")
    result = invoked(client, event.read_bytes())
    thumbnail = BUILD / "thumbnail.jpg"
    thumbnail.write_bytes(base64.b64decode(result["thumbnail"]))
    size = f"{result['width']} x {result['height']}, {result['bytes']} bytes"
    print(f"  {thumbnail.relative_to(ROOT)}: {size}")
    step("again, in the same execution environment")
    invoked(client, event.read_bytes())


def deployed(package: bytes, variables: dict[str, str]) -> Any:
    """The function, made anew and active; as the client that has it."""
    step(f"deploying it ({len(package) / 1e6:.1f} MB) through boto3")
    os.environ.update(variables)
    os.environ["no_proxy"] = "127.0.0.1"
    iam, client = boto3.client("iam"), boto3.client("lambda")
    try:
        role = iam.create_role(RoleName="demo", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName="demo")["Role"]["Arn"]
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_function(FunctionName="thumbnail")  # that of the demo before
    function = client.create_function(
        FunctionName="thumbnail",
        Runtime=f"python{PYTHON}",
        Handler="app.handler",
        Role=role,
        Code={"ZipFile": package},
        MemorySize=1024,
        Timeout=10,
    )
    client.get_waiter("function_active_v2").wait(FunctionName="thumbnail")
    print(f"  {function['FunctionArn']} is active")
    return client


def invoked(client: Any, event: bytes) -> dict[str, Any]:
    """What the function answers; its log and what it cost are printed. Raises SystemExit when the function failed."""
    began = time.perf_counter()
    answer = client.invoke(FunctionName="thumbnail", Payload=event, LogType="Tail")
    payload = answer["Payload"].read()
    took_ms = (time.perf_counter() - began) * 1e3
    log = base64.b64decode(answer["LogResult"]).decode()
    for line in log.splitlines():
        print(f"  | {line.strip()}")
    if "FunctionError" in answer:
        raise SystemExit(payload.decode())
    billed = re.search(r"Billed Duration: (\d+ ms)", log)
    print(f"  answered after {took_ms:.0f} ms; billed {billed[1] if billed else 'nothing'}")
    return json.loads(payload)


def how_to_go_on(variables: dict[str, str]) -> None:
    build = BUILD.relative_to(ROOT)
    print("\nTo go on:")
    if ":4566" in variables["AWS_ENDPOINT_URL"]:
        print(f"  make up ARGS='--data {build}/data'   # the function is still there")
    for name, value in variables.items():
        print(f"  export {name}={shlex.quote(value)}")
    print(f"  aws lambda invoke --function-name thumbnail --payload fileb://{build}/event.json {build}/answer.json")


def wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


def step(text: str) -> None:
    print(f"\n{text} ...", flush=True)


if __name__ == "__main__":
    sys.exit(main())
