"""What a Python function finds around it in a native sandbox, forked and started anew, on every Python of this machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambent.lambda_.runtimes.interpreters import Interpreter
from lambent.lambda_.runtimes.speedups import COMMAND, Speedups
from lambent.lambda_.runtimes.templates import MIB_PER_CPU
from tests.runtimes.conftest import Start
from tests.runtimes.runtime_api import Event
from tests.runtimes.shadows import hidden, own_modules
from tests.runtimes.test_python import ahead_and_fresh, every_python

Find = Callable[[str], Interpreter | None]

pytestmark = pytest.mark.asyncio(loop_scope="module")  # as the backend, whose spawners all tests share


async def answer(start: Start, runtime: str, files: dict[str, str], **options: Any) -> Any:
    async with start(
        runtime, files, Event(), memory_mib=MIB_PER_CPU, **options
    ) as run:  # a processor, so as not to wait
        return (await run.post()).json


@every_python
@ahead_and_fresh
async def test_only_what_awss_runtime_imports_hides_a_functions_own_module(
    start_isolated: Start, interpreter: Find, runtime: str, ahead: bool
) -> None:
    names, expected = own_modules(interpreter(runtime)), hidden(interpreter(runtime))
    files = {f"{name}.py": "MINE = True" for name in names} | {
        "app.py": f"""\
    NAMES = {names!r}
    def handler(event, context): return [name for name in NAMES if not hasattr(__import__(name), "MINE")]
    """
    }
    assert set(await answer(start_isolated, runtime, files, ahead=ahead)) == expected


@every_python
@ahead_and_fresh
async def test_the_search_path_is_awss(start_isolated: Start, runtime: str, ahead: bool) -> None:
    code = "import sys\ndef handler(event, context): return [sys.path, sys.argv, sys.orig_argv]"
    path, argv, original = await answer(start_isolated, runtime, {"app.py": code}, ahead=ahead)
    site_packages = f"/var/lang/lib/{runtime}/site-packages"
    layers = [f"/opt/python/lib/{runtime}/site-packages", "/opt/python"]
    library = [f"/var/lang/lib/{runtime.replace('.', '')}.zip", f"/var/lang/lib/{runtime}"]
    library.append(f"{library[1]}/lib-dynload")
    language = [] if runtime == "python3.10" else [site_packages]
    assert path == ["/var/task", *layers, *language, "/var/runtime", *library, site_packages, *layers]
    assert argv == ["/var/runtime/bootstrap.py"]
    assert original == [f"/var/lang/bin/{runtime}", "/var/runtime/bootstrap.py"]


@every_python
async def test_a_python_path_of_its_own_replaces_the_layers(start_isolated: Start, runtime: str) -> None:
    code = "import sys\ndef handler(event, context): return sys.path"
    variables = {"PYTHONPATH": "/var/task/mine"}
    path = await answer(start_isolated, runtime, {"app.py": code}, layers={}, variables=variables)
    assert path[:3] == ["/var/task", "/var/runtime", "/var/task/mine"]
    assert path[-1] == f"/var/lang/lib/{runtime}/site-packages"
    assert not [entry for entry in path if entry.startswith("/opt")]


WHERE = """\
import gc, os, platform, socket, sys, sysconfig, traceback, types

def handler(event, context):
    try:
        int("x" * 3, "y")
    except TypeError:
        pass
    try:
        os.fspath(os.path.join("a", 1))
    except TypeError:
        frames = traceback.format_exc()
    functions = {value.__code__.co_filename for value in gc.get_objects() if isinstance(value, types.FunctionType)}
    modules = {str(getattr(module, "__file__", "")) for module in list(sys.modules.values())}
    with open("/proc/self/maps") as maps, open("/proc/self/mountinfo") as mounts:
        process = maps.read() + mounts.read()
    return {
        "executable": sys.executable,
        "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
        "os": os.__file__,
        "flags": [sys.flags.no_site, sys.flags.isolated, sys.flags.ignore_environment, sys.flags.no_user_site],
        "libdir": sysconfig.get_config_var("LIBDIR"),
        "names": [platform.node(), socket.gethostname(), os.uname().nodename],
        "all": [frames, sorted(functions), sorted(modules), process, repr(sysconfig.get_config_vars()), repr(vars(sys))],
    }
