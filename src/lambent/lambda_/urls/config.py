"""The configuration of a function URL: a part of a function, or of one of its aliases.

The id in its address is drawn when it is made and stays until it is deleted; a URL made anew has another. Sources:
reference/lambda.md 2.3, 14; Lambda developer guide, "Creating and managing Lambda function URLs".
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from lambent.core.errors import AwsError
from lambent.core.ids import Ids
from lambent.core.kernel import Shape
from lambent.lambda_.parts import Part

URL_ID_LENGTH: Final = 32  # characters; ref 2.3
URL_ID_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"  # of the 36 that AWS uses, those that 256 divides into

AuthType = Literal["NONE", "AWS_IAM"]
InvokeMode = Literal["BUFFERED", "RESPONSE_STREAM"]


class NoFunctionForUrl(AwsError, code="ResourceNotFoundException"):
    """Recorded: the function, or the alias, does not exist."""

    message = "Function does not exist"


class NoFunctionUrlConfig(AwsError, code="ResourceNotFoundException"):
    """Recorded."""

    message = "The resource you requested does not exist."


class FunctionUrlConfigExists(AwsError, code="ResourceConflictException"):
    """As users report it, with its two spaces."""

    message = (
        "Failed to create function url config for [functionArn = {arn}]. "
        "Error message:  FunctionUrlConfig exists for this Lambda function"
    )


class UrlWithTenants(AwsError, code="InvalidParameterValueException"):
    """The developer guide has the rule ("Tenant isolation"), for nobody can tell a URL the tenant; the sentence is ours."""

    message = "Function URLs are not supported for functions with tenant isolation."


class Cors(Shape):
    """What a browser's page of another origin may do. An empty one is none."""

    allow_credentials: bool | None = None
    allow_headers: list[str] | None = None
    allow_methods: list[str] | None = None
    allow_origins: list[str] | None = None
    expose_headers: list[str] | None = None
    max_age: int | None = None  # seconds


class FunctionUrlConfig(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The URL of the qualifier it hangs on: of the function itself, or of an alias."""

    KIND: ClassVar[str] = "function-url"

    url_id: str
    auth_type: AuthType
    created_at: float  # Unix epoch seconds
    modified_at: float
    cors: Cors | None = None
    invoke_mode: InvokeMode = "BUFFERED"


def new_url_id(ids: Ids) -> str:
    return ids.letters(URL_ID_LENGTH, URL_ID_ALPHABET)
