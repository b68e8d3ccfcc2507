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

from lambent.lambda_.runtimes.catalogue import Provider, Runtime
from lambent.lambda_.runtimes.entrypoints import package_entrypoint
from lambent.lambda_.runtimes.interpreters import Interpreter
from lambent.lambda_.runtimes.python_mounts import LANGUAGE, RUNTIME, python_mounts
from lambent.lambda_.runtimes.speedups import Speedups
from lambent.lambda_.runtimes.variables import FunctionFacts, Places, environment_variables
from lambent.sandbox.contract import Assignment, ForkServer, Limits, Mount, Template

Visible = Callable[[Mount], str]  # Backend.visible

MIB_PER_CPU: Final = 1769  # AWS gives a function a whole processor at this much memory (reference/lambda.md 2.4)
NODE_HEAP_PERCENT: Final = 90  # of the function's memory, for old objects
TASK: Final = "/var/task"
LAYERS: Final = "/opt"
_NODE: Final = f"{LANGUAGE}/bin/node"
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

    def __init__(self, runtime: Runtime, interpreter: Interpreter | None, visible: Visible) -> None:
        """For Python this reads the metadata of ten packages: 7 ms, so not where an event loop waits."""
        self.runtime: Final = runtime
        self._visible: Final = visible
        mounts = _mounts(runtime, interpreter)
        self._places: Final = _places(runtime, interpreter, mounts, visible)
        python = runtime.provider is Provider.PYTHON
        self.json_is_compiled: Final = not python or Speedups().directory(runtime.version) is not None
        self.template: Final = _template(runtime, interpreter, mounts, self._places)

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

    def template_of(self, account: str) -> Template:
        """What functions of that account are started from, and no others'."""
        return msgspec.structs.replace(self.template, account=account)

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
        return Template(runtime.id, mounts, boot=_node_argv(places))
    server = ForkServer(
        interpreter=places.interpreter,
        path=(*places.runtime, *_libraries(interpreter, places)),
        preload=_PYTHON_PRELOAD,
        entry="lambent_bootstrap:run",
        rehearse="lambent_rehearsal:rehearse",
    )
    return Template(runtime.id, mounts, fork_server=server)


def _mounts(runtime: Runtime, interpreter: Interpreter | None) -> tuple[Mount, ...]:
    if interpreter is None:
        return ()
    if runtime.provider is Provider.NODE:
        return (
            Mount(BOOTSTRAP / "nodejs", RUNTIME),
            Mount(interpreter.executable, f"{LANGUAGE}/bin/node"),
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
    directories = dict.fromkeys(
        path if target == RUNTIME else str(Path(path).parent)
        for target, path in seen.items()
        if Path(target).is_relative_to(RUNTIME)
    )
    program, language = "", LANGUAGE
    if runtime.provider is Provider.NODE:
        program = seen[_NODE]
        language = str(Path(program).parent.parent)
    elif interpreter is not None:
        language = seen[LANGUAGE]
        program = f"{language}/{interpreter.executable.relative_to(interpreter.prefix)}"
    return Places(
        language=language,
        interpreter=program,
        runtime=tuple(directories) or (RUNTIME,),
    )


def _argv(runtime: Runtime, facts: FunctionFacts, places: Places) -> tuple[str, ...]:
    match runtime.provider:
        case Provider.NODE:
            return _node_argv(places, facts.memory_mib)
        case Provider.PYTHON:
            # Where nothing is isolated, the interpreter's site-packages are a person's: no code of theirs runs by itself.
            flags = () if places.isolated else ("-S",)
            return (places.interpreter, *flags, f"{places.runtime[0]}/bootstrap.py")
        case _:
            layers = [] if facts.layers_dir is None else [(facts.layers_dir, places.layers)]
            return (package_entrypoint([(facts.code_dir, places.task), *layers]),)


def _node_argv(places: Places, memory_mib: int | None = None) -> tuple[str, ...]:
    """AWS's flags; a Node that boots before its function's memory is known bounds its heap otherwise (its bootstrap)."""
    heap = f"--max-old-space-size={memory_mib * NODE_HEAP_PERCENT // 100}" if memory_mib else "--max-semi-space-size=8"
    flags = ("--expose-gc", "--max-http-header-size=81920", heap)
    waits = ("--waits",) if memory_mib is None else ()
    return (places.interpreter, *flags, f"{places.runtime[0]}/bootstrap.cjs", *waits)


def _read_at_start(runtime: Runtime, variables: Mapping[str, str]) -> bool:
    prefixes = (*_READ_AT_START, *_READ_AT_START_BY.get(runtime.family, ()))
    return any(key.startswith(prefixes) or key == "LANG" for key in variables)


def _brings_libraries(facts: FunctionFacts) -> bool:
    """Whether the loader must search the package: it reads LD_LIBRARY_PATH once, when the program is executed."""
    directories = [facts.code_dir, facts.code_dir / "lib"]
    if facts.layers_dir is not None:
        lib = (facts.layers_dir / "lib").resolve()
        if lib.is_relative_to(facts.layers_dir.resolve()):  # a symlink may lead out where layers are merged
            directories.append(lib)
    return any(_is_shared_library(name) for directory in directories for name in _names(directory))


def _names(directory: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(directory)]
    except OSError:
        return []


def _is_shared_library(name: str) -> bool:
    return name.startswith("lib") and (name.endswith(".so") or ".so." in name)
