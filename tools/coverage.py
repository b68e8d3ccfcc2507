"""Writes docs/coverage.md: which of AWS's operations Lambent has, and which members of them are without effect.

    python -m tools.coverage          write the page (`make docs`)

It is what the models say minus the functions that are bound, so nobody keeps it by hand. The page is the one generated
file that is committed, because it is for readers, who have no environment to generate it in. `tests/test_coverage.py` fails
when it is not what this program would write with the same botocore; a newer botocore, which knows more operations,
does not make it wrong. The services are found where app.py's are: in packages named `operations`.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

import lambent.services
from lambent.core.kernel import Binding, Operation, operations_in
from lambent.model.files import ModelNotFound, data_folder, newest_version, service_names

PAGE: Final = Path(__file__).parent.parent / "docs" / "coverage.md"

HEAD: Final = """\
# Coverage

<!-- Written by `make docs` (tools/coverage.py) from botocore {botocore}. Do not edit: `make test` compares. Alone of what is
generated it is committed, because readers look for it here. -->

Which operations of AWS Lambent has, by its own account: AWS's models minus the functions that are bound to them.

| service | operations | of |
| --- | --- | --- |
{totals}

**Every other operation of these services, and every operation of the other {others} services in AWS's models, answers
`NotImplemented`, status 501, and names the operation.** None pretends to have worked.

All members of an operation are validated as AWS validates them, and obeyed, except those named beside it:

- *ignored*: accepted and forgotten. Names with dots are members of members.
- *stored*: kept, returned where AWS returns them, and without effect.
- *refused*: an error names the member where its value asks for anything that Lambent cannot do; values that ask for nothing
  (`Layers: []`, `PackageType: Zip`) are accepted. Single values of obeyed members can be refused as well, and as plainly
  (`InvocationType: Event`).
"""


class Covered(NamedTuple):
    """A service of AWS of which something is there."""

    binding: Binding
    operations: dict[str, Operation[..., Any]]  # by AWS's name

    @property
    def missing(self) -> list[str]:
        return sorted(set(self.binding.model.traits.operations) - set(self.operations))


def covered() -> list[Covered]:
    """Every service with its bound operations, Lambda first; of some only what others need is there, and no operation."""
    services = [f"lambent.services.{service.name}" for service in pkgutil.iter_modules(lambent.services.__path__)]
    operations = [f"{package}.operations" for package in ("lambent.lambda_", *services)]
    return [_of(importlib.import_module(module)) for module in operations if find_spec(module) is not None]


def page() -> str:
    """The page, as it should be."""
    services = covered()
    totals = [
        f"| [{each.binding.name}](#{each.binding.name}) | {len(each.operations)} "
        f"| {len(each.binding.model.traits.operations)} |"
        for each in services
    ]
    head = HEAD.format(
        botocore=version("botocore"), totals="\n".join(totals), others=_count_of_services() - len(services)
    )
    return "\n".join([head, *(_section(each) for each in services)])


def _of(package: ModuleType) -> Covered:
    modules = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    bound = sorted(operations_in(*modules), key=lambda operation: operation.name)
    return Covered(bound[0].binding, {operation.name: operation for operation in bound})


def _section(service: Covered) -> str:
    lines = [f"## {service.binding.name}", "", "| operation | members that are not obeyed |", "| --- | --- |"]
    lines += [f"| {name} | {'; '.join(_exceptions(operation))} |" for name, operation in service.operations.items()]
    lines += ["", f"Not implemented ({len(service.missing)}): {', '.join(service.missing)}.", ""]
    return "\n".join(lines)


def _exceptions(operation: Operation[..., Any]) -> Iterator[str]:
    kinds = {"ignored": operation.unused, "stored": operation.stored, "refused": operation.refused}
    for kind, members in kinds.items():
        if members:
            yield f"{kind}: {', '.join(f'`{member}`' for member in members)}"


def _count_of_services() -> int:
    folder = data_folder()
    return sum(_has_model(folder, name) for name in service_names(folder))


def _has_model(folder: Path, name: str) -> bool:
    try:
        newest_version(folder, name)
    except ModelNotFound:  # a folder of something else, such as botocore's list of endpoints
        return False
    return True


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
