"""The kernel: an operation is a function, and its signature is its binding to AWS's model.

    LAMBDA: Final = Binding("lambda")

    @LAMBDA.operation
    async def get_alias(ctx: Context[Lambda], *, function_name: str, name: str) -> AliasConfiguration:
        ...

The function is named as AWS names the operation, its keyword parameters as AWS names the members, in snake case; the
decorator compares both with the model at import and fails there. What a caller sends then passes three steps: the
model's constraints, in AWS's own sentences; conversion to the types the function asks for; the function. Everything
else (routes, codecs, IAM actions, the coverage page, an honest answer where nothing is bound) is derived from the model
and from which functions are bound.

A `Binding` is a constant and holds no operations; a `Service` is made in app.py of a binding, a state and the
operations found in the modules it is given.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast, overload

import msgspec

from lambent.core.binding import Agreed, ModelMismatch, bound, members_of
from lambent.core.clock import Clock
from lambent.core.errors import (
    NotImplementedYet,
    SerializationException,
    UnknownOperationException,
    ValidationException,
)
from lambent.core.ids import Ids
from lambent.core.slices import Slice
from lambent.core.spenders import Spender
from lambent.model.constraints import Violations, violations_of
from lambent.model.service import OperationModel, ServiceModel, load
from lambent.model.wording import wording_of

__all__ = ["Binding", "Caller", "Context", "ModelMismatch", "Operation", "Service", "Shape", "operations_in"]

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

QUERY_PROTOCOLS = ("query", "ec2")
HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


class Shape(msgspec.Struct, rename="pascal", omit_defaults=True, kw_only=True):
    """A nested AWS shape or an output, named as the model names it, with one field per member we use.

    A field's default is None, which means absent and is not sent. Where PascalCase does not give AWS's name, the field
    says it: `kms_key_arn: str | None = msgspec.field(default=None, name="KMSKeyArn")`. A service whose members begin
    with a small letter uses a subclass with `rename="camel"`.
    """


class SessionTag(msgspec.Struct, frozen=True, array_like=True):
    """A tag of a role session."""

    key: str
    value: str
    transitive: bool = False  # handed on to sessions that are assumed from this one


class Caller(msgspec.Struct, frozen=True):
    """Whoever signed the request."""

    account: str
    arn: str
    principal_id: str
    access_key: str
    is_root: bool = False
    session_name: str | None = None
    session_tags: tuple[SessionTag, ...] = ()


class Context(msgspec.Struct, Generic[S]):
    """What an operation may know besides its members."""

    state: S
    caller: Caller
    region: str
    request_id: str
    clock: Clock
    ids: Ids
    partition: str = "aws"
    trace_id: str | None = None  # the X-Amzn-Trace-Id that the request came with
    host: str | None = None  # the Host that the request came with: under which name, and port, the caller reaches us
    outer_port: int | None = None  # by which others reach us, where the caller has a door of its own: a guest
    source_ip: str | None = None  # the address the request came from
    slice: Slice | None = None  # of the guest that the request came from
    at_once: bool = False  # whether the caller does not want to wait for AWS's pace (core/pace.py)
    answer_trace_id: str | None = None  # the X-Amzn-Trace-Id of the answer, which no model has: the operation's to set

    @property
    def account(self) -> str:
        """The account that is acted in: the caller's."""
        return self.caller.account

    @property
    def spender(self) -> Spender:
        """For whom the operation works."""
        return Spender(f"{self.account} {self.caller.principal_id.partition(':')[0]}", self.slice)

    @property
    def endpoint(self) -> str:
        """`http://host:port` as the caller reaches us, for addresses in answers."""
        host = self.host if self.host is not None and HOST.fullmatch(self.host) else "localhost"
        return f"http://{host}"


class Operation(Generic[P, R]):
    """A function bound to an operation of the model. Calling it calls the function, past validation and conversion."""

    def __init__(
        self,
        binding: "Binding",
        function: Callable[..., Awaitable[R]],
        action: str | None = None,
        stored: Collection[str] = (),
        refused: Collection[str] = (),
    ) -> None:
        name = binding.model.by_snake_case.get(function.__name__)
        if name is None:
            raise ModelMismatch(f"{binding.name} has no operation {function.__name__}")
        self.binding = binding
        self.name = name
        self.function = function
        self.model: OperationModel = binding.model.operation(name)
        self.action = action or f"{binding.model.signing_name}:{name}"
        self.module = function.__module__
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self._parameters = bound(function, self.model.input, self.model.output, name, binding.agreed)
        self._stored = stored
        self._refused = refused

    def __repr__(self) -> str:
        return f"<{self.binding.name}:{self.name} bound to {self.module}.{self.__name__}>"

    @property
    def unused(self) -> list[str]:
        """Members of the model that the function does not take: accepted, validated and ignored."""
        return [member.path for member in members_of(self.function, self.model.input) if not member.taken]

    @property
    def stored(self) -> list[str]:
        """Members that are kept, and returned where AWS returns them, and change nothing yet."""
        return self._taken(self._stored)

    @property
    def refused(self) -> list[str]:
        """Members that are refused by name where they ask for anything, because they cannot be honoured yet."""
        return self._taken(self._refused)

    def _taken(self, names: Collection[str]) -> list[str]:
        taken = [member for member in members_of(self.function, self.model.input) if member.taken]
        return [member.path for member in taken if member.name in names]

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.function(*args, **kwargs)

    @cached_property
    def _violations(self) -> Violations | None:
        return violations_of(self.model.input, wording_of(self.binding.name)) if self.model.input else None

    async def answer(self, members: dict[str, Any], ctx: Context[Any]) -> dict[str, Any]:
        """Validate, convert, call; members in and members out, by the model's names. Raises AwsError."""
        if self._violations is not None and (found := self._violations(members)):
            raise self.binding.validation_error(found)
        arguments: dict[str, Any] = {}
        for member, value in members.items():
            parameter = self._parameters.get(member)
            if parameter is not None and value is not None:
                name, wanted = parameter
                arguments[name] = value if wanted is None else _converted(value, wanted)
        result = await self.function(ctx, **arguments)
        return {} if result is None else msgspec.to_builtins(result, builtin_types=(bytes,))


