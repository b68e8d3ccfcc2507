"""How an error looks to the outside: status, code, message and members, as the service's model says of its shape.

The raised class knows its code and its sentence; what AWS adds to them, the model knows: the HTTP status, who is at
fault, whether the message is called `message` or `Message`, and in older services a code on the wire that differs from
the name.
"""

from typing import Any

import msgspec

from lambent.model.errors import AwsError
from lambent.model.service import ServiceModel, ShapeModel


class Face(msgspec.Struct, gc=False):
    """An error, ready to be written by a protocol."""

    name: str  # the shape's name
    code: str  # the code on the wire: the name, but where the model says otherwise
    status: int
    message: str | None  # None: AWS sends the member with null
    message_key: str
    members: dict[str, Any]  # all other members, by the model's names
    shape: ShapeModel | None  # None: the model does not declare it

    @property
    def senders_fault(self) -> bool:
        """Whether asking again would be of no use."""
        return self.status < 500


def face(service: ServiceModel, error: AwsError) -> Face:
    """How the service's callers are to see the error."""
    shape = service.errors.get(error.code)
    if shape is None:
        status = error.status or 400
        return Face(error.code, error.code, status, _sentence(error), error.message_key, dict(error.members), None)
    trait = shape.traits.error
    status = (trait and trait.http_status_code) or error.status or (500 if shape.traits.fault else 400)
    key = next((name for name in shape.members if name.lower() == "message"), error.message_key)
    members = {name: value for name, value in error.members.items() if name in shape.members and name != key}
    if "Type" in shape.members and "Type" not in members:
        members["Type"] = "User" if status < 500 else "Service"
    members = {name: value for name, value in members.items() if value is not None}  # AWS leaves that one out
    return Face(shape.name, (trait and trait.code) or shape.name, status, _sentence(error), key, members, shape)


def _sentence(error: AwsError) -> str | None:
    return None if error.message is None else error.text
