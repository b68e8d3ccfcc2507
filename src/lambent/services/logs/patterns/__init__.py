"""The filter pattern language of CloudWatch Logs, compiled into a predicate over messages.

    ""                              everything
    ERROR "exact phrase" -DEBUG     terms: all of them, but none that is excluded
    ?ERROR ?WARN                    any of them; ignored beside terms without a question mark
    { $.level = "error" && ... }    JSON messages

Terms are matched as they stand, upper and lower case apart, anywhere in the message. Space-delimited patterns ([ip,
user, ...]) and regular expressions (%...%) are refused with a sentence, not half done: an expression from outside, run
by Python's backtracking `re`, could hold the whole server up.

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters, subscription filters, filter log events,
and Live Tail".
"""

from __future__ import annotations

from collections.abc import Callable

from lambent.services.logs.errors import InvalidFilterPattern
from lambent.services.logs.patterns.json_pattern import json_predicate
from lambent.services.logs.patterns.terms import terms_predicate

Predicate = Callable[[str], bool]


def compiled(pattern: str) -> Predicate:
    """Compile a pattern. Raises InvalidFilterPattern."""
    text = pattern.strip()
    if text.startswith("{"):
        return json_predicate(text)
    if text.startswith("["):
        raise InvalidFilterPattern(reason="Lambent does not know space-delimited patterns yet")
    return terms_predicate(text)
