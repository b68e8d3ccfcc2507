"""A service as its model describes it: operations by name, shapes resolved when somebody asks for them.

A member is a mention of a shape plus traits of its own (where it stands in a request, what it is called there). A
`ShapeModel` is both in one, so that a codec reads one object; it is made once per mention, when first followed, which
also lets recursive shapes be finite.
"""

from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from lambent.model import files
from lambent.model.names import snake_case
from lambent.model.traits import (
    Metadata,
    OperationTraits,
    Paginator,
    Paginators,
    Reference,
    ServiceTraits,
    ShapeTraits,
    XmlNamespace,
)

_SERVICE: Final = msgspec.json.Decoder(ServiceTraits)
_PAGINATORS: Final = msgspec.json.Decoder(Paginators)


class ShapeModel:
    """A shape as seen from one mention of it."""

    def __init__(self, service: "ServiceModel", reference: Reference) -> None:
        self._service = service
        self.name = reference.shape
        self.reference = reference
        self.traits: ShapeTraits = service.traits.shapes[reference.shape]
        self.type = self.traits.type

    def __repr__(self) -> str:
        return f"<{self.type} {self.name}>"

    @cached_property
    def members(self) -> "dict[str, ShapeModel]":
        """Members of a structure in the model's order; empty for other types."""
        return {name: ShapeModel(self._service, member) for name, member in self.traits.members.items()}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the members that must be there."""
        return frozenset(self.traits.required)

    @cached_property
    def member(self) -> "ShapeModel":
        """What a list holds."""
        return self._mentioned(self.traits.member)

    @cached_property
    def key(self) -> "ShapeModel":
        """What a map is looked up by."""
        return self._mentioned(self.traits.key)

    @cached_property
    def value(self) -> "ShapeModel":
        """What a map holds."""
        return self._mentioned(self.traits.value)

    def _mentioned(self, reference: Reference | None) -> "ShapeModel":
        if reference is None:
            raise TypeError(f"{self!r} holds no such thing")
        return ShapeModel(self._service, reference)

    @property
    def location(self) -> str | None:
        """uri, querystring, header, headers or statusCode; None: in the body."""
        return self.reference.location

    @property
    def location_name(self) -> str | None:
        """The name on the wire where it is not the member's own."""
        return self.reference.location_name

    @property
    def flattened(self) -> bool:
        """XML and query: elements without an element around them."""
        return self.traits.flattened or self.reference.flattened

    @property
    def streaming(self) -> bool:
        """Raw bytes of the body, whatever the protocol."""
        return self.traits.streaming or self.reference.streaming

    @property
    def timestamp_format(self) -> str | None:
        """iso8601, rfc822 or unixTimestamp where it is not the protocol's own."""
        return self.reference.timestamp_format or self.traits.timestamp_format

    @property
    def xml_namespace(self) -> XmlNamespace | None:
        """The namespace that an element of this shape opens."""
        return _namespace(self.reference.xml_namespace or self.traits.xml_namespace)

    @property
    def payload(self) -> "ShapeModel | None":
        """The member that is the whole body, if one is."""
        return self.members[self.traits.payload] if self.traits.payload else None


class OperationModel:
    """One operation of a service."""

    def __init__(self, service: "ServiceModel", traits: OperationTraits) -> None:
        self.service = service
        self.traits = traits
        self.name = traits.name
        self.method = traits.http.method
        self.request_uri = traits.http.request_uri
        self.status = traits.http.response_code
        self.deprecated = traits.deprecated

    def __repr__(self) -> str:
        return f"<operation {self.service.name}:{self.name}>"

    @cached_property
    def input(self) -> ShapeModel | None:
        """The request's structure; None if it has no members at all."""
        return ShapeModel(self.service, self.traits.input) if self.traits.input else None

    @cached_property
    def output(self) -> ShapeModel | None:
        """The response's structure."""
        return ShapeModel(self.service, self.traits.output) if self.traits.output else None

    @cached_property
    def errors(self) -> list[ShapeModel]:
        """The error shapes that the operation declares."""
        return [ShapeModel(self.service, reference) for reference in self.traits.errors]


class ServiceModel:
    """One service of AWS, in its newest API version."""

    def __init__(self, name: str, traits: ServiceTraits, paginators: dict[str, Paginator] | None = None) -> None:
        self.name = name
        self.traits = traits
        self.metadata: Metadata = traits.metadata
        self.paginators = paginators or {}
        self._operations: dict[str, OperationModel] = {}

    def __repr__(self) -> str:
        return f"<service {self.name} {self.metadata.api_version}>"

    @property
    def signing_name(self) -> str:
        """The service in a credential scope, and before the colon of its IAM actions."""
        return self.metadata.signing_name or self.metadata.endpoint_prefix

    @property
    def protocols(self) -> list[str]:
        """What the service speaks, preferred first: json, rest-json, rest-xml, query, ec2, smithy-rpc-v2-cbor."""
        return self.metadata.protocols or [self.metadata.protocol]

    @property
    def xml_namespace(self) -> XmlNamespace | None:
        """The namespace of the service's XML."""
        return _namespace(self.metadata.xml_namespace)

    @property
    def operation_names(self) -> list[str]:
        """In the file's order, which is by name."""
        return list(self.traits.operations)

    def operation(self, name: str) -> OperationModel:
        """Raises KeyError for a name that the service does not have."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = OperationModel(self, self.traits.operations[name])
        return found

    @cached_property
    def by_snake_case(self) -> dict[str, str]:
        """AWS's operation names by ours."""
        return {snake_case(name): name for name in self.traits.operations}

    def shape(self, name: str) -> ShapeModel:
        """A shape by its own name, mentioned by nobody. Raises KeyError."""
        return ShapeModel(self, Reference(shape=name))

    @cached_property
    def errors(self) -> dict[str, ShapeModel]:
        """Error shapes by their names and by their wire codes, which differ in query services."""
        shapes = {
            name: self.shape(name) for name, traits in self.traits.shapes.items() if traits.exception or traits.error
        }
        codes = {
            shape.traits.error.code: shape
            for shape in shapes.values()
            if shape.traits.error and shape.traits.error.code
        }
        return {**{code: shape for code, shape in codes.items() if code}, **shapes}


def _namespace(given: XmlNamespace | str | None) -> XmlNamespace | None:
    return XmlNamespace(uri=given) if isinstance(given, str) else given


def load(name: str, folder: Path | None = None) -> ServiceModel:
    """Read the newest model of a service: about 6 ms for `lambda`. Raises ModelNotFound."""
    version = files.newest_version(folder or files.data_folder(), name)
    text = files.read(version, files.SERVICE_FILE)
    if text is None:
        raise files.ModelNotFound(f"{version} has no {files.SERVICE_FILE}")
    pages = files.read(version, files.PAGINATORS_FILE)
    return ServiceModel(name, _SERVICE.decode(text), _PAGINATORS.decode(pages).pagination if pages else None)
