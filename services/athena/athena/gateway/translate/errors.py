"""What can't be said on the other side, and answers that are none."""

from __future__ import annotations

from athena.errors import AthenaError, InvalidInput
from athena.gateway.types import Json


class CannotCarry(InvalidInput):
    """Part of a request means something that the provider's wire can't say.

    `field` is where it stands in the request as the client sent it (`messages.3.content.0`); the message names it,
    the hint says what can be done. Refusing is the point: an answer to less than was asked would look like a good one.
    """

    code = "cannot_carry"

    def __init__(
        self, field: str, why: str, *, hint: str | None = None, details: dict[str, Json] | None = None
    ) -> None:
        super().__init__(f"{field}: {why}", hint=hint, details=details)
        self.field = field


class NotCarried(InvalidInput):
    """The same of a model that was asked for by its name: another one isn't what was wanted."""

    code = "cannot_carry"


class NoAnswer(AthenaError):
    """A provider said 200, and then nothing that its wire calls an answer."""

    status = 502
    code = "no_answer"
    source = "provider"
