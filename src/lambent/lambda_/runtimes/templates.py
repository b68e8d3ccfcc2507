"""Makes of a runtime, an interpreter and a function what a sandbox is started from.

    runtime + interpreter -> Template      what all functions of the runtime share: mounts, what is started ahead
                + function -> Assignment   code, layers, variables, and what is executed where nothing was started ahead

An interpreter that is forked or has booted has read some variables already. A function that sets one of those (an
LD_PRELOAD, a PYTHONHASHSEED, NODE_OPTIONS), that is started by a wrapper script, or whose package has libraries for
the loader, is `fresh`: its interpreter is executed anew, as in AWS, which costs it 10 ms and buys it nothing but
being right.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from lambent.lambda_.runtimes import systems
from lambent.lambda_.runtimes.catalogue import Provider, Runtime
from lambent.lambda_.runtimes.certificates import authorities
from lambent.lambda_.runtimes.entrypoints import package_entrypoint
from lambent.lambda_.runtimes.interpreters import Interpreter
from lambent.lambda_.runtimes.javascript_sdk import JavaScriptSdk
from lambent.lambda_.runtimes.python_mounts import LANGUAGE, RUNTIME, python_mounts
from lambent.lambda_.runtimes.speedups import Speedups
from lambent.lambda_.runtimes.variables import FunctionFacts, Places, environment_variables
from lambent.sandbox.contract import Assignment, ForkServer, Limits, Mount, Template

Visible = Callable[[Mount], str]  # Backend.visible

MIB_PER_CPU: Final = 1769  # AWS gives a function a whole processor at this much memory (reference/lambda.md 2.4)
NODE_OLD_PERCENT: Final = 90  # of the function's memory, for old objects
NODE_YOUNG_PERCENT: Final = 5  # for each half of the space in which objects are made
TASK: Final = "/var/task"
LAYERS: Final = "/opt"
_NODE: Final = f"{LANGUAGE}/bin/node"
_NODE_MODULES: Final = f"{RUNTIME}/node_modules"
_CERTIFICATES: Final = f"{RUNTIME}/ca-cert.pem"
_PLACE_OF: Final = {TASK: "task", LAYERS: "layers"}
BOOTSTRAP: Final = Path(__file__).parent / "bootstrap"

# The first is the bootstrap, which counts what AWS imports and nothing else has been imported yet. boto3 brings 280 modules;
# the others are what its first clients and most functions import then.
_PYTHON_PRELOAD: Final = (
    "lambent_bootstrap",
    "lambent_rehearsal",
    "boto3",
    "boto3.dynamodb.conditions",
    "boto3.dynamodb.table",
    "boto3.dynamodb.transform",
    "boto3.s3.inject",
    "encodings.idna",
    "s3transfer.manager",
    "asyncio",
    "concurrent.futures.thread",
    "csv",
    "dataclasses",
    "email.mime.multipart",
    "gzip",
    "tempfile",
    "urllib.request",
    "uuid",
    "xml.etree.ElementTree",
    "zipfile",
)
_READ_AT_START: Final = ("LD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_")
_READ_AT_START_BY: Final = {"python": ("PYTHON",), "nodejs": ("NODE_", "SSL_CERT_", "UV_")}


class Launcher:
    """A runtime on this machine, over one backend: made once, it starts all functions of the runtime."""

    def __init__(
        self, runtime: Runtime, interpreter: Interpreter | None, visible: Visible, sdk: JavaScriptSdk | None = None
    ) -> None:
        """For Python this reads the metadata of ten packages: 7 ms, so not where an event loop waits.

        `sdk` is for functions of Node.js.
        """
        self.runtime: Final = runtime
        self._visible: Final = visible
        mounts = _mounts(runtime, interpreter, None if sdk is None else sdk.modules)
        self._places: Final = _places(runtime, interpreter, mounts, visible)
        python = runtime.provider is Provider.PYTHON
        self.json_is_compiled: Final = not python or Speedups().directory(runtime.version) is not None
        template = _template(runtime, interpreter, mounts, self._places)
        system = (*template.mounts, *systems.mounts(runtime))
        self.template: Final = msgspec.structs.replace(template, mounts=system, base=systems.base(runtime))

    def assignment(self, facts: FunctionFacts) -> Assignment:
        """What makes a sandbox this function's; lists at most three directories. Raises InvalidEntrypoint."""
        code = Mount(facts.code_dir, TASK)
        mounts = (code,) if facts.layers_dir is None else (code, Mount(facts.layers_dir, LAYERS))
        places = msgspec.structs.replace(self._places, **{_PLACE_OF[m.target]: self._visible(m) for m in mounts})
        wrapper = self._wrapper(facts.variables, places)
        return Assignment(
            mounts=mounts,
            environment=environment_variables(self.runtime, facts, places),
            argv=(*wrapper, *_argv(self.runtime, facts, places)),
            limits=Limits(facts.memory_mib, facts.tmp_mib, cpus=facts.memory_mib / MIB_PER_CPU),
            cwd=places.task,
            fresh=bool(wrapper) or self._must_be_fresh(facts),
        )

    def template_of(self, account: str, memory_mib: int) -> Template:
        """What functions of that account with so much memory are started from, and no others'."""
        options = _heap(memory_mib) if self.runtime.provider is Provider.NODE else ()
        return msgspec.structs.replace(self.template, account=account, options=options)

    def _wrapper(self, variables: Mapping[str, str], places: Places) -> tuple[str, ...]:
        """The script that starts the interpreter in AWS's stead; a package's own runtime has none (developer guide).

        It is one of a layer, mostly, and /opt is not at /opt where nothing is isolated.
        """
        wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
        if not wrapper or self.runtime.provider is Provider.PACKAGE:
            return ()
        return (places.layers + wrapper.removeprefix(LAYERS) if wrapper.startswith(f"{LAYERS}/") else wrapper,)

    def _must_be_fresh(self, facts: FunctionFacts) -> bool:
        if self.runtime.provider is Provider.PACKAGE:
            return False  # it always is
        return _read_at_start(self.runtime, facts.variables) or _brings_libraries(facts)


