"""`import` finds packages of layers (NODE_PATH) after the function's own, in every Node.js, wherever it stands."""

from typing import Any

import pytest

from tests.runtimes.conftest import Start
from tests.runtimes.nodes import ahead_and_fresh, answered, every_node, old_and_new
from tests.runtimes.runtime_api import Event

LAYERS = {
    "nodejs/node_modules/of-layer/index.js": "module.exports = 'layer'",
    "nodejs/node_modules/both/index.js": "module.exports = 'layer'",
    "nodejs/node_modules/@scope/package/index.js": "module.exports = 'scoped'",
    "nodejs/node_modules/@scope/package/lib/deep.js": "module.exports = 'deep'",
    "nodejs/node_modules/modern/package.json": """{"name": "modern", "exports": {
        ".": {"import": "./module.mjs", "require": "./common.cjs"}, "./part": "./part.mjs"}}""",
    "nodejs/node_modules/modern/module.mjs": "import it from 'of-layer'\nexport default 'module of ' + it",
    "nodejs/node_modules/modern/common.cjs": "module.exports = 'common'",
    "nodejs/node_modules/modern/part.mjs": "export default import.meta.url",
}
OWN = {"node_modules/both/index.js": "module.exports = 'own'"}


def importing(*specifiers: str) -> str:
    imports = "\n".join(f"import i{number} from '{specifier}'" for number, specifier in enumerate(specifiers))
    return f"{imports}\nexport const handler = async () => [{', '.join(f'i{n}' for n in range(len(specifiers)))}]"


@every_node
@ahead_and_fresh
async def test_import_finds_packages_of_layers_after_the_functions_own(start: Start, runtime: str, ahead: bool) -> None:
    code = importing("of-layer", "both", "@scope/package", "@scope/package/lib/deep.js", "modern", "fs/promises")
    code = code.replace("i5]", "typeof i5.readFile]")
    async with start(runtime, {"app.mjs": code, **OWN}, Event(), layers=LAYERS, ahead=ahead) as run:
        assert await answered(run) == ["layer", "own", "scoped", "deep", "module of layer", "function"]


@every_node
async def test_a_module_of_a_layer_knows_where_it_is(start: Start, runtime: str, tmp_path: Any) -> None:
    async with start(runtime, {"app.mjs": importing("modern/part")}, Event(), layers=LAYERS) as run:
        assert await answered(run) == [f"file://{tmp_path}/opt/nodejs/node_modules/modern/part.mjs"]


@every_node
async def test_the_versions_own_layer_comes_first(start: Start, runtime: str) -> None:
    version = runtime.removeprefix("nodejs").removesuffix(".x")
    layers = LAYERS | {f"nodejs/node{version}/node_modules/of-layer/index.js": "module.exports = 'versions'"}
    async with start(runtime, {"app.mjs": importing("of-layer")}, Event(), layers=layers) as run:
        assert await answered(run) == ["versions"]


@every_node
async def test_import_and_require_of_one_package_are_one_module(start: Start, runtime: str) -> None:
    code = """\
    import { createRequire } from 'node:module'
    import it from 'object'
    export const handler = async () => it === createRequire(import.meta.url)('object')
    """
    layers = {"nodejs/node_modules/object/index.js": "module.exports = {}"}
    async with start(runtime, {"app.mjs": code}, Event(), layers=layers) as run:
        assert await answered(run) is True


@every_node
async def test_so_do_common_modules_that_import_and_worker_threads(start: Start, runtime: str) -> None:
    code = """\
    const { Worker } = require('worker_threads')
    exports.handler = async () => {
      const worker = new Worker(require.resolve('./worker.mjs'))
      const said = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
      return [(await import('of-layer')).default, said]
    }
    """
    worker = "import it from 'of-layer'\nimport { parentPort } from 'worker_threads'\nparentPort.postMessage(it)"
    async with start(runtime, {"app.cjs": code, "worker.mjs": worker}, Event(), layers=LAYERS) as run:
        assert await answered(run) == ["layer", "layer"]


@every_node
async def test_so_does_what_node_options_import(start: Start, runtime: str) -> None:
    layers = {"nodejs/node_modules/preload/index.mjs": "globalThis.PRE = 'imported'",
              "nodejs/node_modules/preload/package.json": '{"exports": {"./auto": "./index.mjs"}}'}  # fmt: skip
    files = {"app.mjs": "export const handler = async () => globalThis.PRE"}
    variables = {"NODE_OPTIONS": "--import preload/auto"}
    async with start(runtime, files, Event(), layers=layers, variables=variables) as run:
        assert await answered(run) == "imported"


@old_and_new
@pytest.mark.parametrize(
    ("specifier", "code", "message"),
    [
        ("nonesuch", "ERR_MODULE_NOT_FOUND", "Cannot find package 'nonesuch' imported from {task}/app.mjs"),
        ("./nonesuch.mjs", "ERR_MODULE_NOT_FOUND", "Cannot find module '{task}/nonesuch.mjs' imported from {task}/app.mjs"),
        ("modern/secret", "ERR_PACKAGE_PATH_NOT_EXPORTED", "Package subpath './secret' is not defined by \"exports\""),
    ],
)  # fmt: skip
async def test_what_is_nowhere_fails_as_node_has_it(
    start: Start, runtime: str, specifier: str, code: str, message: str, tmp_path: Any
) -> None:
    files = {"app.mjs": f"export const handler = () => import('{specifier}').catch((e) => [e.code, e.message])"}
    async with start(runtime, files, Event(), layers=LAYERS) as run:
        told, sentence = await answered(run)
    assert told == code
    assert sentence.startswith(message.format(task=tmp_path / "task", opt=tmp_path / "opt"))


@old_and_new
async def test_nothing_of_node_is_open_to_the_function_that_was_not(start: Start, runtime: str) -> None:
    code = """\
    const find = () => { try { return require('internal/modules/esm/resolve') } catch (error) { return error.code } }
    const left = Object.getOwnPropertySymbols(globalThis).map(String).filter((name) => name.includes('lambent'))
    exports.handler = async () => [find(), require('internal/mine'), left, require('inspector').url() ?? null]
    """
    files = {"app.js": code, "node_modules/internal/mine.js": "module.exports = 'mine'"}
    async with start(runtime, files, Event()) as run:
        assert await answered(run) == ["MODULE_NOT_FOUND", "mine", [], None]
