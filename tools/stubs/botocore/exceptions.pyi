from typing import TypedDict

class _Error(TypedDict):
    Code: str
    Message: str

class _Response(TypedDict):
    Error: _Error

class ClientError(Exception):
    response: _Response

class BotoCoreError(Exception): ...
class ConnectionError(BotoCoreError): ...
class HTTPClientError(BotoCoreError): ...
class ParamValidationError(BotoCoreError): ...