def _template(runtime: Runtime, interpreter: Interpreter | None, mounts: tuple[Mount, ...], places: Places) -> Template:
    if interpreter is None:
        return Template(runtime.id)
    if runtime.provider is Provider.NODE:
        boot = (*_node_argv(places), "--waits")
        return Template(runtime.id, mounts, boot=boot, framed_log=runtime.frames_log)
    server = ForkServer(
        interpreter=places.interpreter,
        path=(*places.runtime, *_libraries(interpreter, places)),
        preload=_PYTHON_PRELOAD,
        entry="lambent_bootstrap:run",
        rehearse="lambent_rehearsal:rehearse",
    )
    return Template(runtime.id, mounts, fork_server=server, framed_log=runtime.frames_log)


def _mounts(runtime: Runtime, interpreter: Interpreter | None, modules: Path | None) -> tuple[Mount, ...]:
    if interpreter is None:
        return ()
    if runtime.provider is Provider.NODE:
        bootstrap = BOOTSTRAP / "nodejs"
        return (
            Mount(bootstrap, RUNTIME),
            Mount(modules or bootstrap / "node_modules", _NODE_MODULES),
            Mount(authorities(), _CERTIFICATES),
            Mount(interpreter.executable, _NODE),
        )
    return tuple(python_mounts(runtime.version, interpreter))


def _libraries(interpreter: Interpreter, places: Places) -> Iterator[str]:
    """Where guests see the standard library: the interpreter finds it by the path of its program."""
    for library in map(Path, interpreter.libraries):
        inside = library.is_relative_to(interpreter.prefix)
        yield f"{places.language}/{library.relative_to(interpreter.prefix)}" if inside else str(library)


def _places(runtime: Runtime, interpreter: Interpreter | None, mounts: Sequence[Mount], visible: Visible) -> Places:
    """Where the guest sees what the mounts are for."""
    seen = {mount.target: visible(mount) for mount in mounts}
    if interpreter is None:
        return Places()
    if runtime.provider is Provider.NODE:
        return Places(
            language=str(Path(seen[_NODE]).parent.parent),
            interpreter=seen[_NODE],
            runtime=(seen[RUNTIME],),
            modules=seen[_NODE_MODULES],
            certificates=seen[_CERTIFICATES],
        )
    directories = dict.fromkeys(
        str(Path(path).parent) for target, path in seen.items() if Path(target).is_relative_to(RUNTIME)
    )
    program = f"{seen[LANGUAGE]}/{interpreter.executable.relative_to(interpreter.prefix)}"
    return Places(language=seen[LANGUAGE], interpreter=program, runtime=tuple(directories))


def _argv(runtime: Runtime, facts: FunctionFacts, places: Places) -> tuple[str, ...]:
    match runtime.provider:
        case Provider.NODE:
            program, *arguments = _node_argv(places)
            return (program, *(f"{name}={number}" for name, number in _heap(facts.memory_mib)), *arguments)
        case Provider.PYTHON:
            # Where nothing is isolated, the interpreter's site-packages are a person's: no code of theirs runs by itself.
            flags = () if places.isolated else ("-S",)
            return (places.interpreter, *flags, f"{places.runtime[0]}/bootstrap.py")
        case _:
            layers = [] if facts.layers_dir is None else [(facts.layers_dir, places.layers)]
            return (package_entrypoint([(facts.code_dir, places.task), *layers]),)


def _node_argv(places: Places) -> tuple[str, ...]:
    """AWS's flags but those of the heap, which V8 takes when it starts and not later, and our preload."""
    flags = ("--expose-gc", "--max-http-header-size=81920", "--require", f"{places.runtime[0]}/node_path.cjs")
    return (places.interpreter, *flags, f"{places.runtime[0]}/bootstrap.cjs")


def _heap(memory_mib: int) -> tuple[tuple[str, int], ...]:
    """AWS's limits of V8's heap: what waits for functions of one size has that size's."""
    return (
        ("--max-semi-space-size", memory_mib * NODE_YOUNG_PERCENT // 100),
        ("--max-old-space-size", memory_mib * NODE_OLD_PERCENT // 100),
    )


def _read_at_start(runtime: Runtime, variables: Mapping[str, str]) -> bool:
    prefixes = (*_READ_AT_START, *_READ_AT_START_BY.get(runtime.family, ()))
    return any(key.startswith(prefixes) or key == "LANG" for key in variables)


def _brings_libraries(facts: FunctionFacts) -> bool:
    """Whether the loader must search the package: it reads LD_LIBRARY_PATH once, when the program is executed.

    Where a symlink leads is for the guest to see, so one in place of a directory counts as libraries.
    """
    libs = [tree / "lib" for tree in (facts.code_dir, facts.layers_dir) if tree is not None]
    if any(lib.is_symlink() for lib in libs):
        return True
    return any(_is_shared_library(name) for directory in (facts.code_dir, *libs) for name in _names(directory))


def _names(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(directory)]
    except OSError:
        return []


def _is_shared_library(name: str) -> bool:
    return name.startswith("lib") and (name.endswith(".so") or ".so." in name)
