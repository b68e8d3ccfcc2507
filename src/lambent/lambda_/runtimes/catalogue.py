"""One row for every runtime identifier that AWS knows, retired ones included.

The rows are AWS's facts as of `AS_OF`: a newer Lambent brings newer ones, while the passing of time alone does not
make an installed server refuse what it took yesterday. Sources: the runtimes page of AWS's developer guide
(identifiers, systems, deprecation dates) as tracked by cfn-lint, and reference/lambda.md 10. For the runtimes whose
blocking AWS has postponed "to 2027" together, the dates of that announcement stand here.
"""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Final

from msgspec import Struct

AS_OF: Final = date(2026, 11, 24)


class Provider(Enum):
    """What executes a function here; the value says it to a person."""

    PYTHON = "a Python of this machine, with awslambdaric"
    NODE = "a Node.js of this machine, with Lambent's bootstrap"
    PACKAGE = "the package's own `bootstrap`"
    NONE = "nothing yet"


class Runtime(Struct, frozen=True):
    """A row. Dates are the first day on which AWS does so; None: not announced, or long forgotten."""

    id: str
    family: str  # python, nodejs, java, dotnet, ruby, go, provided, custom
    version: str  # of the language: "3.12", "22", "8.al2"; "" where there is none
    os: str  # "Amazon Linux 2023"; "" for custom
    deprecated: date | None = None
    block_create: date | None = None
    block_update: date | None = None
    preview: bool = False
    provider: Provider = Provider.NONE

    @property
    def blocked(self) -> bool:
        """Whether AWS refuses to create functions with it."""
        return self.block_create is not None and self.block_create <= AS_OF

    @property
    def frames_log(self) -> bool:
        """Whether its client writes the records of its log in frames, to a descriptor of its own."""
        return self.provider in (Provider.PYTHON, Provider.NODE)

    @property
    def execution_environment(self) -> str | None:
        """The value of AWS_EXECUTION_ENV, which packages' own runtimes are not given."""
        return None if self.family in ("provided", "custom") else f"AWS_Lambda_{self.id}"


_SYSTEMS: Final = {"al1": "Amazon Linux", "al2": "Amazon Linux 2", "al2023": "Amazon Linux 2023", "-": ""}

# id | family | version | system | deprecated | create blocked | update blocked | provider or note
_TABLE: Final = """
nodejs            nodejs    0.10        al1     2016-08-30  2016-09-30  2016-10-31
nodejs4.3         nodejs    4.3         al1     2020-03-05  2020-02-03  2020-03-05
nodejs4.3-edge    nodejs    4.3         al1     2020-03-05  2019-03-31  2019-04-30
nodejs6.10        nodejs    6.10        al1     2019-08-12  2019-07-12  2019-08-12
nodejs8.10        nodejs    8.10        al1     2020-03-06  2020-02-04  2020-03-06
nodejs10.x        nodejs    10          al2     2021-07-30  2021-07-30  2022-02-14
nodejs12.x        nodejs    12          al2     2023-03-31  2023-03-31  2023-04-30
nodejs14.x        nodejs    14          al2     2023-12-04  2024-01-09  2027-03-03
nodejs16.x        nodejs    16          al2     2024-06-12  2027-02-01  2027-03-03
nodejs18.x        nodejs    18          al2     2025-09-01  2027-02-01  2027-03-03  node
nodejs20.x        nodejs    20          al2023  2026-04-30  2027-02-01  2027-03-03  node
nodejs22.x        nodejs    22          al2023  2027-04-30  2027-06-01  2027-07-01  node
nodejs24.x        nodejs    24          al2023  2028-04-30  2028-06-01  2028-07-01  node
nodejs26.x        nodejs    26          al2023  -           -           -           node preview
java8             java      8           al1     2024-01-08  2024-02-08  2027-03-03
java8.al2         java      8           al2     2027-06-30  2027-07-31  2027-08-31
java8.al2023      java      8           al2023  -           -           -
java11            java      11          al2     2027-06-30  2027-07-31  2027-08-31
java11.al2023     java      11          al2023  -           -           -
java17            java      17          al2     2027-06-30  2027-07-31  2027-08-31
java17.al2023     java      17          al2023  -           -           -
java21            java      21          al2023  2029-06-30  2029-07-31  2029-08-31
java25            java      25          al2023  2029-06-30  2029-07-31  2029-08-31
python2.7         python    2.7         al1     2021-07-15  2021-07-15  2022-05-30
python3.6         python    3.6         al1     2022-07-18  2022-07-18  2022-08-29
python3.7         python    3.7         al1     2023-12-04  2024-01-09  2027-03-03
python3.8         python    3.8         al2     2024-10-14  2027-02-01  2027-03-03
python3.9         python    3.9         al2     2025-12-15  2027-02-01  2027-03-03
python3.10        python    3.10        al2     2026-10-31  2027-02-01  2027-03-03  python
python3.11        python    3.11        al2     2027-06-30  2027-07-31  2027-08-31  python
python3.12        python    3.12        al2023  2028-10-31  2028-11-30  2029-01-10  python
python3.13        python    3.13        al2023  2029-06-30  2029-07-31  2029-08-31  python
python3.14        python    3.14        al2023  2029-06-30  2029-07-31  2029-08-31  python
python3.15        python    3.15        al2023  -           -           -           python preview
dotnetcore1.0     dotnet    1.0         al1     2019-06-27  2019-06-30  2019-07-30
dotnetcore2.0     dotnet    2.0         al1     2019-05-30  2019-04-30  2019-05-30
dotnetcore2.1     dotnet    2.1         al1     2022-01-05  2022-01-05  2022-04-13
dotnetcore3.1     dotnet    3.1         al2     2023-04-03  2023-04-03  2023-05-03
dotnet6           dotnet    6           al2     2024-12-20  2027-02-01  2027-03-03
dotnet8           dotnet    8           al2023  2026-11-10  2026-12-10  2027-01-11
dotnet10          dotnet    10          al2023  -           -           -
go1.x             go        1           al1     2024-01-08  2024-02-08  2027-03-03
ruby2.5           ruby      2.5         al1     2021-07-30  2021-07-30  2022-03-31
ruby2.7           ruby      2.7         al2     2023-12-07  2024-01-09  2027-03-03
ruby3.2           ruby      3.2         al2     2026-03-31  2027-02-01  2027-03-03
ruby3.3           ruby      3.3         al2023  2027-03-31  2027-04-30  2027-05-31
ruby3.4           ruby      3.4         al2023  2028-03-31  2028-04-30  2028-05-31
ruby4.0           ruby      4.0         al2023  -           -           -
provided          provided  -           al1     2024-01-08  2024-02-08  2027-03-03
provided.al2      provided  -           al2     2026-07-31  2027-02-01  2027-03-03  package
provided.al2023   provided  -           al2023  2029-06-30  2029-07-31  2029-08-31  package
custom            custom    -           -       -           -           -
"""


def _row(line: str) -> Runtime:
    name, family, version, system, *rest = line.split()
    deprecated, block_create, block_update = (None if day == "-" else date.fromisoformat(day) for day in rest[:3])
    notes = rest[3:]
    return Runtime(
        id=name,
        family=family,
        version="" if version == "-" else version,
        os=_SYSTEMS[system],
        deprecated=deprecated,
        block_create=block_create,
        block_update=block_update,
        preview="preview" in notes,
        provider=next((Provider[note.upper()] for note in notes if note != "preview"), Provider.NONE),
    )


CATALOGUE: Final[Mapping[str, Runtime]] = {row.id: row for row in map(_row, _TABLE.strip().splitlines())}
