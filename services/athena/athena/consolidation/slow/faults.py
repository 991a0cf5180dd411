"""How it ends when nothing comes of a question or of a claim."""

from __future__ import annotations


class Unfit(Exception):
    """A claim, or a whole answer, that the code doesn't take. `reason` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NoAnswer(Exception):
    """The model gave none that can be read. `again`: asking differently at once may help."""

    def __init__(self, code: str, reason: str, *, retry: bool = True, again: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.retry = retry
        self.again = again


class TooLong(NoAnswer):
    """The question doesn't fit into the model's context."""

    def __init__(self, reason: str) -> None:
        super().__init__("too_long", reason, retry=False)
