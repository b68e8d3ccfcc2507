"""What botocore's JSON says of a service, decoded as it stands.

Documentation is nine tenths of the text and has no field here, so it never becomes a Python object. Everything else
that a codec, a validator or a binding could ask is kept under the name the file gives it, in snake case.
"""

import msgspec


class XmlNamespace(msgspec.Struct, frozen=True, gc=False):
    """The namespace of an XML element; some files write it as a bare URI."""

    uri: str
    prefix: str = ""


class Reference(msgspec.Struct, rename="camel", gc=False):
    """A mention of a shape: a member of a structure, of a list, of a map; the input or output of an operation."""

    shape: str
    location: str | None = None
    location_name: str | None = None
    streaming: bool = False
    idempotency_token: bool = False
    jsonvalue: bool = False
    flattened: bool = False
    xml_attribute: bool = False
    xml_namespace: XmlNamespace | str | None = None
    timestamp_format: str | None = None
    result_wrapper: str | None = None
    deprecated: bool = False
    host_label: bool = False
    event_payload: bool = msgspec.field(default=False, name="eventpayload")
    event_header: bool = msgspec.field(default=False, name="eventheader")


class ErrorTrait(msgspec.Struct, rename="camel", gc=False):
    """How an error shape appears on the wire."""

    code: str | None = None
    http_status_code: int | None = None
    sender_fault: bool | None = None


class ShapeTraits(msgspec.Struct, rename="camel", gc=False):
    """A named shape."""

    type: str
    members: dict[str, Reference] = {}
    required: list[str] = []
    member: Reference | None = None
    key: Reference | None = None
    value: Reference | None = None
    payload: str | None = None
    enum: list[str] = []
    pattern: str | None = None
    min: int | float | None = None
    max: int | float | None = None
    sensitive: bool = False
    streaming: bool = False
    sparse: bool = False
    flattened: bool = False
    union: bool = False
    document: bool = False
    wrapper: bool = False
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None
    event_stream: bool = msgspec.field(default=False, name="eventstream")
    event: bool = False
    location_name: str | None = None
    xml_namespace: XmlNamespace | str | None = None
    timestamp_format: str | None = None


class HttpTrait(msgspec.Struct, rename="camel", gc=False):
    """Method, path and success status of an operation."""

    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class Endpoint(msgspec.Struct, rename="camel", gc=False):
    """A label before the service's host name. A server that is asked at its own address ignores it."""

    host_prefix: str = ""


class OperationTraits(msgspec.Struct, rename="camel", gc=False):
    """An operation."""

    name: str
    http: HttpTrait = msgspec.field(default_factory=HttpTrait)
    input: Reference | None = None
    output: Reference | None = None
    errors: list[Reference] = []
    deprecated: bool = False
    endpoint: Endpoint | None = None
    auth_type: str | None = msgspec.field(default=None, name="authtype")
    unsigned_payload: bool = False


class QueryCompatible(msgspec.Struct, gc=False):
    """A JSON service that was a query service once, and tells old error codes to old clients."""


class Metadata(msgspec.Struct, rename="camel", gc=False):
    """What is true of the service as a whole."""

    api_version: str
    endpoint_prefix: str
    protocol: str
    service_id: str = ""
    service_full_name: str = ""
    protocols: list[str] = []
    signing_name: str | None = None
    signature_version: str | None = None
    json_version: str = "1.0"
    target_prefix: str | None = None
    xml_namespace: XmlNamespace | str | None = None
    global_endpoint: str | None = None
    aws_query_compatible: QueryCompatible | None = None


class ServiceTraits(msgspec.Struct, gc=False):
    """The whole file."""

    metadata: Metadata
    operations: dict[str, OperationTraits]
    shapes: dict[str, ShapeTraits]


class Paginator(msgspec.Struct, gc=False):
    """How clients walk the pages of a list operation. Some operations take or give more than one token."""

    input_token: str | list[str]
    output_token: str | list[str]
    result_key: str | list[str] | None = None
    limit_key: str | None = None
    more_results: str | None = None


class Paginators(msgspec.Struct, gc=False):
    """The whole paginators file."""

    pagination: dict[str, Paginator] = {}