"""


@every_python
@ahead_and_fresh
async def test_the_interpreter_is_where_aws_has_it_and_names_nothing_of_this_machine(
    start_isolated: Start, interpreter: Find, runtime: str, ahead: bool
) -> None:
    found = await answer(start_isolated, runtime, {"app.py": WHERE}, ahead=ahead)
    texts = found.pop("all")
    assert found == {
        "executable": f"/var/lang/bin/{runtime}",
        "prefixes": ["/var/lang"] * 4,
        "os": f"/var/lang/lib/{runtime}/os.py",
        "flags": [0, 0, 0, 0],
        "libdir": "/var/lang/lib",
        "names": ["sandbox"] * 3,
    }
    assert "/var/lang/lib/" in texts[0] or "<frozen " in texts[0]
    here = interpreter(runtime)
    assert here is not None
    names = [name for name in (str(here.prefix), str(Path.home())) if name not in ("/usr", "/usr/local", "/")]
    assert not [(name, str(text)[:80]) for text in texts for name in names if f"{name}/" in str(text)]


@every_python
async def test_beside_the_standard_library_is_pip_and_nothing_of_this_machines_owner(
    start_isolated: Start, runtime: str
) -> None:
    code = """\
    import os, subprocess, sys
    def handler(event, context):
        child = subprocess.run([sys.executable, "-c", "import sys; print(*sys.path)"], stdout=subprocess.PIPE, text=True)
        site_packages = [path for path in child.stdout.split() if path.endswith("-packages")]
        return sorted(name for path in {*site_packages, *sys.path} if path.endswith("-packages") and os.path.exists(path)
                      for name in os.listdir(path))
    """
    names = await answer(start_isolated, runtime, {"app.py": code})
    known = {"pip", "README.txt"}
    if runtime in ("python3.10", "python3.11"):
        known |= {"setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth"}
    assert {name for name in names if not name.endswith(".dist-info")} <= known
    assert {name.partition("-")[0] for name in names if name.endswith(".dist-info")} <= known


PTH = {
    "python/more.pth": "below\nimport sys; sys.more = True\n",
    "python/below/deep.py": "VALUE = 'layer'",
    "python/first.pth": "import sys; sys.path.insert(0, '/opt/python/early')\n",
    "python/early/csv.py": "VALUE = 'early'",
}


@every_python
@ahead_and_fresh
async def test_path_files_of_layers_and_of_the_package_are_read(
    start_isolated: Start, runtime: str, ahead: bool
) -> None:
    site_packages = f"python/lib/{runtime}/site-packages"
    layers = PTH | {f"{site_packages}/own.pth": "own\n", f"{site_packages}/own/owned.py": "VALUE = 'site-packages'"}
    files = {
        "app.py": """\
        import sys, csv, deep, owned, tasked
        def handler(event, context): return [csv.VALUE, deep.VALUE, owned.VALUE, tasked.VALUE, sys.more]
        """,
        "mine.pth": "vendored\n",
        "vendored/tasked.py": "VALUE = 'package'",
    }
    found = await answer(start_isolated, runtime, files, layers=layers, ahead=ahead)
    assert found == ["early", "layer", "site-packages", "package", True]


@every_python
@ahead_and_fresh
async def test_the_runtime_is_where_sentry_looks_for_it(start_isolated: Start, runtime: str, ahead: bool) -> None:
    code = """\
    import sys
    assert "bootstrap" not in sys.modules
    client = sys.modules["__main__"].awslambdaricmain.bootstrap
    before = client.handle_event_request
    def handled(*arguments, **options):
        global calls
        calls += 1
        return before(*arguments, **options)
    calls = 0
    client.handle_event_request = handled
    def handler(event, context): return calls
    """
    assert await answer(start_isolated, runtime, {"app.py": code}, ahead=ahead) == 1


@every_python
@ahead_and_fresh
async def test_events_and_results_pass_through_compiled_code(start_isolated: Start, runtime: str, ahead: bool) -> None:
    if Speedups().directory(runtime.removeprefix("python")) is None:
        pytest.skip(f"the compiled part of simplejson for {runtime} is not here: {COMMAND}")
    code = """\
    import simplejson.decoder, simplejson.encoder, simplejson.scanner
    def handler(event, context):
        return [bool(simplejson.encoder.c_make_encoder), bool(simplejson.scanner.c_make_scanner),
                bool(simplejson.decoder.c_scanstring), simplejson.__file__]
    """
    found = await answer(start_isolated, runtime, {"app.py": code}, ahead=ahead)
    assert found == [True, True, True, "/var/runtime/simplejson/__init__.py"]


@every_python
async def test_what_a_functions_module_hides_stays_whole_for_those_that_have_imported_it(
    start_isolated: Start, runtime: str
) -> None:
    names = ("random", "socket", "select", "selectors", "signal", "platform", "datetime", "typing", "http")
    code = f"""\
    import boto3, tempfile, urllib.request, uuid
    {"; ".join(f"import {name}" for name in names)}
    def handler(event, context):
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        signed = client.generate_presigned_url("get_object", Params={{"Bucket": "b", "Key": "k"}})
        with tempfile.NamedTemporaryFile() as file:
            return [file.name.startswith("/tmp/"), signed.startswith("https://"), len(str(uuid.uuid4())),
                    {", ".join(f"{name}.MINE" for name in names)}]
    """
    files = {f"{name}.py": f"MINE = {name!r}" for name in names} | {"app.py": code}
    assert await answer(start_isolated, runtime, files) == [True, True, 36, *names]
