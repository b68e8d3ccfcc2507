"""AWS's SDK for JavaScript: what is installed, where functions find it, and what their log says where it is missing."""

import json
from pathlib import Path
from typing import Final

import pytest

from lambent.lambda_.runtimes.javascript_sdk import LOCK, MANIFEST, JavaScriptSdk, digest, javascript_sdk, names
from tests.runtimes.conftest import Start, written
from tests.runtimes.nodes import OLD, answered, every_node, old_and_new
from tests.runtimes.runtime_api import Event

CLIENT: Final = "@aws-sdk/client-s3"
INSTALLED: Final = javascript_sdk()
needs_sdk = pytest.mark.skipif(INSTALLED.modules is None, reason="needs npm: `make test` installs the SDK with it")


@pytest.fixture
def sdk(tmp_path: Path) -> JavaScriptSdk:
    """One of two packages, whose values tell where they are from."""
    files = {
        f"node_modules/{CLIENT}/package.json": '{"main": "./dist-cjs/index.js"}',
        f"node_modules/{CLIENT}/dist-cjs/index.js": "exports.S3Client = 'runtime'",
        "node_modules/@smithy/types/index.js": "exports.types = 'runtime'",
        ".installed": digest(),
    }
    return JavaScriptSdk(written(tmp_path / "sdk", files))


@pytest.fixture
def without(tmp_path: Path) -> JavaScriptSdk:
    return JavaScriptSdk(tmp_path / "nowhere")


def test_the_lock_file_is_that_of_the_manifest_and_names_no_place() -> None:
    lock = json.loads(LOCK.read_text())
    manifest = json.loads(MANIFEST.read_text())
    assert lock["packages"][""]["dependencies"] == manifest["dependencies"]
    assert {f"node_modules/{name}" for name in names(MANIFEST)} <= set(lock["packages"])
    assert all(package["integrity"].startswith("sha512-") for name, package in lock["packages"].items() if name)
    assert "://" not in LOCK.read_text()


def test_what_is_installed_in_part_is_not_installed(sdk: JavaScriptSdk) -> None:
    assert sdk.modules == sdk.directory / "node_modules"
    assert sdk.is_current()
    sdk.mark.write_text("that of another version")
    assert sdk.modules is not None
    assert not sdk.is_current()
    sdk.mark.unlink()
    assert sdk.modules is None
    assert not sdk.is_current()


@every_node
async def test_require_and_import_find_it(start: Start, runtime: str, sdk: JavaScriptSdk) -> None:
    required = f"exports.handler = async () => [require('{CLIENT}').S3Client, require('@smithy/types').types]"
    imported = f"import {{ S3Client }} from '{CLIENT}'\nexport const handler = async () => S3Client"
    async with start(runtime, {"app.cjs": required, "esm.mjs": imported}, Event(), sdk=sdk) as run:
        assert await answered(run) == ["runtime", "runtime"]
    async with start(runtime, {}, Event(), handler="esm.handler", sdk=sdk) as run:
        assert await answered(run) == "runtime"


@every_node
async def test_the_functions_own_and_those_of_layers_come_first(start: Start, runtime: str, sdk: JavaScriptSdk) -> None:
    code = f"""\
    import {{ S3Client }} from '{CLIENT}'
    import {{ types }} from '@smithy/types'
    import {{ createRequire }} from 'module'
    const require = createRequire(import.meta.url)
    export const handler = async () => [S3Client, require('{CLIENT}').S3Client, types, require('@smithy/types').types]
    """
    own = {f"node_modules/{CLIENT}/index.js": "exports.S3Client = 'own'"}
    layers = {"nodejs/node_modules/@smithy/types/index.js": "exports.types = 'layer'"}
    async with start(runtime, {"app.mjs": code, **own}, Event(), layers=layers, sdk=sdk) as run:
        assert await answered(run) == ["own", "own", "layer", "layer"]


ASKING: Final = [
    ("app.js", f"require('{CLIENT}')", "at init"),
    ("app.mjs", f"import '{CLIENT}'", "at init"),
    ("app.js", f"exports.handler = async () => require('{CLIENT}/dist-cjs/commands')", "in an invocation"),
    ("app.mjs", f"export const handler = () => import('{CLIENT}')", "in an invocation"),
]


@old_and_new
@pytest.mark.parametrize(("file", "code", "when"), ASKING, ids=[f"{case[0]}-{case[2]}" for case in ASKING])
async def test_where_it_is_missing_the_log_names_the_remedy_and_the_caller_has_awss_words(
    start: Start, runtime: str, file: str, code: str, when: str, without: JavaScriptSdk
) -> None:
    async with start(runtime, {file: code}, Event(), sdk=without) as run:
        error = (await run.post()).json
        if when == "at init":
            await run.exited()
        output = run.output()
    assert error["errorMessage"].removeprefix("Error: ").startswith(("Cannot find module", "Cannot find package"))
    assert "lambent" not in error["errorMessage"]
    [line] = [line for line in output.splitlines() if "Lambent has not installed the AWS SDK for JavaScript" in line]
    assert "\tERROR\t" in line
    assert "Run `lambent sdk` where Lambent is installed (it needs npm) and restart Lambent" in line


@old_and_new
async def test_a_package_that_was_not_among_it_is_named_with_the_command_that_adds_it(
    start: Start, runtime: str, sdk: JavaScriptSdk
) -> None:
    async with start(runtime, {"app.js": "require('@aws-sdk/client-glacier')"}, sdk=sdk) as run:
        await run.exited()
        assert "Run `lambent sdk @aws-sdk/client-glacier` where Lambent is installed" in run.output()


@pytest.mark.parametrize(
    "code", ["require('nonesuch')", "throw new Error('Cannot find module')", "throw null", "throw 1"]
)
async def test_errors_of_the_functions_own_have_none(start: Start, code: str, without: JavaScriptSdk) -> None:
    async with start(OLD, {"app.js": code}, sdk=without) as run:
        await run.exited()
        assert "Lambent" not in run.output()


@needs_sdk
@every_node
async def test_every_package_that_is_installed_can_be_required_and_imported(start: Start, runtime: str) -> None:
    code = """\
    exports.handler = async (names) => {
      const failed = []
      for (const name of names) {
        try {
          require(name)
          await import(name)
        } catch (error) { failed.push([name, error.message]) }
      }
      return failed
    }
    """
    commonest = sorted(name for name in names(MANIFEST) if not name.startswith("@aws-sdk/client-"))
    clients = [
        f"@aws-sdk/client-{name}" for name in ("dynamodb", "lambda", "s3", "secrets-manager", "sns", "sqs", "ssm")
    ]
    async with start(runtime, {"app.js": code}, Event([*commonest, *clients]), sdk=INSTALLED, memory_mib=1024) as run:
        assert await answered(run) == []
