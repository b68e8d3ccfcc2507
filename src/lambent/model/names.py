"""AWS's CamelCase names in the snake case that boto3's users know, so that ours and theirs are the same words.

`ListMFADevices` is `list_mfa_devices` and `CodeSha256` is `code_sha256`: a run of capitals is one word, and a capital
that is followed by a small letter begins another.
"""

import re
from functools import lru_cache
from typing import Final

_WORD_BEGINS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLURAL_ACRONYM: Final = re.compile(r"[A-Z]{2,}s$")
_ONE_WORD: Final = {"iSCSI": "Iscsi", "HITs": "Hits", "WhatsApp": "Whatsapp", "OAuth": "Oauth", "OTel": "Otel"}
"""Names of things whose capitals do not begin words."""


@lru_cache(maxsize=16384)
def snake_case(name: str) -> str:
    """The name as a Python function or parameter."""
    for brand, word in _ONE_WORD.items():
        name = name.replace(brand, word)
    if plural := _PLURAL_ACRONYM.search(name):  # FunctionARNs, not FunctionAR_Ns
        head = name[: plural.start()]
        tail = plural.group().lower()
        return f"{snake_case(head)}_{tail}" if head else tail
    return _WORD_BEGINS.sub("_", name).lower()


def lower_camel(name: str) -> str:
    """The name as AWS's sentences write a member: `FunctionName` is `functionName`, `KMSKeyArn` is `kMSKeyArn`."""
    return name[:1].lower() + name[1:]
