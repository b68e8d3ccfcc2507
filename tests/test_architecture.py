"""The rules of the code that a machine can check: what may import what, and what may live in a module.

They are read from the syntax tree, so a file that cannot be imported here (another platform's) is checked as well. What
runs inside a sandbox (`lambda_/runtimes/bootstrap`) is data to Lambent and keeps its own rules.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lambent"
GUEST_CODE = SOURCE / "lambda_" / "runtimes" / "bootstrap"

# Each layer may import those before it. Layers in one set are siblings, which do not see each other; the packages in
# services/ are siblings too.
LAYERS: list[set[str]] = [
    {"model"},
    {"wire"},
    {"core"},
    {"storage"},
    {"sandbox"},
    {"lambda_", "services"},
    {"gateway"},
    {"cluster", "console"},
    {"config"},
    {"app"},
    {"cli"},
]
# The gateway knows core.Service and not one service.
FORBIDDEN = {("gateway", "lambda_"), ("gateway", "services"), ("gateway", "sandbox")}

NO_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
MUTATORS = {
    *("append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear"),
    *("appendleft", "popleft", "sort", "reverse"),
}
MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}
# What a test must be able to decide is an argument: ctx.clock and ctx.ids.
AMBIENT = {"time.time", "time.time_ns", "time.sleep", "datetime.now", "datetime.utcnow", "uuid.uuid4", "uuid4"}


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), str(self.path))

    @property
    def name(self) -> str:
        """`lambent.core.http`; a package is named without `__init__`."""
        parts = self.path.relative_to(SOURCE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def layer(self) -> str:
        return self.path.relative_to(SOURCE).with_suffix("").parts[0]

    @property
    def package(self) -> str:
        """What siblings must not import across: the layer, or for a service its own package."""
        return ".".join(self.name.split(".")[1 : 3 if self.layer == "services" else 2])

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module of ours that this one imports, wherever the statement stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names if alias.name.startswith("lambent"))
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lambent"):
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        yield from (node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


MODULES = [Module(path) for path in sorted(SOURCE.rglob("*.py")) if GUEST_CODE not in path.parents]
BY_NAME = {module.name: module for module in MODULES}


def target(name: str) -> Module | None:
    """The module that an imported name is, or is in."""
    return BY_NAME.get(name) or BY_NAME.get(name.rpartition(".")[0])


def rank(layer: str) -> int:
    return next(place for place, layers in enumerate(LAYERS) if layer in layers)


def dotted(node: ast.AST) -> str:
    """`asyncio.create_task` for the expression that says so; calls in between are shown as ()."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return node.id if isinstance(node, ast.Name) else ""


def test_every_folder_is_a_layer():
    unknown = {module.layer for module in MODULES} - {"__init__", "__main__"} - set().union(*LAYERS)

    assert unknown == set()


def test_imports_point_one_way():
    wrong: list[str] = []
    for module in MODULES:
        if module.layer in {"__init__", "__main__"}:
            continue
        for node, name in module.imports():
            imported = target(name)
            if imported is None or imported.layer == "__init__" or imported.package == module.package:
                continue
            backwards = rank(imported.layer) >= rank(module.layer)
            if backwards or (module.layer, imported.layer) in FORBIDDEN:
                wrong.append(f"{module.at(node)}: {module.layer} imports {name}")

    assert wrong == []


