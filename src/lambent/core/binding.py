"""What makes a Python signature a binding to the model: names, types and what is required must agree.

It is asked at import, once per operation, so that a wrong name never survives the first start. It is not a validator:
what comes from a caller is checked against the model's constraints by `model.constraints`, before any of our types are
made.
"""

import enum
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from lambent.model.names import snake_case
from lambent.model.service import ShapeModel

_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
    "float": (float,),
    "double": (float,),
    "blob": (bytes,),
    "timestamp": (float,),
}


class ModelMismatch(TypeError):
    """Our code names something that the AWS model does not have. Raised at import, for us to read."""


class Member(NamedTuple):
    """One member of an operation's input, at whatever depth."""

    path: str  # Code.S3Bucket, Tags[].Key
    taken: bool  # whether the function, or a type of ours that it takes, has a place for it

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


class Parameter(NamedTuple):
    """One bound parameter of an operation's function."""

    name: str
    convert_to: Any  # the type to make of the member's value; None: it is already what the function wants


Agreed = set[tuple[Any, str, bool]]
"""Which of our types were found to agree with which shapes of one service, and whether they are sent."""


def bound(
    function: Callable[..., Any], input_shape: ShapeModel | None, output: ShapeModel | None, where: str, agreed: Agreed
) -> dict[str, Parameter]:
    """The function's parameters by the member each takes. Raises ModelMismatch.

    `agreed` is what earlier operations of the service have shown, and learns what this one shows: most of them answer
    with the same few shapes.
    """
    signature = inspect.signature(function)
    parameters = _bound_parameters(function, signature, input_shape, where, agreed)
    _check_result(function, signature, output, where, agreed)
    return parameters


def _bound_parameters(
    function: Callable[..., Any], signature: inspect.Signature, shape: ShapeModel | None, where: str, agreed: Agreed
) -> dict[str, Parameter]:
    members = {snake_case(name): name for name in shape.members} if shape else {}
    parameters: dict[str, Parameter] = {}
    _context, *ours = signature.parameters.values()
    for parameter in ours:
        if shape is None or parameter.name not in members:
            raise ModelMismatch(f"{where}: no member is called {parameter.name}; the model has {', '.join(members)}")
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise ModelMismatch(f"{where}.{parameter.name}: members are keyword-only parameters")
        member = members[parameter.name]
        if (member in shape.required) != (parameter.default is parameter.empty):
            needed = "required, so it has no default" if member in shape.required else "optional, so it needs a default"
            raise ModelMismatch(f"{where}.{parameter.name}: the model says {member} is {needed}")
        hint = _evaluated(parameter.annotation, function)
        _check(hint, shape.members[member], f"{where}.{parameter.name}", sent=False, agreed=agreed)
        parameters[member] = Parameter(parameter.name, None if _is_builtin(hint) else hint)
    return parameters


def members_of(function: Callable[..., Any], shape: ShapeModel | None) -> Iterator[Member]:
    """Every member that the function could take: the model's, and those of its shapes where ours name them one by one.

    What the function takes as a plain dict is its own affair: the members within are not told.
    """
    hints = {p.name: _evaluated(p.annotation, function) for p in inspect.signature(function).parameters.values()}
    for name, member in shape.members.items() if shape else ():
        hint = hints.get(snake_case(name))
        yield Member(name, hint is not None)
        if hint is not None:
            yield from _members_within(hint, member, name, frozenset())


def _members_within(hint: Any, shape: ShapeModel, path: str, seen: frozenset[Any]) -> Iterator[Member]:
    hint = _without_none(hint)
    if shape.type == "list":
        yield from _members_within(typing.get_args(hint)[0], shape.member, f"{path}[]", seen)
    elif shape.type == "structure" and isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint not in seen:
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(hint)}
        for name, member in shape.members.items():
            yield Member(f"{path}.{name}", name in fields)
            if name in fields:
                yield from _members_within(fields[name], member, f"{path}.{name}", seen | {hint})