def _converted(value: Any, wanted: Any) -> Any:
    """The value as our own type; what that has no room for (an enum's newest value) is refused to the caller."""
    try:
        return msgspec.convert(value, wanted, builtin_types=(bytes,))
    except msgspec.ValidationError as problem:
        raise SerializationException(reason=str(problem)) from None


class Binding:
    """The model of one service, to which functions are bound. It reads the model when first asked for it.

    `validation_error_code` is the code under which the service tells that members break the model's constraints, where
    model/wording.py does not know it.
    """

    def __init__(self, name: str, *, validation_error_code: str | None = None) -> None:
        self.name = name
        self._validation_error_code = validation_error_code
        self.agreed: Final = Agreed()  # grows while operations are bound, and is of no use after

    @cached_property
    def model(self) -> ServiceModel:
        """The service's model, read from botocore's files."""
        return load(self.name)

    @cached_property
    def validation_error(self) -> type[ValidationException]:
        """The error that this service answers for members that break constraints."""
        query = self.model.metadata.protocol in QUERY_PROTOCOLS
        known = self._validation_error_code or wording_of(self.name).error_code
        given = known or ("ValidationError" if query else ValidationException.code)

        class BrokenConstraints(ValidationException, code=given):
            pass

        return BrokenConstraints

    @overload
    def operation(
        self, function: Callable[Concatenate[Context[S], P], Awaitable[R]], /
    ) -> Operation[Concatenate[Context[S], P], R]: ...

    @overload
    def operation(
        self, /, *, action: str | None = None, stored: Collection[str] = (), refused: Collection[str] = ()
    ) -> Callable[[Callable[Concatenate[Context[S], P], Awaitable[R]]], Operation[Concatenate[Context[S], P], R]]: ...

    def operation(
        self,
        function: Callable[..., Awaitable[Any]] | None = None,
        /,
        *,
        action: str | None = None,
        stored: Collection[str] = (),
        refused: Collection[str] = (),
    ) -> Any:
        """Bind a function to the operation it is named after. Raises ModelMismatch.

        `action`: IAM's, if it differs. The rest is for the coverage page, of members that the function takes: `stored`
        are kept and change nothing, `refused` are answered with an error; a name that it does not take tells nothing.
        """

        def bind(given: Callable[..., Awaitable[Any]]) -> Operation[..., Any]:
            return Operation(self, given, action, stored, refused)

        return bind if function is None else bind(function)


def operations_in(*modules: ModuleType) -> tuple[Operation[..., Any], ...]:
    """The operations that these modules define, in their order; those they merely import are not among them."""
    found: list[Operation[..., Any]] = []
    for module in modules:
        for value in cast("Iterable[object]", vars(module).values()):
            if isinstance(value, Operation):
                operation = cast("Operation[..., Any]", value)
                if operation.module == module.__name__:
                    found.append(operation)
    return tuple(found)


class Service(Generic[S]):
    """One service of one app: a model, a state and the operations that are bound."""

    def __init__(self, binding: Binding, state: S, operations: Iterable[Operation[..., Any]]) -> None:
        self.binding = binding
        self.state = state
        bound: dict[str, Operation[..., Any]] = {}
        for operation in operations:
            if operation.binding is not binding:
                raise ModelMismatch(f"{operation} does not belong to {binding.name}")
            if operation.name in bound:
                raise ModelMismatch(f"{operation} and {bound[operation.name]} are one operation")
            bound[operation.name] = operation
        self.operations: Mapping[str, Operation[..., Any]] = bound

    @property
    def name(self) -> str:
        """What boto3 calls the service."""
        return self.binding.name

    @property
    def model(self) -> ServiceModel:
        """The service's model."""
        return self.binding.model

    def action(self, operation_name: str) -> str:
        """The IAM action of an operation, bound or not."""
        bound = self.operations.get(operation_name)
        return bound.action if bound else f"{self.model.signing_name}:{operation_name}"

    def call(self, operation_name: str, members: dict[str, Any], ctx: Context[Any]) -> Awaitable[dict[str, Any]]:
        """Run an operation on members by the model's names; also raises AwsError before it is awaited."""
        operation = self.operations.get(operation_name)
        if operation is None:
            if operation_name in self.model.traits.operations:
                raise NotImplementedYet(service=self.name, operation=operation_name)
            raise UnknownOperationException
        return operation.answer(members, ctx)