def test_no_module_imports_itself_through_others():
    graph = {
        module.name: {found.name for _, name in module.imports() if (found := target(name)) and found is not module}
        for module in MODULES
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join((*path[path.index(name) :], name))}"
        if name not in done:
            for imported in sorted(graph[name]):
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_no_function_imports():
    wrong = [
        module.at(node)
        for module in MODULES
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert wrong == []


def mutable(value: ast.AST | None) -> bool:
    """Whether an expression makes something that can be changed in place."""
    if isinstance(value, ast.Call):
        return dotted(value.func).rpartition(".")[2] in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def changed_names(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every name that some statement changes in place: NAME[x] = y, del NAME[x], NAME.append(x), NAME += x."""
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                yield node, name
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attr)) if attr in MUTATORS:
                yield node, name
            case ast.AugAssign(target=ast.Name(id=name)):
                yield node, name
            case _:
                pass


def local_names(tree: ast.Module) -> set[str]:
    """Names that some function in the module binds for itself; they hide a module's name."""
    names: set[str] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            names |= {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
            names |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return names


def test_nothing_lives_in_a_module_but_code_and_constants():
    wrong: list[str] = []
    for module in MODULES:
        wrong += [f"{module.at(node)}: global" for node in ast.walk(module.tree) if isinstance(node, ast.Global)]
        containers: set[str] = set()
        for statement in module.tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if mutable(value) and name != "__all__":
                    wrong.append(f"{module.at(statement)}: {name} can be changed and is not Final")
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value) if mutable(value):
                    containers.add(name)
                    if "Final" not in ast.unparse(annotation):
                        wrong.append(f"{module.at(statement)}: {name} can be changed and is not Final")
                case _:
                    pass
        hidden = local_names(module.tree)
        wrong += [
            f"{module.at(node)}: {name} is changed"
            for node, name in changed_names(module.tree)
            if name in containers and name not in hidden
        ]

    assert wrong == []


def test_tasks_are_born_in_a_task_group():
    wrong: list[str] = []
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                owner, _, method = dotted(node.func).rpartition(".")
                loose = owner in {"", "asyncio"} or "loop" in owner
                if method == "ensure_future" or (method == "create_task" and loose):
                    wrong.append(module.at(node))

    assert wrong == []


def test_nothing_is_caught_by_except_star():
    """What is raised in such a block comes out in a group before Python 3.11.4 (gh-103590), as Debian 12 has it."""
    trees = {path: ast.parse(path.read_text()) for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.TryStar)
    ]

    assert wrong == []


def test_the_clock_and_ids_of_the_domain_are_arguments():
    wrong = [
        f"{module.at(node)}: {dotted(node.func)}"
        for module in MODULES
        if module.layer in {"lambda_", "services"}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and (dotted(node.func) in AMBIENT or dotted(node.func).startswith(("random.", "secrets.")))
    ]

    assert wrong == []


def test_files_are_named_by_noun_and_say_what_they_are():
    wrong = [module.at(module.tree) for module in MODULES if module.path.stem in NO_NAMES]
    wrong += [
        f"{module.at(module.tree)}: no docstring at its head"
        for module in MODULES
        if not ast.get_docstring(module.tree)
    ]

    assert wrong == []


def operations() -> Iterator[tuple[Module, ast.AsyncFunctionDef | ast.FunctionDef]]:
    """Every function that binds itself to an operation of a model."""
    for module in MODULES:
        for function in module.functions():
            if any(dotted(decorator).endswith(".operation") for decorator in function.decorator_list):
                yield module, function


def test_every_operation_is_documented():
    undocumented = [f"{module.at(f)}: {f.name}" for module, f in operations() if not ast.get_docstring(f)]

    assert undocumented == []


def modules_bound_in(module: Module) -> Iterator[ast.expr]:
    """What is given to operations_in, and what a package of operations lists in its MODULES for whoever does so."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "operations_in":
            yield from node.args
        if isinstance(node, ast.AnnAssign) and dotted(node.target) == "MODULES" and isinstance(node.value, ast.Tuple):
            yield from node.value.elts


def test_every_operation_is_bound_to_its_service():
    bound = {dotted(given).rpartition(".")[2] for module in MODULES for given in modules_bound_in(module)}
    homes = {module.path.stem for module, _ in operations()}

    assert homes - bound == set()


def test_every_dependency_has_its_line():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[<>=!~; \[]", requirement)[0] for requirement in listed}
    text = (ROOT / "DEPENDENCIES.md").read_text()

    assert {name for name in names if f"| {name} |" not in text} == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_todo_without_an_issue(module: Module):
    loose = [
        line for line in module.path.read_text().splitlines() if re.search(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", line)
    ]

    assert loose == []


def test_every_setting_is_read_by_somebody():
    """A setting that nothing reads is a promise that is not kept."""
    fields = {
        node.target.id
        for node in ast.walk(BY_NAME["lambent.config"].tree)
        if isinstance(node, ast.ClassDef) and node.name == "Config"
        for node in node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    read = {
        node.attr
        for module in MODULES
        if module.name != "lambent.config"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and dotted(node.value).rpartition(".")[2] in {"config", "_config"}
    }

    assert len(fields) > 30
    assert fields - read == set()