def _check_result(
    function: Callable[..., Any], signature: inspect.Signature, shape: ShapeModel | None, where: str, agreed: Agreed
) -> None:
    """The function's return type names members of the output."""
    hint = _without_none(_evaluated(signature.return_annotation, function))
    if hint is None or hint is types.NoneType:
        return
    if shape is None:
        raise ModelMismatch(f"{where}: the model has no output")
    _check(hint, shape, f"{where} -> {shape.name}", sent=True, agreed=agreed)


def _check(hint: Any, shape: ShapeModel, where: str, *, sent: bool, agreed: Agreed) -> None:
    """Whether values of `shape` can be of type `hint`; `sent`: whether they go out."""
    hint = _without_none(hint)
    origin = typing.get_origin(hint) or hint
    if origin is Literal or (isinstance(origin, type) and issubclass(origin, enum.Enum)):
        _check_enum(hint, origin, shape, where)
    elif shape.type == "list":
        _expect(origin in (list, tuple, Sequence), "a list", hint, where)
        _check(typing.get_args(hint)[0], shape.member, f"{where}[]", sent=sent, agreed=agreed)
    elif shape.type == "map":
        _expect(origin in (dict, Mapping), "a dict", hint, where)
        _check(typing.get_args(hint)[1], shape.value, f"{where}{{}}", sent=sent, agreed=agreed)
    elif shape.type == "structure":
        if origin not in (dict, Mapping, Any, object) and (hint, shape.name, sent) not in agreed:
            agreed.add((hint, shape.name, sent))  # already here, because a shape may hold itself
            _check_fields(hint, shape, where, sent=sent, agreed=agreed)
    else:
        allowed = _SCALARS[shape.type]
        _expect(
            isinstance(origin, type) and issubclass(origin, allowed),
            f"{shape.type} ({allowed[0].__name__})",
            hint,
            where,
        )
        _expect(shape.type == "boolean" or origin is not bool, shape.type, hint, where)


def _check_fields(hint: Any, shape: ShapeModel, where: str, *, sent: bool, agreed: Agreed) -> None:
    if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        raise ModelMismatch(f"{where}: the model says a Shape for {shape.name}, not {hint}")
    for field in msgspec.structs.fields(hint):
        if field.encode_name not in shape.members:
            raise ModelMismatch(
                f"{where}: {hint.__name__}.{field.name}: {shape.name} has no member {field.encode_name}"
            )
        if sent and not (field.required or field.default is None):
            raise ModelMismatch(f"{where}: {hint.__name__}.{field.name}: a default is not sent, so it can only be None")
        _check(field.type, shape.members[field.encode_name], f"{where}.{field.name}", sent=sent, agreed=agreed)


def _check_enum(hint: Any, origin: Any, shape: ShapeModel, where: str) -> None:
    values = typing.get_args(hint) if origin is Literal else [member.value for member in origin]
    unknown = [value for value in values if value not in shape.traits.enum]
    if shape.type != "string" or (shape.traits.enum and unknown):
        raise ModelMismatch(f"{where}: {shape.name} has no value {', '.join(map(str, unknown))}")


def _expect(fine: bool, what: str, hint: Any, where: str) -> None:
    if not fine:
        raise ModelMismatch(f"{where}: the model says {what}, not {hint}")


def _evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    """The annotation as a type, also where the file postpones annotations; the context's own is never looked at."""
    if annotation is None or not isinstance(annotation, str):
        return annotation
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    return typing.get_type_hints(holder, globalns=function.__globals__)["it"]


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        rest = [part for part in typing.get_args(hint) if part is not types.NoneType]
        return rest[0] if len(rest) == 1 else hint
    return hint


def _is_builtin(hint: Any) -> bool:
    """Whether a parsed member already is of this type."""
    hint = _without_none(hint)
    origin = typing.get_origin(hint) or hint
    if origin in (list, dict, Mapping, Sequence):
        return all(_is_builtin(part) for part in typing.get_args(hint))
    return origin in (str, int, float, bool, bytes, Any, object)
