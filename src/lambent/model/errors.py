"""The one exception of which every failed AWS call is a kind.

An error is declared once, as a class: `code` names the model's error shape, `message` is the sentence with holes, and a
raise fills the holes. Status, fault and the letter case of the message member are not repeated here, because the model
has them; only an error that no model declares carries its own `status` and `message_key`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AwsError(Exception):
    """One way in which an AWS call fails.

    `extra` names further members of the error shape: `extra={"Reason": "CallerRateLimitExceeded"}`. Its strings are
    templates over the same fields as `message`; None stands for a member that AWS leaves out, such as a Type. An error whose
    `message` is None has that member all the same, with null.
    """

    code: ClassVar[str] = "InternalFailure"
    message: ClassVar[str | None] = "{message}"
    status: ClassVar[int | None] = None
    message_key: ClassVar[str] = "message"
    extra: ClassVar[Mapping[str, object]] = {}

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        extra: Mapping[str, object] | None = None,
        **others: Any,
    ) -> None:
        super().__init_subclass__(**others)
        if code is not None:
            cls.code = code
        if status is not None:
            cls.status = status
        if extra is not None:
            cls.extra = extra

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        self.members: dict[str, object] = {
            name: value.format_map(fields) if isinstance(value, str) else value for name, value in self.extra.items()
        }
        super().__init__("" if self.message is None else self.message.format_map(fields))

    @property
    def text(self) -> str:
        """The sentence, with its holes filled."""
        return str(self)
